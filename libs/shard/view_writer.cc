#include "libs/shard/view_writer.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::shard {
namespace {

using redis::ApplyRequest;
using redis::ViewOp;
using redis::ViewOutcome;

// Requests sent in one pipelined Apply.
constexpr size_t kRequestsPerPipeline = 16;
// What a key may hold inside one request beside its value.
constexpr size_t kKeyOverheadBytes = 64;

size_t BytesOf(const ViewOp& op) {
  return op.key.size() + (op.value ? op.value->size() : 0) + kKeyOverheadBytes;
}

}  // namespace

std::string ViewKey(const StateKeyParts& parts) {
  return ViewKey(parts.pool, parts.entity, parts.sub);
}

std::string ViewKey(std::string_view pool, std::string_view entity, std::string_view sub) {
  return Cat(pool, "|", entity, "|", sub);
}

std::string ViewValue(std::string_view stored) {
  runtime::v1::StateValue value;
  REGULARS_ASSERT(value.ParseFromArray(stored.data(), static_cast<int>(stored.size())),
                  "a state value is garbled");
  return std::move(*value.mutable_value());
}

ViewWriter::ViewWriter(std::unique_ptr<redis::View> view, ViewWriterOptions options,
                       std::function<bool(std::string_view sub)> in_view)
    : view_(std::move(view)), options_(std::move(options)), in_view_(std::move(in_view)) {}

redis::ShardId ViewWriter::Id(int32_t shard) const {
  return {options_.service, shard, options_.shard_count};
}

void ViewWriter::Own(const Ownership& ownership) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto shard = std::make_shared<ShardView>();
  shard->owner = ownership;
  shards_[ownership.shard] = std::move(shard);
}

void ViewWriter::Lost(int32_t shard) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  if (it == shards_.end()) return;
  for (const Transaction& transaction : it->second->queue) queued_bytes_ -= transaction.bytes;
  it->second->queue.clear();
  shards_.erase(it);
}

void ViewWriter::Append(int32_t shard_id, int64_t from_sequence, int64_t to_sequence,
                        std::vector<ViewOp> ops) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard_id);
  if (it == shards_.end()) return;
  ShardView* shard = it->second.get();
  if (shard->phase == Phase::kFenced) return;
  // While a rebuild waits for its snapshot, the snapshot will hold everything up to then.
  if (shard->phase == Phase::kWaitSnapshot && !shard->snapshot) return;
  Transaction transaction{from_sequence, to_sequence, std::move(ops), 0};
  for (const ViewOp& op : transaction.ops) transaction.bytes += BytesOf(op);
  if (queued_bytes_ + transaction.bytes > options_.queue_bytes_max) {
    ++counters_.overflows;
    Restart(shard);
    return;
  }
  queued_bytes_ += transaction.bytes;
  shard->queue.push_back(std::move(transaction));
}

void ViewWriter::Restart(ShardView* shard) {
  ++shard->restarts;
  for (const Transaction& transaction : shard->queue) queued_bytes_ -= transaction.bytes;
  shard->queue.clear();
  shard->snapshot.reset();
  shard->snapshot_sequence = -1;
  shard->resume_key.clear();
  shard->fresh = false;
  shard->phase = Phase::kWaitSnapshot;
}

bool ViewWriter::WantsSnapshot(int32_t shard) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  return it != shards_.end() && it->second->phase == Phase::kWaitSnapshot && !it->second->snapshot;
}

void ViewWriter::GiveSnapshot(int32_t shard, int64_t sequence,
                              std::unique_ptr<store::ReadView> snapshot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = shards_.find(shard);
  if (it == shards_.end()) return;
  it->second->snapshot = std::move(snapshot);
  it->second->snapshot_sequence = sequence;
}

bool ViewWriter::caught_up() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::all_of(shards_.begin(), shards_.end(), [](const auto& entry) {
    return entry.second->phase == Phase::kFenced ||
           (entry.second->phase == Phase::kLive && entry.second->queue.empty());
  });
}

ViewWriter::Counters ViewWriter::counters() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return counters_;
}

bool ViewWriter::Step(int64_t steady_us) {
  std::vector<int32_t> ids;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [id, shard] : shards_) ids.push_back(id);
  }
  bool worked = false;
  for (const int32_t id : ids) worked |= StepShard(id, steady_us);
  return worked;
}

bool ViewWriter::StepShard(int32_t id, int64_t steady_us) {
  std::shared_ptr<ShardView> shard;  // shared: Lost may erase it meanwhile
  Phase phase = Phase::kFenced;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = shards_.find(id);
    if (it == shards_.end()) return false;
    shard = it->second;
    phase = shard->phase;
    if (phase == Phase::kWaitSnapshot && shard->snapshot) phase = Phase::kClaiming;
  }
  switch (phase) {
    case Phase::kClaiming:
      return Claim(id, shard.get());
    case Phase::kWaitSnapshot:
    case Phase::kFenced:
      return false;
    case Phase::kRebuilding:
      return Rebuild(id, shard.get());
    case Phase::kLive:
      return Drain(id, shard.get()) || Check(id, shard.get(), steady_us);
  }
  return false;
}

bool ViewWriter::Claim(int32_t id, ShardView* shard) {
  int64_t restarts = 0;
  bool has_snapshot = false;
  int64_t snapshot_sequence = -1;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    restarts = shard->restarts;
    has_snapshot = shard->snapshot != nullptr;
    snapshot_sequence = shard->snapshot_sequence;
  }
  const auto meta = view_->Meta(Id(id));
  const auto away = [&] {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++counters_.away;
    return false;
  };
  if (!meta.ok()) return away();
  const bool same_log = *meta && (*meta)->log_id == shard->owner.log_id;
  const bool keep = shard->fresh && same_log && (*meta)->whole &&
                    (*meta)->applied == shard->owner.sequence_before;
  if (!keep && !has_snapshot) {
    // A view that cannot be kept is written anew from the store.
    const std::lock_guard<std::mutex> lock(mutex_);
    Restart(shard);
    return true;
  }
  // A generation is never used twice while its keys may live: our epoch is an offset of the log, so
  // generations of later owners are larger, and every rebuild adds one.
  const int64_t seen = std::max(*meta ? (*meta)->generation : 0, shard->generation);
  const int64_t generation = keep ? (*meta)->generation : std::max(seen, shard->owner.epoch) + 1;
  const int64_t applied = keep ? shard->owner.sequence : snapshot_sequence;
  ViewOutcome outcome =
      view_->Claim(Id(id), shard->owner.log_id, shard->owner.epoch, generation, applied);
  if (outcome == ViewOutcome::kApplied && keep) {
    outcome = view_->Finish(Id(id), shard->owner.epoch, generation);
  }
  if (outcome == ViewOutcome::kAway) return away();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (outcome == ViewOutcome::kApplied) shard->generation = generation;
  if (shard->restarts != restarts) return true;
  if (outcome == ViewOutcome::kFenced) {
    ++counters_.fenced;
    shard->phase = Phase::kFenced;
    return false;
  }
  if (outcome == ViewOutcome::kGap) {
    Restart(shard);
    return true;
  }
  shard->applied = applied;
  shard->fresh = false;
  shard->sweeping = true;
  shard->phase = keep ? Phase::kLive : Phase::kRebuilding;
  if (!keep) ++counters_.rebuilds;
  return true;
}

bool ViewWriter::Rebuild(int32_t id, ShardView* shard) {
  // A pipeline of full requests from the snapshot; all carry from == to, the position stays.
  std::vector<ApplyRequest> requests;
  const std::string prefix(1, kStateKind);
  std::shared_ptr<const store::ReadView> snapshot;
  std::string from = prefix;
  int64_t restarts = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (shard->phase != Phase::kRebuilding) return true;
    snapshot = shard->snapshot;
    if (!shard->resume_key.empty()) from = shard->resume_key;
    restarts = shard->restarts;
  }
  std::string resume;
  size_t bytes = 0;
  const auto open_request = [&] {
    requests.push_back({shard->owner.epoch, shard->generation, shard->applied, shard->applied, {}});
    bytes = 0;
  };
  open_request();
  const absl::Status scanned =
      snapshot->Scan(from, PrefixEnd(prefix), [&](std::string_view key, std::string_view value) {
        const StateKeyParts parts = ParseStateKey(key);
        if (!in_view_(parts.sub)) return true;
        ViewOp op{ViewKey(parts), ViewValue(value)};
        const size_t size = BytesOf(op);
        if (requests.back().ops.size() == redis::kApplyKeysMax ||
            (bytes + size > redis::kApplyBytesMax && !requests.back().ops.empty())) {
          if (requests.size() == kRequestsPerPipeline) {
            resume = std::string(key);
            return false;
          }
          open_request();
        }
        bytes += size;
        requests.back().ops.push_back(std::move(op));
        return true;
      });
  ViewOutcome outcome = scanned.ok() ? ViewOutcome::kApplied : ViewOutcome::kGap;
  size_t keys = 0;
  if (outcome == ViewOutcome::kApplied) {
    for (const ApplyRequest& request : requests) keys += request.ops.size();
    for (const ViewOutcome one : view_->Apply(Id(id), requests)) {
      if (one != ViewOutcome::kApplied) {
        outcome = one;
        break;
      }
    }
  }
  if (outcome == ViewOutcome::kApplied && resume.empty()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (shard->restarts != restarts) return true;
    }
    outcome = view_->Finish(Id(id), shard->owner.epoch, shard->generation);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (shard->restarts != restarts) return true;
  switch (outcome) {
    case ViewOutcome::kApplied:
      counters_.applied_keys += static_cast<int64_t>(keys);
      shard->resume_key = resume;
      if (resume.empty() && shard->phase == Phase::kRebuilding) {
        shard->snapshot.reset();
        shard->phase = Phase::kLive;
      }
      return true;
    case ViewOutcome::kFenced:
      ++counters_.fenced;
      shard->phase = Phase::kFenced;
      return false;
    case ViewOutcome::kGap:
      ++counters_.gaps;
      Restart(shard);
      return true;
    case ViewOutcome::kInvalid:
      REGULARS_ASSERT(false, "the view writer broke a limit or the chain of requests");
    case ViewOutcome::kAway:
      ++counters_.away;
      return false;  // the same window again: nothing moved
  }
  return false;
}

bool ViewWriter::Drain(int32_t id, ShardView* shard) {
  std::vector<ApplyRequest> requests;
  size_t taken = 0;
  int64_t end = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (shard->queue.empty()) return false;
    for (const Transaction& transaction : shard->queue) {
      if (transaction.to <= shard->applied) {  // already inside the snapshot
        ++taken;
        end = transaction.to;
        continue;
      }
      if (requests.size() >= kRequestsPerPipeline) break;
      // Chunks of one transaction keep the position where it was; the last one moves it.
      requests.push_back(
          {shard->owner.epoch, shard->generation, transaction.from, transaction.from, {}});
      size_t bytes = 0;
      for (const ViewOp& op : transaction.ops) {
        if (requests.back().ops.size() == redis::kApplyKeysMax ||
            (bytes + BytesOf(op) > redis::kApplyBytesMax && !requests.back().ops.empty())) {
          requests.push_back(
              {shard->owner.epoch, shard->generation, transaction.from, transaction.from, {}});
          bytes = 0;
        }
        bytes += BytesOf(op);
        requests.back().ops.push_back(op);
      }
      requests.back().to = transaction.to;
      ++taken;
      end = transaction.to;
    }
  }
  ViewOutcome outcome = ViewOutcome::kApplied;
  size_t keys = 0;
  for (const ApplyRequest& request : requests) keys += request.ops.size();
  if (!requests.empty()) {
    for (const ViewOutcome one : view_->Apply(Id(id), requests)) {
      if (one != ViewOutcome::kApplied) {
        outcome = one;
        break;
      }
    }
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  switch (outcome) {
    case ViewOutcome::kApplied:
      if (shard->phase != Phase::kLive) return true;  // restarted meanwhile
      for (; taken > 0 && !shard->queue.empty(); --taken) {
        queued_bytes_ -= shard->queue.front().bytes;
        shard->queue.pop_front();
      }
      shard->applied = std::max(shard->applied, end);
      counters_.applied_keys += static_cast<int64_t>(keys);
      return true;
    case ViewOutcome::kFenced:
      ++counters_.fenced;
      shard->phase = Phase::kFenced;
      return false;
    case ViewOutcome::kGap:
      ++counters_.gaps;
      Restart(shard);
      return true;
    case ViewOutcome::kInvalid:
      REGULARS_ASSERT(false, "the view writer broke a limit or the chain of requests");
    case ViewOutcome::kAway:
      ++counters_.away;
      return false;
  }
  return false;
}

bool ViewWriter::Check(int32_t id, ShardView* shard, int64_t steady_us) {
  if (steady_us - shard->checked_us >= options_.check_every_us) {
    shard->checked_us = steady_us;
    const auto meta = view_->Meta(Id(id));
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!meta.ok()) {
      ++counters_.away;
      return false;
    }
    const bool ours = *meta && (*meta)->log_id == shard->owner.log_id &&
                      (*meta)->epoch == shard->owner.epoch &&
                      (*meta)->generation == shard->generation && (*meta)->whole;
    if (ours && (*meta)->applied == shard->applied) return false;
    if (*meta && (*meta)->log_id == shard->owner.log_id && (*meta)->epoch > shard->owner.epoch) {
      ++counters_.fenced;
      shard->phase = Phase::kFenced;
      return false;
    }
    if (shard->phase == Phase::kLive) {
      ++counters_.gaps;
      Restart(shard);
    }
    return true;
  }
  if (!shard->sweeping) return false;
  const auto swept = view_->Sweep(Id(id), shard->generation, options_.sweep_keys_per_step);
  if (swept.ok() && swept->done) shard->sweeping = false;
  return swept.ok() && !swept->done;
}

}  // namespace regulars::shard
