// The state of one shard: the local store, a bounded cache above it, and the open batch above both.
//
// During a batch every change goes into the overlay, which reads see first. Commit() moves the
// overlay with the changelog position into the store in one write, after the Kafka transaction
// committed; Discard() forgets it, which is the whole undo. Restore feeds changelog records through
// the same index maintenance as live changes: there is no second implementation. Thread-safety: the
// shard's thread only. Errors: an environment error of the store is returned and the shard must be
// given up. Memory: the cache keeps at most 2 * cache_keys_max values.
#ifndef REGULARS_LIBS_SHARD_SHARD_STORE_H_
#define REGULARS_LIBS_SHARD_SHARD_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "libs/shard/kernel.h"
#include "libs/store/store.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::shard {

using ShardRecord = ::regulars::runtime::v1::ShardRecord;
using OverlayMap = absl::btree_map<std::string, std::optional<std::string>>;

class ShardStore {
 public:
  ShardStore(std::unique_ptr<store::Store> store, size_t cache_keys_max);

  // --- what the store holds (committed) ---
  // Changelog offset at which replay must start; 0 for an empty store.
  int64_t position() const { return position_; }
  // The last `@shard` that the store has seen; nullopt for an empty store.
  const std::optional<ShardRecord>& stored_shard_record() const { return stored_record_; }
  // The store lacks nothing that was written before this broker time, in microseconds; 0 = unknown.
  int64_t broker_time_us() const { return broker_time_us_; }
  const store::Store& store() const { return *store_; }

  // --- reads: overlay, cache, store ---
  std::optional<std::string> Get(const std::string& key) const;
  // First live key >= from that starts with prefix, overlay and store merged.
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const;

  // --- changes of the open batch ---
  void PutState(std::string_view pool, std::string_view entity, std::string_view sub,
                std::string_view value, int64_t expires_at_us);
  void DeleteState(std::string_view pool, std::string_view entity, std::string_view sub);
  void SetTimer(std::string_view pool, std::string_view entity, std::string_view name,
                int64_t at_us);
  void CancelTimer(std::string_view pool, std::string_view entity, std::string_view name);

  struct DueTimer {
    std::string entity, name;
    int64_t at_us = 0;
  };
  // Takes a timer that is set out of the index of due ones (it fires no more by itself), and puts
  // all timers of the entity back.
  void SnoozeTimer(std::string_view pool, const DueTimer& due);
  void WakeTimers(std::string_view pool, std::string_view entity);
  // The first timer of the pool with at <= now, in order of (at, entity, name).
  std::optional<DueTimer> FirstDue(const std::string& pool, int64_t now_us);
  // The first timer of the entity with at <= now, in order of (at, name).
  std::optional<DueTimer> FirstDueOf(std::string_view pool, std::string_view entity,
                                     int64_t now_us) const;
  std::optional<int64_t> TimerOf(std::string_view pool, std::string_view entity,
                                 std::string_view name) const;
  // A lower bound of the next due time or expiry of the pool; INT64_MAX when there is none.
  int64_t NextDueBound(const std::string& pool);
  int64_t NextExpiryBound(const std::string& pool);
  // Deletes up to `limit` values of the pool that expired before now; returns how many.
  int ExpireStates(const std::string& pool, int64_t now_us, int limit);

  const OverlayMap& overlay() const { return overlay_; }
  // True when the overlay holds changes that belong into the changelog.
  bool has_changelog_changes() const;
  void Discard();
  // Store write: overlay + record + position in one batch; then the overlay is the past.
  absl::Status Commit(const ShardRecord& record, int64_t position, int64_t broker_time_us);
  // Only for the simulation's self-test: the write of Commit, and the overlay stays open.
  absl::Status WriteAhead(const ShardRecord& record, int64_t position, int64_t broker_time_us) {
    return WriteOverlay(record, position, broker_time_us);
  }

  // --- restore ---
  // Buffers one changelog record; FlushRestore writes what is buffered with the position.
  void Restore(std::string_view key, std::optional<std::string_view> value);
  size_t restore_buffered() const { return overlay_.size(); }
  size_t restore_bytes() const { return restore_bytes_; }
  absl::Status FlushRestore(const ShardRecord& record, int64_t position, int64_t broker_time_us);

  // Environment error met inside a read; sticky. The loop checks it before it commits.
  const absl::Status& status() const { return status_; }

 private:
  struct Bounds {
    std::string due_floor;     // no live due key is below it
    std::string expiry_floor;  // no expiry key is below it
  };
  Bounds& BoundsOf(std::string_view pool);
  void PutRaw(std::string key, std::optional<std::string> value);
  void IndexTimers(std::string_view pool, std::string_view entity, const std::string& key,
                   const std::optional<std::string>& next);
  absl::Status WriteOverlay(const ShardRecord& record, int64_t position, int64_t broker_time_us);
  void CacheSet(const std::string& key, std::optional<std::string> value) const;

  std::unique_ptr<store::Store> store_;
  size_t cache_keys_max_;
  int64_t position_ = 0;
  int64_t broker_time_us_ = 0;
  size_t restore_bytes_ = 0;
  std::optional<ShardRecord> stored_record_;
  OverlayMap overlay_;
  std::map<std::string, Bounds, std::less<>> bounds_;
  // Two generations: what was not used since the last turn falls out at the next.
  mutable absl::flat_hash_map<std::string, std::optional<std::string>> young_, old_;
  mutable absl::Status status_;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_SHARD_STORE_H_
