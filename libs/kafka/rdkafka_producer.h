// What both real producers share: topics looked up once, records handed over. Part of
// rdkafka_log.h.
#ifndef REGULARS_LIBS_KAFKA_RDKAFKA_PRODUCER_H_
#define REGULARS_LIBS_KAFKA_RDKAFKA_PRODUCER_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "libs/kafka/rdkafka_handle.h"

namespace regulars::kafka::rd {

// Not thread-safe. Must be destroyed before the handle.
class TopicCache {
 public:
  explicit TopicCache(rd_kafka_t* rk) : rk_(rk) {}
  // Null if librdkafka refuses the name.
  rd_kafka_topic_t* Find(const std::string& name);

 private:
  rd_kafka_t* const rk_;
  absl::flat_hash_map<std::string, Owned<rd_kafka_topic_t>> topics_;
};

// Copies the record into librdkafka's queue; never waits. `opaque` comes back in the report.
rd_kafka_resp_err_t Enqueue(rd_kafka_t* rk, rd_kafka_topic_t* topic, const OutRecord& record,
                            void* opaque);

}  // namespace regulars::kafka::rd

#endif  // REGULARS_LIBS_KAFKA_RDKAFKA_PRODUCER_H_
