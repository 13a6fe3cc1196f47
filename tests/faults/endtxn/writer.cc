#include "tests/faults/endtxn/writer.h"

#include <cstdio>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::endtxn {
namespace {

using kafka::TxnError;
using kafka::TxnResult;

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr absl::Duration kRetryPause = absl::Milliseconds(20);
constexpr absl::Duration kGiveUp = absl::Seconds(30);
constexpr int kTriesMax = 20;
constexpr int32_t kEventsOfShard = kEventPartitions / kShards;
// One made-up input position per sequence, so that `from` = the `to` before can be checked.
constexpr std::string_view kInput = "endtxn.input";

}  // namespace

Writer::Writer(kafka::Log* log, Topics topics, std::string transactional_id)
    : log_(log), topics_(std::move(topics)), transactional_id_(std::move(transactional_id)) {}

std::vector<kafka::OutRecord> Writer::Records(Layout layout, bool second) const {
  const auto in_second = [layout](int32_t shard, bool changelog) {
    switch (layout) {
      case Layout::kShardThenShard:
        return shard == 1;
      case Layout::kEventsThenChangelogs:
        return changelog;
      case Layout::kChangelogsThenEvents:
        return !changelog;
    }
    return false;
  };
  const std::string attempt = Cat(attempts_.size() - 1);
  std::vector<kafka::OutRecord> records;
  const auto add = [&](const std::string& topic, int32_t partition, std::string key,
                       std::string value, int32_t shard) {
    kafka::OutRecord record{topic, partition, std::move(key), std::move(value), {}};
    record.headers = {{std::string(kAttemptHeader), attempt},
                      {"ce_regularsshard", Cat(shard)},
                      {"regulars_sequence", Cat(sequence_)}};
    records.push_back(std::move(record));
  };
  for (int32_t shard = 0; shard < kShards; ++shard) {
    runtime::v1::ShardRecord books;
    books.set_log_id(transactional_id_);
    books.set_sequence(sequence_);
    auto* input = books.add_inputs();
    input->set_topic(std::string(kInput));
    input->set_partition(shard);
    input->set_from(sequence_ - 1);
    input->set_to(sequence_);
    const auto count = [&books](const std::string& topic, int32_t partition, int64_t written) {
      auto* output = books.add_outputs();
      output->set_topic(topic);
      output->set_partition(partition);
      output->set_records(written);
    };
    for (int32_t i = 0; i < kEventsOfShard; ++i) {
      const int32_t partition = shard * kEventsOfShard + i;
      count(topics_.events, partition, 1);
      if (in_second(shard, false) == second) {
        add(topics_.events, partition, "e", Cat(sequence_), shard);
      }
    }
    if (in_second(shard, true) != second) continue;
    count(topics_.changelog, shard, 2);
    add(topics_.changelog, shard, shard::StateKey("pool", "entity", "sub"), Cat(sequence_), shard);
    add(topics_.changelog, shard, std::string(shard::kShardKey), books.SerializeAsString(), shard);
  }
  return records;
}

TxnResult Writer::Retry(const std::function<TxnResult()>& call) const {
  const absl::Time give_up = absl::Now() + kGiveUp;
  TxnResult result = call();
  while (result.error == TxnError::kRetriable && absl::Now() < give_up) {
    absl::SleepFor(kRetryPause);
    result = call();
  }
  if (result.error == TxnError::kRetriable) result.error = TxnError::kFatal;
  return result;
}

void Writer::Renew() {
  producer_.reset();
  for (int i = 0; i < kTriesMax; ++i) {
    auto made = log_->NewTransactionalProducer({.transactional_id = transactional_id_});
    REGULARS_ASSERT(made.ok(), "no producer");
    producer_ = *std::move(made);
    ++producers_;
    if (Retry([&] { return producer_->Init(kCallTimeout); }).ok()) return;
  }
  REGULARS_ASSERT(false, "no producer could be initialised");
}

TxnResult Writer::Part(Layout layout, bool second) {
  for (const kafka::OutRecord& record : Records(layout, second)) {
    if (auto result = Retry([&] { return producer_->Produce(record); }); !result.ok()) {
      return result;
    }
  }
  return Retry([&] { return producer_->Flush(kCallTimeout); });
}

TxnResult Writer::Run(Layout layout, bool commit, const Hooks& hooks) {
  if (auto result = producer_->Begin(); !result.ok()) return result;
  if (auto result = Part(layout, false); !result.ok()) return result;
  if (hooks.between) hooks.between();
  if (auto result = Part(layout, true); !result.ok()) return result;
  if (hooks.ending) hooks.ending();
  return Retry(
      [&] { return commit ? producer_->Commit(kCallTimeout) : producer_->Abort(kCallTimeout); });
}

Outcome Writer::Write(Layout layout, bool commit, const Hooks& hooks) {
  if (producer_ && producer_->dirty()) {
    ++recreated_;
    producer_.reset();
  }
  if (!producer_) Renew();
  attempts_.push_back({sequence_, Outcome::kUnknown});
  Outcome& outcome = attempts_.back().outcome;
  TxnResult result = Run(layout, commit, hooks);
  if (result.ok()) {
    outcome = commit ? Outcome::kCommitted : Outcome::kAborted;
    if (commit) ++sequence_;
    return outcome;
  }
  std::fprintf(stderr, "sequence %lld: %s\n", static_cast<long long>(sequence_),
               result.message.c_str());
  if (result.error == TxnError::kAbort) {
    result = Retry([&] { return producer_->Abort(kCallTimeout); });
    if (result.ok()) return outcome = Outcome::kAborted;
  }
  ++unknown_;
  producer_.reset();
  return outcome;
}

void Writer::WriteUntilCommitted(Layout layout) {
  for (int i = 0; i < kTriesMax; ++i) {
    if (Write(layout, /*commit=*/true, {}) == Outcome::kCommitted) return;
  }
  REGULARS_ASSERT(false, "a sequence could not be committed");
}

}  // namespace regulars::endtxn
