#include "libs/kafka/fake_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/kafka/fake_broker.h"
#include "libs/kafka/fake_clients.h"

namespace regulars::kafka {

namespace {

// The log as one process sees it.
class ProcessLog : public Log {
 public:
  ProcessLog(std::shared_ptr<fake::Broker> broker, std::string process)
      : broker_(std::move(broker)), process_(std::move(process)) {}

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    if (options.group_id.empty()) return absl::InvalidArgumentError("a consumer needs a group_id");
    return fake::MakeConsumer(broker_, process_, options);
  }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override {
    if (options.transactional_id.empty()) {
      return absl::InvalidArgumentError("a transactional producer needs a transactional_id");
    }
    return fake::MakeTransactionalProducer(broker_, process_, options);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer() override {
    return fake::MakeProducer(broker_, process_);
  }
  absl::StatusOr<std::unique_ptr<Reader>> NewReader() override {
    return fake::MakeReader(broker_, process_);
  }
  absl::StatusOr<int32_t> PartitionCount(const std::string& topic, absl::Duration) override {
    std::lock_guard lock(broker_->mu);
    const int32_t count = broker_->PartitionCount(topic);
    if (count == 0) return absl::NotFoundError(absl::StrCat("no topic ", topic));
    return count;
  }

 private:
  const std::shared_ptr<fake::Broker> broker_;
  const std::string process_;
};

}  // namespace

FakeLog::FakeLog(FakeLogOptions options)
    : broker_(std::make_shared<fake::Broker>(std::move(options))) {}
FakeLog::~FakeLog() = default;

absl::StatusOr<std::unique_ptr<Consumer>> FakeLog::NewConsumer(const ConsumerOptions& options) {
  return ProcessLog(broker_, "").NewConsumer(options);
}
absl::StatusOr<std::unique_ptr<TransactionalProducer>> FakeLog::NewTransactionalProducer(
    const TransactionalProducerOptions& options) {
  return ProcessLog(broker_, "").NewTransactionalProducer(options);
}
absl::StatusOr<std::unique_ptr<Producer>> FakeLog::NewProducer() {
  return ProcessLog(broker_, "").NewProducer();
}
absl::StatusOr<std::unique_ptr<Reader>> FakeLog::NewReader() {
  return ProcessLog(broker_, "").NewReader();
}
absl::StatusOr<int32_t> FakeLog::PartitionCount(const std::string& topic, absl::Duration timeout) {
  return ProcessLog(broker_, "").PartitionCount(topic, timeout);
}

std::unique_ptr<Log> FakeLog::ForProcess(const std::string& process) {
  return std::make_unique<ProcessLog>(broker_, process);
}

void FakeLog::KillProcess(const std::string& process) {
  std::lock_guard lock(broker_->mu);
  broker_->Kill(process);
}

absl::Status FakeLog::CreateTopic(const std::string& topic, int32_t partitions) {
  std::lock_guard lock(broker_->mu);
  return broker_->CreateTopic(topic, partitions);
}

void FakeLog::Tick() {
  std::vector<std::shared_ptr<fake::PlainQueue>> queues;
  {
    std::lock_guard lock(broker_->mu);
    broker_->Tick();
    queues = broker_->Queues();
  }
  for (const auto& queue : queues) (void)queue->Flush(absl::ZeroDuration());
}

void FakeLog::Compact(const std::string& topic, bool drop_tombstones) {
  std::lock_guard lock(broker_->mu);
  for (int32_t p = 0; p < broker_->PartitionCount(topic); ++p) {
    broker_->FindPartition(topic, p)->Compact(drop_tombstones);
  }
}

void FakeLog::DeleteRecordsBefore(const TopicPartition& partition, int64_t offset) {
  std::lock_guard lock(broker_->mu);
  fake::Partition* p = broker_->FindPartition(partition.topic, partition.partition);
  if (p != nullptr) p->DeleteBefore(offset);
}

void FakeLog::ExpireGroupOffsets(const std::string& group) {
  std::lock_guard lock(broker_->mu);
  broker_->FindGroup(group)->ForgetOffsets();
}

std::vector<std::string> FakeLog::Topics() const {
  std::lock_guard lock(broker_->mu);
  std::vector<std::string> out;
  for (const auto& [topic, partitions] : broker_->topics()) out.push_back(topic);
  return out;
}

std::vector<FakeEntry> FakeLog::Dump(const TopicPartition& partition) const {
  std::lock_guard lock(broker_->mu);
  std::vector<FakeEntry> out;
  const fake::Partition* p = broker_->FindPartition(partition.topic, partition.partition);
  if (p == nullptr) return out;
  for (const fake::Entry& entry : p->entries()) {
    out.push_back({entry.kind, entry.producer_id, p->ToRecord(entry)});
  }
  return out;
}

std::vector<Record> FakeLog::ReadCommitted(const TopicPartition& partition) const {
  std::lock_guard lock(broker_->mu);
  std::vector<Record> out;
  const fake::Partition* p = broker_->FindPartition(partition.topic, partition.partition);
  if (p == nullptr) return out;
  const int64_t stable = p->last_stable();
  for (const fake::Entry& entry : p->entries()) {
    if (entry.offset < stable && entry.kind == FakeEntry::Kind::kCommitted) {
      out.push_back(p->ToRecord(entry));
    }
  }
  return out;
}

int64_t FakeLog::EndOffset(const TopicPartition& partition) const {
  std::lock_guard lock(broker_->mu);
  const fake::Partition* p = broker_->FindPartition(partition.topic, partition.partition);
  return p == nullptr ? 0 : p->end();
}

Watermarks FakeLog::WatermarksOf(const TopicPartition& partition) const {
  std::lock_guard lock(broker_->mu);
  const fake::Partition* p = broker_->FindPartition(partition.topic, partition.partition);
  if (p == nullptr) return {};
  return {.low = p->low(), .high = p->last_stable()};
}

std::vector<TopicPartitionOffset> FakeLog::GroupOffsets(const std::string& group) const {
  std::lock_guard lock(broker_->mu);
  std::vector<TopicPartitionOffset> out;
  for (const auto& [partition, offset] : broker_->FindGroup(group)->committed()) {
    out.push_back({partition.topic, partition.partition, offset});
  }
  return out;
}

std::vector<std::string> FakeLog::OpenTransactions() const {
  std::lock_guard lock(broker_->mu);
  std::vector<std::string> out;
  for (const auto& [id, txn] : broker_->transactions()) {
    const bool open = txn.phase == fake::Phase::kOngoing ||
                      txn.phase == fake::Phase::kPrepareCommit ||
                      txn.phase == fake::Phase::kPrepareAbort;
    if (open) out.push_back(id);
  }
  return out;
}

int64_t FakeLog::late_end_txn_hits() const {
  std::lock_guard lock(broker_->mu);
  return broker_->late_hits();
}

}  // namespace regulars::kafka
