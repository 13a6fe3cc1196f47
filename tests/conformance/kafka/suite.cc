#include "tests/conformance/kafka/suite.h"

#include <unistd.h>

#include <atomic>

#include "absl/strings/str_cat.h"

namespace regulars::kafka::conformance {

void Heard::OnAssigned(const std::vector<TopicPartition>& partitions) {
  EXPECT_FALSE(has_assignment) << "assigned twice without a revocation";
  assigned = partitions;
  has_assignment = true;
  story += "+";
}

void Heard::OnRevoked(const std::vector<TopicPartition>& partitions) {
  EXPECT_TRUE(has_assignment);
  EXPECT_EQ(partitions.size(), assigned.size());
  if (on_revoked) on_revoked();
  assigned.clear();
  has_assignment = false;
  story += "-";
}

void LogConformance::SetUp() {
  auto backend = MakeBackend();
  ASSERT_TRUE(backend.ok()) << backend.status();
  backend_ = *std::move(backend);
}

std::string LogConformance::Unique(const std::string& stem) const {
  static std::atomic<int> count{0};
  static const int64_t start = absl::ToUnixMicros(absl::Now());
  return absl::StrCat("conformance.", stem, ".", getpid(), ".", start, ".", ++count);
}

std::string LogConformance::NewTopic(int32_t partitions) {
  const std::string topic = Unique("t");
  const absl::Status status = backend_->CreateTopic(topic, partitions);
  EXPECT_TRUE(status.ok()) << status;
  return topic;
}

std::unique_ptr<TransactionalProducer> LogConformance::ReadyProducer(const std::string& id) {
  auto producer = log().NewTransactionalProducer({id});
  EXPECT_TRUE(producer.ok()) << producer.status();
  const TxnResult result = (*producer)->Init(kLong);
  EXPECT_TRUE(result.ok()) << result.message;
  return *std::move(producer);
}

std::unique_ptr<Consumer> LogConformance::Member(const std::string& group,
                                                 const std::string& instance,
                                                 const std::vector<std::string>& topics,
                                                 Heard* heard) {
  auto consumer = log().NewConsumer({group, instance});
  EXPECT_TRUE(consumer.ok()) << consumer.status();
  EXPECT_TRUE((*consumer)->Subscribe(topics, heard).ok());
  return *std::move(consumer);
}

void LogConformance::CommitValues(const std::string& topic,
                                  const std::vector<std::string>& values) {
  auto producer = ReadyProducer(Unique("tx"));
  ASSERT_TRUE(producer->Begin().ok());
  for (const std::string& value : values) {
    ASSERT_TRUE(producer->Produce(Rec(topic, 0, "k", value)).ok());
  }
  const TxnResult result = producer->Commit(kLong);
  ASSERT_TRUE(result.ok()) << result.message;
  // The answer to EndTxn comes before the markers are written.
  const absl::Time until = absl::Now() + kLong;
  auto reader = log().NewReader().value();
  while (absl::Now() < until) {
    std::string seen;
    const Watermarks marks = Marks(topic);
    const absl::Status status = reader->ReadRange(
        {topic, 0}, marks.low, marks.high,
        [&](const Record& r) {
          seen = r.value;
          return true;
        },
        kLong);
    ASSERT_TRUE(status.ok()) << status;
    if (seen == values.back()) return;
  }
  FAIL() << "committed records did not appear";
}

std::string LogConformance::Visible(const std::string& topic, int32_t partition) {
  auto reader = log().NewReader().value();
  const Watermarks marks = Marks(topic, partition);
  std::string out;
  const absl::Status status = reader->ReadRange(
      {topic, partition}, marks.low, marks.high,
      [&](const Record& r) {
        out += r.value;
        return true;
      },
      kLong);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

Watermarks LogConformance::Marks(const std::string& topic, int32_t partition) {
  auto reader = log().NewReader().value();
  auto marks = reader->QueryWatermarks({topic, partition}, kLong);
  EXPECT_TRUE(marks.ok()) << marks.status();
  return marks.ok() ? *marks : Watermarks{};
}

bool LogConformance::PollUntil(const std::vector<Consumer*>& consumers,
                               const std::function<bool()>& condition, std::string* values,
                               absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > until) return false;
    for (Consumer* consumer : consumers) {
      auto record = consumer->Poll(kShort);
      if (!record.ok()) {
        ADD_FAILURE() << record.status();
        return false;
      }
      if (record->has_value() && values != nullptr) *values += (*record)->value;
    }
  }
  return true;
}

OutRecord Rec(const std::string& topic, int32_t partition, const std::string& key,
              const std::string& value) {
  return {.topic = topic, .partition = partition, .key = key, .value = value, .headers = {}};
}

}  // namespace regulars::kafka::conformance
