// The view: hot state of each shard for readers, as a copy in Redis that can be thrown away. Two
// implementations, Redis (`redis_view.h`) and memory (`fake_view.h`), one conformance suite.
//
// Every write is guarded by the shard's meta record {log id, epoch, generation, applied, whole}:
// an older epoch is FENCED, a hole in the sequence is a GAP, absent meta is a GAP. Only Claim
// creates meta. Readers get meta and values in one atomic step and must not trust a view that is
// absent or not whole. Nothing is ever decided from the view.
//
// Retries: every call may be sent again unchanged after kAway, also when the first one was applied
// and only its answer was lost, also when the first one still arrives later. An Apply whose `to`
// the view has passed already is kApplied and changes nothing: under one epoch and generation the
// log has one transaction per sequence, so the operations are the same. An owner that wants to
// write the view anew claims with a larger generation; it never claims the same one again except to
// retry a lost answer, and never reuses a generation of the shard while keys of it may exist.
//
// Keys: r1:{tag}:<service>:<generation>:<key>; meta: r1:{tag}:<service>:meta. The tag text of a
// shard is chosen so that shards spread evenly over the 16384 hash slots (shard i of S in slot
// i * 16384 / S). Member keys live for the `member_ttl` of the implementation since their last
// write, meta for ever.
//
// Thread-safety: one thread per object. Blocking time: bounded by the options of the
// implementation.
//
// Limits, refused as kInvalid or INVALID_ARGUMENT before anything is sent: kApplyKeysMax keys and
// kApplyBytesMax bytes (keys + values) per Apply, kReadKeysMax keys per Read, kLogIdBytesMax bytes
// of log id, 0 <= epoch, generation, position <= kPositionMax.
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
inline constexpr size_t kLogIdBytesMax = 128;
inline constexpr int64_t kPositionMax = int64_t{1} << 53;  // Lua's numbers are exact up to here

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
  kInvalid,  // the request breaks a limit or the chain: nothing was sent; a bug of the caller
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

struct SweepStep {
  int64_t removed = 0;
  bool done = false;  // the whole key space was seen since the sweep began
};

class View {
 public:
  virtual ~View() = default;
  // The only call that creates meta. Fences at once: sets epoch, generation, applied, whole =
  // false. kFenced when meta holds a larger epoch of the same log id, or the same epoch and a
  // larger generation. Never kGap.
  virtual ViewOutcome Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                            int64_t generation, int64_t applied) = 0;
  // Sets whole. kFenced, kGap as Apply.
  virtual ViewOutcome Finish(const ShardId& shard, int64_t epoch, int64_t generation) = 0;
  // Pipelined: the requests of one shard in order; after the first that is not kApplied the rest
  // are not applied either. One outcome per request. All requests of a call have one epoch and
  // generation and form a chain: each `from` is the `to` before it. A later op on a key wins.
  virtual std::vector<ViewOutcome> Apply(const ShardId& shard,
                                         const std::vector<ApplyRequest>& requests) = 0;
  virtual absl::StatusOr<std::optional<ViewMeta>> Meta(const ShardId& shard) = 0;
  // Values of `keys` under the current generation, atomically with meta.
  virtual absl::StatusOr<ViewRead> Read(const ShardId& shard,
                                        const std::vector<std::string>& keys) = 0;
  // One bounded step of removing the keys of every generation older than `generation`: looks at a
  // bounded number of keys and removes about `limit` of them at most. The object remembers where it
  // was; call again until `done`.
  virtual absl::StatusOr<SweepStep> Sweep(const ShardId& shard, int64_t generation,
                                          int64_t limit) = 0;
  // All keys of the current generation with their values, for verification. Not atomic.
  virtual absl::StatusOr<std::vector<ViewOp>> Dump(const ShardId& shard) = 0;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_VIEW_H_
