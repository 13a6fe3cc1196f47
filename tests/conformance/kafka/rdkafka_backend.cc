#include <cstdlib>
#include <utility>

#include "libs/kafka/admin.h"
#include "libs/kafka/rdkafka_log.h"
#include "tests/conformance/kafka/backend.h"

namespace regulars::kafka::conformance {

namespace {

constexpr absl::Duration kTimeout = absl::Seconds(20);

class RdkafkaBackend : public Backend {
 public:
  explicit RdkafkaBackend(RdkafkaOptions options) : options_(std::move(options)), log_(options_) {}

  Log& log() override { return log_; }
  Log& Unreachable(size_t queue_bytes) override {
    RdkafkaOptions options = options_;
    options.bootstrap = "127.0.0.1:1";
    options.producer_queue_bytes = queue_bytes;
    unreachable_ = std::make_unique<RdkafkaLog>(options);
    return *unreachable_;
  }
  absl::Status CreateTopic(const std::string& topic, int32_t partitions) override {
    return CreateTopics(options_, {{.name = topic, .partitions = partitions}}, kTimeout);
  }
  absl::Status DeleteRecordsBefore(const TopicPartition& partition, int64_t offset) override {
    return kafka::DeleteRecordsBefore(options_, partition, offset, kTimeout);
  }

 private:
  const RdkafkaOptions options_;
  RdkafkaLog log_;
  std::unique_ptr<RdkafkaLog> unreachable_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend() {
  const char* bootstrap = std::getenv("KAFKA_BOOTSTRAP");
  if (bootstrap == nullptr || *bootstrap == '\0') {
    return absl::FailedPreconditionError("KAFKA_BOOTSTRAP is not set: no broker to test against");
  }
  RdkafkaOptions options;
  options.bootstrap = bootstrap;
  options.client_id = "conformance";
  return std::make_unique<RdkafkaBackend>(options);
}

}  // namespace regulars::kafka::conformance
