// The transaction of a batch and what follows it.
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "libs/shard/view_writer.h"
#include "libs/shard/worker.h"

namespace regulars::shard {
namespace {

// Pause between two tries of a retriable call, and how long it is tried: above the transaction's
// own time-out, after which the broker has decided. Then everything is dropped and read from the
// log again.
constexpr absl::Duration kRetryPause = absl::Milliseconds(20);
constexpr int64_t kRetryUsMax = 30'000'000;
constexpr int kRetriesMax = 1000;
constexpr std::string_view kCrashed = "crash";

}  // namespace

kafka::TxnResult Worker::Retry(const std::function<kafka::TxnResult()>& call) {
  kafka::TxnResult result;
  const int64_t give_up_us = ports_.steady_us() + kRetryUsMax;
  for (int i = 0; i < kRetriesMax && ports_.steady_us() < give_up_us; ++i) {
    result = call();
    if (result.error != kafka::TxnError::kRetriable) return result;
    alive_us_ = ports_.steady_us();
    ports_.pause(kRetryPause);
  }
  result.error = kafka::TxnError::kFatal;
  return result;
}

absl::Status Worker::EnsureProducer() {
  // Dirty-producer rule: an EndTxn that may still be on its way must never meet the next
  // transaction.
  if (producer_ && producer_->dirty()) {
    ports_.probe->Event("producer_renewed", "an earlier EndTxn may still be in flight");
    producer_.reset();
  }
  if (producer_) return absl::OkStatus();
  auto producer =
      ports_.log->NewTransactionalProducer({.transactional_id = Cat(service_, "-", options_.slot)});
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  const kafka::TxnResult result = Retry([&] { return producer_->Init(options_.kafka_timeout); });
  if (!result.ok()) return absl::UnavailableError(result.message);
  return absl::OkStatus();
}

ShardRecord Worker::MakeShardRecord(const Shard& shard) const {
  ShardRecord record;
  record.set_log_id(shard.log_id);
  record.set_epoch(shard.epoch);
  record.set_sequence(shard.open.sequence);
  for (const auto& [pool, now] : shard.open.pool_now) {
    auto* clock = record.add_pool_clocks();
    clock->set_pool(pool);
    clock->set_now_us(now);
  }
  for (const auto& [channel, at] : shard.open.channels) {
    auto* clock = record.add_channel_clocks();
    clock->set_pool(channel.pool);
    clock->set_topic(channel.topic);
    clock->set_producing_shard(channel.producer);
    clock->set_clock_us(at);
  }
  for (const auto& [pool, rounds] : shard.open.settlings) {
    *record.add_settlings() = rounds.Stored(pool);
  }
  for (const auto& [topic, position] : shard.open.positions) {
    auto* input = record.add_inputs();
    input->set_topic(topic);
    input->set_partition(shard.id);
    const auto before = shard.committed.positions.find(topic);
    input->set_from(before == shard.committed.positions.end() ? position : before->second);
    input->set_to(position);
  }
  for (const auto& [target, count] : shard.out_counts) {
    auto* output = record.add_outputs();
    output->set_topic(target.first);
    output->set_partition(target.second);
    output->set_records(count);
  }
  for (const auto& [name, value] : shard.open.sums) {
    auto* sum = record.add_sums();
    sum->set_pool(name.first);
    sum->set_name(name.second);
    sum->set_value(value);
  }
  for (const auto& [key, parked] : shard.open.parked) *record.add_parked() = parked;
  record.set_own_on_the_way(shard.open.own_on_the_way);
  record.set_local_messages(shard.open.local_messages);
  if (shard.trying) *record.mutable_trying() = *shard.trying;
  // Only inputs are progress: a timer or a clock may fire before the input that crashes.
  const bool progress = !shard.trial && shard.open.positions != shard.committed.positions;
  record.set_owner_records_without_progress(progress ? 0 : shard.owners_without_progress);
  return record;
}

kafka::TxnResult Worker::WriteTransaction(std::vector<Shard*>* touched) {
  if (auto result = producer_->Begin(); !result.ok()) return result;
  const std::string changelog = Topic(service_, events::kChangelogKind);
  std::vector<kafka::TopicPartitionOffset> offsets;
  const auto produce = [&](const kafka::OutRecord& record, int64_t* offset = nullptr) {
    return Retry([&] { return producer_->Produce(record, offset); });
  };
  for (const kafka::OutRecord& record : outputs_) {
    if (auto result = produce(record); !result.ok()) return result;
  }
  for (Shard* shard : *touched) {
    int64_t& count = shard->out_counts[{changelog, shard->id}];
    kafka::OutRecord change;  // one for all: its buffers are kept
    change.topic = changelog;
    change.partition = shard->id;
    for (const auto& [key, value] : shard->store->overlay()) {
      if (key[0] != kStateKind && key[0] != kTimersKind) continue;
      change.key = key;
      change.value = value;
      ++count;
      if (auto result = produce(change); !result.ok()) return result;
    }
    ++count;
    ++shard->open.sequence;
    const ShardRecord books = MakeShardRecord(*shard);
    kafka::OutRecord record;
    record.topic = changelog;
    record.partition = shard->id;
    record.key = std::string(kShardKey);
    record.value = books.SerializeAsString();
    REGULARS_ASSERT(kafka::RecordBytes(record) <= kafka::kRecordBytesMax,
                    "@shard is above the limit of a record: too many pools and sums");
    shard->record_offset = -1;
    if (auto result = produce(record, &shard->record_offset); !result.ok()) return result;
    for (const auto& [topic, position] : shard->open.positions) {
      offsets.push_back({topic, shard->id, position});
    }
  }
  if (options_.breaks.store_position) {
    // Self-test: the store is written before the log has decided.
    const auto result = Retry([&] { return producer_->Flush(options_.kafka_timeout); });
    if (!result.ok()) return result;
    for (Shard* shard : *touched) {
      (void)shard->store->WriteAhead(MakeShardRecord(*shard), shard->record_offset + 1,
                                     producer_->broker_time_us());
    }
  }
  if (!At("produced")) return {kafka::TxnError::kFatal, std::string(kCrashed)};
  if (!options_.breaks.offsets_in_txn) {
    const auto group = options_.breaks.generation ? consumer_->Group() : token_;
    const auto result =
        Retry([&] { return producer_->SendOffsets(offsets, *group, options_.kafka_timeout); });
    if (!result.ok()) return result;
  }
  // Commit would wait for the same deliveries; now they say what the broker's time is.
  if (auto result = Retry([&] { return producer_->Flush(options_.kafka_timeout); }); !result.ok()) {
    return result;
  }
  CheckClock();
  if (!At("before_commit")) return {kafka::TxnError::kFatal, std::string(kCrashed)};
  auto result = Retry([&] { return producer_->Commit(options_.kafka_timeout); });
  if (result.ok() && !At("committed")) return {kafka::TxnError::kFatal, std::string(kCrashed)};
  return result;
}

absl::Status Worker::CommitBatch() {
  std::vector<Shard*> touched;
  for (auto& [id, shard] : shards_) {
    REGULARS_ASSERT(shard->local.empty(), "a message of a shard to itself was forgotten");
    if (shard->touched || shard->store->has_changelog_changes()) touched.push_back(shard.get());
  }
  if (touched.empty()) {
    input_age_us_ = 0;
    const std::vector<Answer> answers = std::move(answers_);
    answers_.clear();
    AnswerAll(answers);
    return absl::OkStatus();
  }
  const int64_t started_us = ports_.steady_us();
  if (absl::Status ready = EnsureProducer(); !ready.ok()) return ready;
  const kafka::TxnResult result = WriteTransaction(&touched);
  if (result.message == kCrashed) return absl::CancelledError(AbslView(kCrashed));
  if (result.error == kafka::TxnError::kAbort) return AfterAbort(result);
  if (!result.ok())
    return absl::UnavailableError(result.message);  // ResetAll: outcome is in the log
  if (absl::Status after = AfterCommit(touched); !after.ok()) return after;
  ports_.probe->Committed(batch_inputs_ + batch_commands_,
                          absl::Microseconds(ports_.steady_us() - started_us));
  input_age_us_ = batch_oldest_us_ > 0 ? ports_.wall_us() - batch_oldest_us_ : 0;
  return absl::OkStatus();
}

// Before every commit: nothing may be decided by a clock that is off. The batch was decided before
// the broker stamped it, and the clock is read again after, so a process that stood still in
// between is no false alarm.
void Worker::CheckClock() {
  const int64_t broker_us = producer_->broker_time_us();
  if (broker_us <= 0 || options_.clock_skew_us_max <= 0) return;
  clock_skew_us_ = ports_.wall_us() - broker_us;
  REGULARS_ASSERT(batch_wall_us_ - broker_us < options_.clock_skew_us_max,
                  "the wall clock is too far ahead of the broker's");
  REGULARS_ASSERT(broker_us - ports_.wall_us() < options_.clock_skew_us_max,
                  "the wall clock is too far behind the broker's");
}

absl::Status Worker::AfterAbort(const kafka::TxnResult& result) {
  ports_.probe->Aborted(result.message);
  const auto aborted = Retry([&] { return producer_->Abort(options_.kafka_timeout); });
  if (!aborted.ok()) return absl::UnavailableError(aborted.message);
  DropBatch(result.message, /*outcome_known=*/true);
  return AssignOwned();  // read the inputs again from the committed positions
}

absl::Status Worker::AfterCommit(const std::vector<Shard*>& touched) {
  for (Shard* shard : touched) {
    REGULARS_ASSERT(shard->record_offset >= 0, "a committed @shard record has no offset");
    std::vector<redis::ViewOp> view;
    if (ports_.view != nullptr) {
      for (const auto& [key, value] : shard->store->overlay()) {
        if (key[0] != kStateKind) continue;
        const StateKeyParts parts = ParseStateKey(key);
        if (!program_->InView(parts.sub)) continue;
        view.push_back({ViewKey(parts), value ? std::optional(ViewValue(*value)) : std::nullopt});
      }
    }
    if (absl::Status stored = shard->store->Commit(
            MakeShardRecord(*shard), shard->record_offset + 1, producer_->broker_time_us());
        !stored.ok()) {
      // The transaction is committed, so its callers are answered; the store is repaired by replay.
      AnswerAll(answers_);
      answers_.clear();
      return stored;
    }
    if (ports_.view != nullptr) {
      ports_.view->Append(shard->id, shard->open.sequence - 1, shard->open.sequence,
                          std::move(view));
    }
    shard->committed = shard->open;
    shard->touched = false;
    shard->out_counts.clear();
  }
  if (!At("stored")) return absl::CancelledError(AbslView(kCrashed));
  outputs_.clear();
  const std::vector<Answer> answers = std::move(answers_);
  answers_.clear();
  PublishStatus();
  AnswerAll(answers);
  return absl::OkStatus();
}

}  // namespace regulars::shard
