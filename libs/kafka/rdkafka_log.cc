#include "libs/kafka/rdkafka_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/kafka/rdkafka_clients.h"

namespace regulars::kafka {

RdkafkaLog::RdkafkaLog(RdkafkaOptions options) : options_(std::move(options)) {}
RdkafkaLog::~RdkafkaLog() = default;

absl::StatusOr<std::unique_ptr<Consumer>> RdkafkaLog::NewConsumer(const ConsumerOptions& options) {
  return rd::MakeConsumer(options_, options);
}

absl::StatusOr<std::unique_ptr<TransactionalProducer>> RdkafkaLog::NewTransactionalProducer(
    const TransactionalProducerOptions& options) {
  return rd::MakeTransactionalProducer(options_, options);
}

absl::StatusOr<std::unique_ptr<Producer>> RdkafkaLog::NewProducer() {
  return rd::MakeProducer(options_);
}

absl::StatusOr<std::unique_ptr<Reader>> RdkafkaLog::NewReader() { return rd::MakeReader(options_); }

absl::StatusOr<int32_t> RdkafkaLog::PartitionCount(const std::string& topic,
                                                   absl::Duration timeout) {
  auto handle = rd::Handle::Make(options_, RD_KAFKA_PRODUCER, rd::AdminSettings(options_), {});
  if (!handle.ok()) return handle.status();
  rd::Owned<rd_kafka_topic_t> named(rd_kafka_topic_new((*handle)->get(), topic.c_str(), nullptr));
  if (named == nullptr) return absl::InvalidArgumentError("topic name");
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t err =
      rd_kafka_metadata((*handle)->get(), 0, named.get(), &raw, rd::TimeoutMs(timeout));
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return rd::ToStatus(err, "metadata");
  rd::Owned<const rd_kafka_metadata_t> metadata(raw);
  if (metadata->topic_cnt != 1) return absl::NotFoundError(absl::StrCat("no topic ", topic));
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return rd::ToStatus(found.err, topic);
  return found.partition_cnt;
}

}  // namespace regulars::kafka
