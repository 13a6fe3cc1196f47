#include "tests/faults/endtxn/books.h"

#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

#include "libs/base/assert.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::endtxn {
namespace {

using runtime::v1::ShardRecord;

constexpr absl::Duration kReadTimeout = absl::Seconds(60);

absl::StatusOr<std::vector<kafka::Record>> ReadAll(kafka::Reader* reader,
                                                   const kafka::TopicPartition& partition) {
  const auto marks = reader->QueryWatermarks(partition, kReadTimeout);
  if (!marks.ok()) return marks.status();
  std::vector<kafka::Record> records;
  const absl::Status read = reader->ReadRange(
      partition, marks->low, marks->high,
      [&](const kafka::Record& record) {
        records.push_back(record);
        return true;
      },
      kReadTimeout);
  if (!read.ok()) return read;
  return records;
}

int64_t NumberIn(const kafka::Record& record, std::string_view header) {
  for (const auto& [name, value] : record.headers) {
    if (name == header) return std::atoll(std::string(value).c_str());
  }
  return -1;
}

// One walk over the chain of one shard, and what its `@shard` records announce for other topics.
class Chain {
 public:
  Chain(const Topics& topics, int32_t shard, std::set<int64_t>* wrong)
      : topics_(topics), shard_(shard), wrong_(*wrong) {}

  void Read(const kafka::Record& record) {
    ++records_;
    if (record.key != shard::kShardKey) return;
    ShardRecord books;
    REGULARS_ASSERT(books.ParseFromString(std::string(record.value)), "@shard is garbled");
    const int64_t sequence = books.sequence();
    const int64_t due = last_ ? last_->sequence() + 1 : 1;
    for (int64_t missing = due; missing < sequence; ++missing) wrong_.insert(missing);
    if (sequence < due) wrong_.insert(sequence);
    if (sequence == due && last_ && books.inputs(0).from() != last_->inputs(0).to()) {
      wrong_.insert(sequence);
    }
    for (const auto& output : books.outputs()) {
      if (output.topic() == topics_.changelog) {
        if (output.records() != records_) wrong_.insert(sequence);
      } else {
        promised_[{sequence, output.partition()}] += output.records();
      }
    }
    records_ = 0;
    last_ = std::move(books);
  }

  void End() const {
    if (records_ != 0) wrong_.insert(last_ ? last_->sequence() + 1 : 1);
  }

  void CompareEvents(const Visible& visible) const {
    std::map<std::pair<int64_t, int32_t>, int64_t> seen;
    for (const auto& [partition, records] : visible.events) {
      for (const kafka::Record& record : records) {
        if (NumberIn(record, "ce_regularsshard") != shard_) continue;
        ++seen[{NumberIn(record, "regulars_sequence"), partition}];
      }
    }
    for (const auto& [at, count] : promised_) {
      const auto found = seen.find(at);
      if (found == seen.end() || found->second != count) wrong_.insert(at.first);
    }
    for (const auto& [at, count] : seen) {
      if (!promised_.contains(at)) wrong_.insert(at.first);
    }
  }

 private:
  const Topics& topics_;
  const int32_t shard_;
  std::set<int64_t>& wrong_;
  std::optional<ShardRecord> last_;
  int64_t records_ = 0;  // since the last `@shard`
  std::map<std::pair<int64_t, int32_t>, int64_t> promised_;
};

}  // namespace

absl::StatusOr<Visible> ReadVisible(kafka::Log* log, const Topics& topics) {
  auto reader = log->NewReader();
  if (!reader.ok()) return reader.status();
  Visible visible;
  for (int32_t p = 0; p < kShards; ++p) {
    auto records = ReadAll(reader->get(), {topics.changelog, p});
    if (!records.ok()) return records.status();
    visible.changelog[p] = *std::move(records);
  }
  for (int32_t p = 0; p < kEventPartitions; ++p) {
    auto records = ReadAll(reader->get(), {topics.events, p});
    if (!records.ok()) return records.status();
    visible.events[p] = *std::move(records);
  }
  return visible;
}

Truth Compare(const std::vector<Attempt>& attempts, const Visible& visible) {
  // An attempt writes two records with different keys into a changelog partition.
  std::map<int64_t, std::set<std::tuple<bool, int32_t, std::string>>> seen;
  for (const bool changelog : {true, false}) {
    for (const auto& [partition, records] : changelog ? visible.changelog : visible.events) {
      for (const kafka::Record& record : records) {
        const std::string key = changelog ? std::string(record.key) : "";
        seen[NumberIn(record, kAttemptHeader)].insert({changelog, partition, key});
      }
    }
  }
  Truth truth;
  for (size_t i = 0; i < attempts.size(); ++i) {
    const auto it = seen.find(static_cast<int64_t>(i));
    const auto count = it == seen.end() ? 0 : static_cast<int64_t>(it->second.size());
    if (count > 0 && count < kRecordsPerAttempt) truth.torn.insert(attempts[i].sequence);
    if (count == 0 && attempts[i].outcome == Outcome::kCommitted) ++truth.lost;
    if (count == kRecordsPerAttempt && attempts[i].outcome == Outcome::kAborted) {
      ++truth.aborted_visible;
    }
  }
  return truth;
}

std::set<int64_t> CheckChains(const Topics& topics, const Visible& visible) {
  std::set<int64_t> wrong;
  for (const auto& [shard, records] : visible.changelog) {
    Chain chain(topics, shard, &wrong);
    for (const kafka::Record& record : records) chain.Read(record);
    chain.End();
    chain.CompareEvents(visible);
  }
  return wrong;
}

}  // namespace regulars::endtxn
