#include <cstdlib>

#include "libs/kafka/fake_log.h"
#include "tests/conformance/kafka/backend.h"

namespace regulars::kafka::conformance {

namespace {

class FakeBackend : public Backend {
 public:
  FakeBackend() : log_({.blocking = true}) {}

  Log& log() override { return log_; }
  Log& Unreachable(size_t queue_bytes) override {
    FakeLogOptions options;
    options.blocking = true;
    options.producer_queue_bytes = queue_bytes;
    options.fault = [](const FakeCall&) { return FakeFault{.kind = FakeFault::Kind::kHold}; };
    unreachable_ = std::make_unique<FakeLog>(options);
    Must(unreachable_->CreateTopic("t", 1));
    return *unreachable_;
  }
  absl::Status CreateTopic(const std::string& topic, int32_t partitions) override {
    return log_.CreateTopic(topic, partitions);
  }
  absl::Status DeleteRecordsBefore(const TopicPartition& partition, int64_t offset) override {
    log_.DeleteRecordsBefore(partition, offset);
    return absl::OkStatus();
  }

 private:
  static void Must(const absl::Status& status) {
    if (!status.ok()) std::abort();
  }

  FakeLog log_;
  std::unique_ptr<FakeLog> unreachable_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend() { return std::make_unique<FakeBackend>(); }

}  // namespace regulars::kafka::conformance
