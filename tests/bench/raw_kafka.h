// librdkafka without anything of ours around it but the settings: the bare clients that figures are
// compared with.
#ifndef REGULARS_TESTS_BENCH_RAW_KAFKA_H_
#define REGULARS_TESTS_BENCH_RAW_KAFKA_H_

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/rdkafka_config.h"

namespace regulars::bench {

struct KafkaDeleter {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using Client = std::unique_ptr<rd_kafka_t, KafkaDeleter>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, KafkaDeleter>;
using Message = std::unique_ptr<rd_kafka_message_t, KafkaDeleter>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaDeleter>;

// What a producer's delivery reports said.
struct Delivered {
  int64_t records = 0;
  int64_t failed = 0;
};

// Ends the process with a sentence when librdkafka refuses a setting. `delivered` may be null only
// for a consumer and must outlive the client.
Client MakeClient(rd_kafka_type_t type, const kafka::rd::Settings& settings, Delivered* delivered);
kafka::RdkafkaOptions OptionsFor(const std::string& bootstrap);
void CheckNull(rd_kafka_error_t* error, const char* what);

using Headers = std::vector<std::pair<std::string, std::string>>;
struct Bytes {
  std::string key, value;
  Headers headers;
};

// Copies the record into the queue, serving delivery reports while it is full.
void Produce(rd_kafka_t* producer, rd_kafka_topic_t* topic, int32_t partition, const Bytes& record);
// Until everything was delivered; ends the process when something was not.
void FlushAll(rd_kafka_t* producer, const Delivered& delivered);

// Reads whole partitions from their beginning to their end at that moment.
class TopicReader {
 public:
  TopicReader(const std::string& bootstrap, const std::string& topic, int32_t partitions);
  // The next record; null when every partition has been read.
  Message Next();

 private:
  Client client_;
  int32_t open_;
};

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_RAW_KAFKA_H_
