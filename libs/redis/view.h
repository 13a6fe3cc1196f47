// The view: hot state of each shard for readers, as a copy in Redis that can be thrown away. Two
// implementations, Redis (`redis_view.h`) and memory (`fake_view.h`), one conformance suite.
//
// Every write is guarded by the shard's meta record {log id, epoch, generation, applied, whole}:
// an older epoch is FENCED, a hole in the sequence is a GAP, absent meta is a GAP. Only Claim creates
// meta. Readers get meta and values in one atomic step and must not trust a view that is absent or not
// whole. Nothing is ever decided from the view.
// Keys: r1:{tag}:<service>:<generation>:<key>; meta: r1:{tag}:<service>:meta. The tag text of a shard is
// chosen so that shards spread evenly over the 16384 hash slots (shard i of S in slot i * 16384 / S).
// Thread-safety: one thread per object. Blocking time: bounded by the options of the implementation.
// Limits: kApplyKeysMax keys and kApplyBytesMax bytes per Apply (larger: INVALID_ARGUMENT).
#ifndef REGULARS_LIBS_REDIS_VIEW_H_
#define REGULARS_LIBS_REDIS_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace regulars::redis {

inline constexpr size_t kApplyKeysMax = 256;
inline constexpr size_t kApplyBytesMax = 1 << 20;
inline constexpr size_t kReadKeysMax = 256;

struct ShardId {
  std::string service;
  int32_t shard = 0;
  int32_t shard_count = 1;
};

struct ViewMeta {
  std::string log_id;
  int64_t epoch = 0;       // changelog offset of the owner's ownership record
  int64_t generation = 0;  // part of every key; bumped by a rebuild
  int64_t applied = 0;     // sequence of the last transaction in the view
  bool whole = false;      // every hot key was written since the claim
};

struct ViewOp {
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
};

enum class ViewOutcome : uint8_t {
  kApplied,
  kFenced,  // a newer epoch owns the shard's view: stop writing
  kGap,     // the view is absent, or its `applied` is not `from`: rebuild
  kAway,    // Redis cannot be reached or does not know the answer; nothing is known about the write
};

struct ApplyRequest {
  int64_t epoch = 0;
  int64_t generation = 0;
  int64_t from = 0;  // must equal meta.applied
  int64_t to = 0;    // becomes meta.applied; from == to adds keys without moving the position
  std::vector<ViewOp> ops;
};

struct ViewRead {
  std::optional<ViewMeta> meta;  // nullopt: absent
  std::vector<std::optional<std::string>> values;
};

class View {
 public:
  virtual ~View() = default;
  // The only call that creates meta. Fences at once: sets epoch, generation, applied, whole = false.
  // kFenced when meta holds a larger epoch of the same log id, or the same epoch and a larger generation.
  virtual ViewOutcome Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                            int64_t generation, int64_t applied) = 0;
  virtual ViewOutcome Finish(const ShardId& shard, int64_t epoch, int64_t generation) = 0;
  // Pipelined: the requests of one shard in order; after the first that is not kApplied the rest are
  // not applied either. One outcome per request.
  virtual std::vector<ViewOutcome> Apply(const ShardId& shard,
                                         const std::vector<ApplyRequest>& requests) = 0;
  virtual absl::StatusOr<std::optional<ViewMeta>> Meta(const ShardId& shard) = 0;
  // Values of `keys` under the current generation, atomically with meta.
  virtual absl::StatusOr<ViewRead> Read(const ShardId& shard,
                                        const std::vector<std::string>& keys) = 0;
  // Removes up to `limit` keys of every generation older than `generation`; returns how many were
  // removed in this step (0 = done).
  virtual absl::StatusOr<int64_t> Sweep(const ShardId& shard, int64_t generation, int64_t limit) = 0;
  // All keys of the current generation with their values, for verification. Not atomic.
  virtual absl::StatusOr<std::vector<ViewOp>> Dump(const ShardId& shard) = 0;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_VIEW_H_
