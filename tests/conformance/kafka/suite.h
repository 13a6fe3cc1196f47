// Fixture of the conformance suite. Every test has topics, groups and transactional ids of its own,
// so the tests can run against a broker that others use, any number of times.
#ifndef REGULARS_TESTS_CONFORMANCE_KAFKA_SUITE_H_
#define REGULARS_TESTS_CONFORMANCE_KAFKA_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "libs/kafka/port.h"
#include "tests/conformance/kafka/backend.h"

namespace regulars::kafka::conformance {

inline constexpr absl::Duration kLong = absl::Seconds(30);
inline constexpr absl::Duration kShort = absl::Milliseconds(20);

// Writes down what it hears: "+t/0,t/1 " for an assignment, "-t/0,t/1 " for a revocation.
class Heard : public RebalanceListener {
 public:
  void OnAssigned(const std::vector<TopicPartition>& partitions) override;
  void OnRevoked(const std::vector<TopicPartition>& partitions) override;

  std::vector<TopicPartition> assigned;
  bool has_assignment = false;
  std::string story;  // "+" and "-" only
  std::function<void()> on_revoked;
};

class LogConformance : public testing::Test {
 protected:
  void SetUp() override;

  Log& log() { return backend_->log(); }
  // A name nobody else has.
  std::string Unique(const std::string& stem) const;
  std::string NewTopic(int32_t partitions = 1);

  std::unique_ptr<TransactionalProducer> ReadyProducer(const std::string& id);
  std::unique_ptr<Consumer> Member(const std::string& group, const std::string& instance,
                                   const std::vector<std::string>& topics, Heard* heard);
  // Commits one transaction with these values to partition 0.
  void CommitValues(const std::string& topic, const std::vector<std::string>& values);
  // Visible values of a partition up to its last stable offset, joined.
  std::string Visible(const std::string& topic, int32_t partition = 0);
  Watermarks Marks(const std::string& topic, int32_t partition = 0);
  // Polls all of them in turn until the condition holds; false when the time is over. Records that
  // arrive are appended to `values`.
  bool PollUntil(const std::vector<Consumer*>& consumers, const std::function<bool()>& condition,
                 std::string* values = nullptr, absl::Duration timeout = kLong);

  std::unique_ptr<Backend> backend_;
};

OutRecord Rec(const std::string& topic, int32_t partition, const std::string& key,
              const std::string& value);

}  // namespace regulars::kafka::conformance

#endif  // REGULARS_TESTS_CONFORMANCE_KAFKA_SUITE_H_
