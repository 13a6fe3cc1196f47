// What the conformance suite of libs/kafka/port.h needs to know about an implementation.
#ifndef REGULARS_TESTS_CONFORMANCE_KAFKA_BACKEND_H_
#define REGULARS_TESTS_CONFORMANCE_KAFKA_BACKEND_H_

#include <memory>
#include <string>

#include "libs/kafka/port.h"

namespace regulars::kafka::conformance {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Log& log() = 0;
  // A log nobody answers, whose producers have a queue of `queue_bytes`.
  virtual Log& Unreachable(size_t queue_bytes) = 0;
  virtual absl::Status CreateTopic(const std::string& topic, int32_t partitions) = 0;
  virtual absl::Status DeleteRecordsBefore(const TopicPartition& partition, int64_t offset) = 0;
};

// Defined once per executable. Fails (not skips) when the backend cannot be reached.
absl::StatusOr<std::unique_ptr<Backend>> MakeBackend();

}  // namespace regulars::kafka::conformance

#endif  // REGULARS_TESTS_CONFORMANCE_KAFKA_BACKEND_H_
