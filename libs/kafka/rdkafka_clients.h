// Makers of the real log's clients. Part of rdkafka_log.h.
#ifndef REGULARS_LIBS_KAFKA_RDKAFKA_CLIENTS_H_
#define REGULARS_LIBS_KAFKA_RDKAFKA_CLIENTS_H_

#include <memory>

#include "libs/kafka/rdkafka_handle.h"

namespace regulars::kafka::rd {

// Group metadata as librdkafka gives it: group, generation, member and instance id.
class Token : public GroupToken {
 public:
  explicit Token(rd_kafka_consumer_group_metadata_t* metadata) : metadata_(metadata) {}
  const rd_kafka_consumer_group_metadata_t* get() const { return metadata_.get(); }

 private:
  Owned<rd_kafka_consumer_group_metadata_t> metadata_;
};

absl::StatusOr<std::unique_ptr<Consumer>> MakeConsumer(const RdkafkaOptions& options,
                                                       const ConsumerOptions& consumer);
absl::StatusOr<std::unique_ptr<Reader>> MakeReader(const RdkafkaOptions& options);
absl::StatusOr<std::unique_ptr<TransactionalProducer>> MakeTransactionalProducer(
    const RdkafkaOptions& options, const TransactionalProducerOptions& producer);
absl::StatusOr<std::unique_ptr<Producer>> MakeProducer(const RdkafkaOptions& options);

}  // namespace regulars::kafka::rd

#endif  // REGULARS_LIBS_KAFKA_RDKAFKA_CLIENTS_H_
