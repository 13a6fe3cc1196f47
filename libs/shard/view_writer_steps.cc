// The phases of one shard's view: claim, rebuild from a snapshot, drain the queue, look at meta.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/shard/view_writer.h"

namespace regulars::shard {
namespace {

using redis::ApplyRequest;
using redis::ViewOp;
using redis::ViewOutcome;

// Requests sent in one pipelined Apply.
constexpr size_t kRequestsPerPipeline = 16;

}  // namespace

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
  if (outcome != ViewOutcome::kApplied) return NotApplied(shard, outcome);
  counters_.applied_keys += static_cast<int64_t>(keys);
  shard->resume_key = resume;
  if (resume.empty() && shard->phase == Phase::kRebuilding) {
    shard->snapshot.reset();
    shard->phase = Phase::kLive;
  }
  return true;
}

bool ViewWriter::Drain(int32_t id, ShardView* shard) {
  std::vector<ApplyRequest> requests;
  size_t taken = 0;
  int64_t end = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (shard->queue.empty()) return false;
    int64_t position = shard->applied;
    for (const Transaction& transaction : shard->queue) {
      // Already inside the snapshot, or keys from before it.
      const bool moves = transaction.from != transaction.to;
      if (transaction.to < position || (moves && transaction.to == position)) {
        ++taken;
        end = std::max(end, transaction.to);
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
      position = end = transaction.to;
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
  if (outcome != ViewOutcome::kApplied) return NotApplied(shard, outcome);
  if (shard->phase != Phase::kLive) return true;  // restarted meanwhile
  for (; taken > 0 && !shard->queue.empty(); --taken) {
    queued_bytes_ -= shard->queue.front().bytes;
    shard->queue.pop_front();
  }
  shard->applied = std::max(shard->applied, end);
  counters_.applied_keys += static_cast<int64_t>(keys);
  return true;
}

bool ViewWriter::NotApplied(ShardView* shard, ViewOutcome outcome) {
  switch (outcome) {
    case ViewOutcome::kFenced:
      ++counters_.fenced;
      shard->phase = Phase::kFenced;
      return false;
    case ViewOutcome::kGap:
      ++counters_.gaps;
      Restart(shard);
      return true;
    case ViewOutcome::kAway:
      ++counters_.away;
      return false;  // the same window again: nothing moved
    case ViewOutcome::kApplied:
    case ViewOutcome::kInvalid:
      REGULARS_ASSERT(false, "the view writer broke a limit or the chain of requests");
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
