// Taking over shards: offsets, ownership transaction, restore, and only then inputs.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
namespace {

// First window read back from the changelog's end in search of `@shard`; doubled until it is found.
constexpr int64_t kReadBackFirst = 64;
// How long the ownership transaction waits for older ones: less than its own time-out.
constexpr int kStableTries = 160;
constexpr absl::Duration kStablePause = absl::Milliseconds(50);

}  // namespace

absl::Status Worker::TakeOver() {
  if (absl::Status ready = EnsureProducer(); !ready.ok()) return ready;
  std::vector<kafka::TopicPartition> partitions;
  for (const int32_t shard : to_take_over_) {
    for (const std::string& topic : input_topics_) partitions.push_back({topic, shard});
  }
  // Waits for transactions of the previous owner that are still open (require_stable).
  const auto group_offsets = consumer_->Committed(partitions, options_.kafka_timeout);
  if (!group_offsets.ok()) {
    ports_.pause(absl::Milliseconds(50));
    return absl::OkStatus();  // still pending: tried again in the next Step
  }
  std::map<std::pair<int32_t, std::string>, int64_t> by_group;
  for (const kafka::TopicPartitionOffset& offset : *group_offsets) {
    by_group[{offset.partition, offset.topic}] = offset.offset;
  }
  std::vector<Shard*> fresh;
  for (const int32_t id : to_take_over_) {
    if (absl::Status opened = OpenShard(id); !opened.ok()) return opened;
    fresh.push_back(shards_.at(id).get());
  }
  if (absl::Status owned = CommitOwnership(fresh); !owned.ok()) return owned;
  // Only now is it certain that what was read back was the last `@shard`.
  for (const Shard* shard : fresh) {
    for (const auto& [topic, position] : shard->committed.positions) {
      const int64_t of_group = by_group[{shard->id, topic}];
      if (of_group != kafka::kNoOffset && of_group != position) {
        ports_.probe->Alarm("group_offset_differs", Cat(topic, "/", shard->id, ": group ", of_group,
                                                        ", @shard ", position));
      }
    }
  }
  for (Shard* shard : fresh) {
    if (absl::Status restored = RestoreShard(shard); !restored.ok()) return restored;
    if (rebalanced_) return absl::OkStatus();
    if (absl::Status placed = CheckPlacement(*shard); !placed.ok()) return placed;
    if (ports_.view != nullptr) {
      ports_.view->Own({.shard = shard->id,
                        .log_id = shard->log_id,
                        .epoch = shard->epoch,
                        .sequence_before = shard->claimed_sequence,
                        .sequence = shard->committed.sequence});
    }
  }
  to_take_over_.clear();
  if (absl::Status assigned = AssignOwned(); !assigned.ok()) return assigned;
  PublishStatus();
  const std::lock_guard<std::mutex> lock(mutex_);
  ready_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ShardRecord>> Worker::LastShardRecord(int32_t shard_id) {
  const kafka::TopicPartition changelog{Topic(service_, events::kChangelogKind), shard_id};
  const auto marks = reader_->QueryWatermarks(changelog, options_.kafka_timeout);
  if (!marks.ok()) return marks.status();
  std::optional<ShardRecord> last;
  for (int64_t window = kReadBackFirst; !last; window *= 4) {
    const int64_t from = std::max(marks->low, marks->high - window);
    const absl::Status read = reader_->ReadRange(
        changelog, from, marks->high,
        [&](const kafka::Record& record) {
          if (record.key != kShardKey) return true;
          last.emplace();
          REGULARS_ASSERT(
              last->ParseFromArray(record.value.data(), static_cast<int>(record.value.size())),
              "@shard of the changelog is garbled");
          if (last->ownership()) last->set_epoch(record.offset);
          return true;
        },
        options_.kafka_timeout);
    if (!read.ok()) return read;
    if (from <= marks->low) break;
  }
  return last;
}

absl::Status Worker::OpenShard(int32_t shard_id) {
  auto last = LastShardRecord(shard_id);
  if (!last.ok()) return last.status();
  auto shard = std::make_unique<Shard>();
  shard->id = shard_id;
  ShardBooks& books = shard->committed;
  if (*last) {
    const ShardRecord& record = **last;
    shard->log_id = record.log_id();
    books.sequence = record.sequence();
    shard->owners_without_progress = record.owner_records_without_progress();
    for (const auto& clock : record.pool_clocks()) books.pool_now[clock.pool()] = clock.now_us();
    for (const auto& clock : record.channel_clocks()) {
      books.channels[{clock.pool(), clock.topic(), clock.producing_shard()}] = clock.clock_us();
    }
    for (const auto& rounds : record.settlings()) books.settlings[rounds.pool()] = Settling(rounds);
    for (const auto& input : record.inputs()) books.positions[input.topic()] = input.to();
    for (const auto& sum : record.sums()) books.sums[{sum.pool(), sum.name()}] = sum.value();
    books.own_on_the_way = record.own_on_the_way();
    books.local_messages = record.local_messages();
    for (const auto& key : record.parked()) books.parked[{key.pool(), key.entity()}] = key;
    if (record.has_trying()) {
      shard->trying = record.trying();
      const auto died = DiedOf(*shard, record.trying());
      if (!died.ok()) return died.status();
      if (*died) shard->suspect = record.trying();
    }
  } else {
    shard->log_id = ports_.new_log_id();
  }
  for (const std::string& topic : input_topics_) {
    if (books.positions.contains(topic)) continue;
    // A first start begins at the oldest record there is, explicitly: nothing that was acknowledged
    // before the service existed is passed over.
    const auto marks = consumer_->QueryWatermarks({topic, shard_id}, options_.kafka_timeout);
    if (!marks.ok()) return marks.status();
    books.positions[topic] = options_.breaks.watermark ? marks->high : marks->low;
  }
  shard->claimed_sequence = books.sequence;
  shard->open = books;

  const std::string name = Cat(service_, "-", shard_id);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto store = ports_.stores->Open(name);
    if (!store.ok()) return store.status();
    // Its part of the process' bound; the cache has two generations.
    const std::size_t cached = options_.cache_keys_max / 2 / to_take_over_.size();
    shard->store = std::make_unique<ShardStore>(*std::move(store), cached);
    const std::string_view flaw = FlawOf(*shard, last->has_value());
    if (flaw.empty()) break;
    ports_.probe->Event("store_discarded", Cat(name, ": ", flaw));
    shard->store.reset();
    if (absl::Status destroyed = ports_.stores->Destroy(name); !destroyed.ok()) return destroyed;
  }
  shards_[shard_id] = std::move(shard);
  return absl::OkStatus();
}

std::string_view Worker::FlawOf(const Shard& shard, bool log_has_books) const {
  const auto& stored = shard.store->stored_shard_record();
  if (!stored) return "";
  const int64_t logged = shard.committed.sequence;
  if (!log_has_books || stored->log_id() != shard.log_id || stored->sequence() > logged) {
    return "it belongs to another log";
  }
  // What the store lacks may be a deletion whose tombstone is gone: the key would come back.
  const bool behind = stored->sequence() < logged;
  if (behind && options_.store_age_us_max > 0 &&
      ports_.wall_us() - shard.store->broker_time_us() > options_.store_age_us_max) {
    return "it is behind for longer than tombstones live";
  }
  return "";
}

absl::Status Worker::CommitOwnership(const std::vector<Shard*>& shards) {
  const std::string changelog = Topic(service_, events::kChangelogKind);
  batch_wall_us_ = ports_.wall_us();
  const auto transaction = [&]() -> kafka::TxnResult {
    if (auto result = producer_->Begin(); !result.ok()) return result;
    std::vector<kafka::TopicPartitionOffset> offsets;
    for (Shard* shard : shards) {
      shard->open = shard->committed;
      shard->open.sequence = shard->committed.sequence + 1;
      shard->epoch = 0;
      shard->out_counts = {{{changelog, shard->id}, 1}};
      ShardRecord record = MakeShardRecord(*shard);
      record.set_ownership(true);
      record.set_address(options_.address);
      record.set_owner_records_without_progress(shard->owners_without_progress + 1);
      kafka::OutRecord out;
      out.topic = changelog;
      out.partition = shard->id;
      out.key = std::string(kShardKey);
      out.value = record.SerializeAsString();
      shard->record_offset = -1;
      if (auto result = producer_->Produce(out, &shard->record_offset); !result.ok()) return result;
      for (const auto& [topic, position] : shard->committed.positions) {
        offsets.push_back({topic, shard->id, position});
      }
    }
    // The epoch is the offset of the ownership record, known before the commit.
    if (auto result = Retry([&] { return producer_->Flush(options_.kafka_timeout); });
        !result.ok()) {
      return result;
    }
    CheckClock();
    for (Shard* shard : shards) {
      // Once the last stable offset reaches our own open record, every earlier transaction is
      // decided and its markers are there. Only now is it certain which `@shard` was the last.
      if (!options_.breaks.shard_chain) {
        if (!WaitStable(shard)) {
          return {kafka::TxnError::kAbort, "an older transaction of the changelog is still open"};
        }
        const auto last = LastShardRecord(shard->id);
        if (!last.ok()) return {kafka::TxnError::kAbort, std::string(last.status().message())};
        if ((*last ? (*last)->sequence() : 0) != shard->claimed_sequence) {
          return {kafka::TxnError::kAbort, "the previous owner's last transaction appeared late"};
        }
      }
      shard->epoch = shard->record_offset;
      runtime::v1::OwnerRecord owner;
      owner.set_service(service_);
      owner.set_shard(shard->id);
      owner.set_address(options_.address);
      owner.set_epoch(shard->epoch);
      owner.set_instance(Cat(service_, "-", options_.slot));
      kafka::OutRecord out;
      out.topic = Topic(service_, events::kOwnersKind);
      out.partition = 0;
      out.key = Cat(shard->id);
      out.value = owner.SerializeAsString();
      if (auto result = producer_->Produce(out); !result.ok()) return result;
    }
    if (auto result =
            Retry([&] { return producer_->SendOffsets(offsets, *token_, options_.kafka_timeout); });
        !result.ok()) {
      return result;
    }
    if (!At("ownership")) return {kafka::TxnError::kFatal, "crash"};
    return Retry([&] { return producer_->Commit(options_.kafka_timeout); });
  };
  const kafka::TxnResult result = transaction();
  for (Shard* shard : shards) {
    shard->trial = shard->trying || shard->owners_without_progress >= kOwnersWithoutProgressMax;
    shard->trying.reset();
    shard->trial_since_us = shard->trial_busy_us = ports_.steady_us();
    ++shard->owners_without_progress;
    if (shard->trial) ports_.probe->Event("trial", Cat(service_, "-", shard->id));
  }
  if (result.message == "crash") return absl::CancelledError("crash");
  if (result.ok()) return absl::OkStatus();
  ports_.probe->Aborted(Cat("ownership: ", result.message));
  // Whatever went wrong, this assignment is over: rejoin and begin again from the log.
  if (result.error == kafka::TxnError::kAbort) {
    (void)Retry([&] { return producer_->Abort(options_.kafka_timeout); });
  }
  return absl::UnavailableError(Cat("ownership: ", result.message));
}

bool Worker::WaitStable(const Shard* shard) {
  const kafka::TopicPartition changelog{Topic(service_, events::kChangelogKind), shard->id};
  for (int i = 0; i < kStableTries; ++i) {
    const auto marks = reader_->QueryWatermarks(changelog, options_.kafka_timeout);
    if (marks.ok() && marks->high >= shard->record_offset) return true;
    alive_us_ = ports_.steady_us();
    ports_.pause(kStablePause);
  }
  return false;
}

// An entity in two shards would have two writers. Where the placement changed, of a few entities
// one is almost certainly in a shard that is not its own any more.
absl::Status Worker::CheckPlacement(const Shard& shard) const {
  for (const auto& [pool, clock] : options_.pools) {
    std::string prefix = StateKey(pool, "", "");
    prefix.pop_back();
    std::string from = prefix;
    for (int i = 0; i < kPlacementSample; ++i) {
      const auto found = shard.store->Next(prefix, from);
      if (!found) break;
      const StateKeyParts parts = ParseStateKey(found->first);
      if (placement_.ShardOf(pool, parts.entity) != shard.id) {
        return absl::PermissionDeniedError(
            Cat(kWrongShard, ": pool ", pool, " has entities in shard ", shard.id,
                " that belong elsewhere: `shards` or the pool's `link_scope` was changed"));
      }
      from = PrefixEnd(StateKey(pool, parts.entity, ""));
    }
  }
  return shard.store->status();
}

absl::Status Worker::AssignOwned() {
  std::vector<kafka::TopicPartitionOffset> offsets;
  for (const auto& [id, shard] : shards_) {
    for (const auto& [topic, position] : shard->committed.positions) {
      offsets.push_back({topic, id, position});
    }
  }
  return consumer_->Assign(offsets);
}

}  // namespace regulars::shard
