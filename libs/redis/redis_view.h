// The view in Redis 7: one Redis or a Redis Cluster, guarded by the function library
// `regulars.lua`.
//
// Functions: loaded when a call finds them missing (a new or restarted Redis). The call that found
// out is kGap for a writer: what else was lost is unknown, so the owner claims again; Claim and
// Read load and go on. The ACL user of owners and readers needs, on keys r1:*,
//   +fcall +fcall_ro +function|load +hmget +hset +mset +expire +del +unlink +mget
//   +scan.
//
// Cluster: MOVED is followed and remembered, at most kRedirectsMax times per call. Every other
// refusal (ASK, TRYAGAIN, CLUSTERDOWN, LOADING, OOM, READONLY, ...) is kAway or UNAVAILABLE: a
// shard changes nodes by rebuild, not by slot migration.
//
// Blocking: every exchange is bounded by the time-outs of RedisOptions; an Apply is one per
// `pipeline_bytes`, a Sweep at most kSweepPagesMax + 1 of them, a Dump as many as the data needs.
//
// Errors: last_error() is the text of the newest failure, for logs; it holds no keys and no values.
#ifndef REGULARS_LIBS_REDIS_REDIS_VIEW_H_
#define REGULARS_LIBS_REDIS_REDIS_VIEW_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/redis/connection.h"
#include "libs/redis/options.h"
#include "libs/redis/view.h"

namespace regulars::redis {

inline constexpr int kRedirectsMax = 4;
inline constexpr size_t kPiecesInFlight = 4;
inline constexpr int kSweepPagesMax = 16;
inline constexpr int64_t kScanCount = 1000;  // keys Redis looks at per SCAN

class RedisView final : public View {
 public:
  // INVALID_ARGUMENT for options that cannot work; connects with the first call only.
  static absl::StatusOr<std::unique_ptr<RedisView>> Create(RedisOptions options);
  ~RedisView() override;

  ViewOutcome Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                    int64_t generation, int64_t applied) override;
  ViewOutcome Finish(const ShardId& shard, int64_t epoch, int64_t generation) override;
  std::vector<ViewOutcome> Apply(const ShardId& shard,
                                 const std::vector<ApplyRequest>& requests) override;
  absl::StatusOr<std::optional<ViewMeta>> Meta(const ShardId& shard) override;
  absl::StatusOr<ViewRead> Read(const ShardId& shard,
                                const std::vector<std::string>& keys) override;
  absl::StatusOr<SweepStep> Sweep(const ShardId& shard, int64_t generation, int64_t limit) override;
  absl::StatusOr<std::vector<ViewOp>> Dump(const ShardId& shard) override;

  const std::string& last_error() const { return last_error_; }

 private:
  // Where a sweep stands; a cursor means something on the node that gave it only.
  struct SweepPlace {
    int64_t generation = 0;
    const Connection* node = nullptr;
    std::string cursor = "0";
  };
  struct ScanPage {
    std::string cursor;
    std::vector<std::string> keys;
  };

  RedisView(RedisOptions options, std::unique_ptr<TlsContext> tls, std::vector<Address> seeds);

  Connection& NodeOf(int32_t slot);
  Connection& NodeAt(const Address& address);
  // Reads an error reply: follows MOVED (true: send again), else notes it.
  bool FollowMoved(int32_t slot, const std::string& error);
  void NoteFailure(int32_t slot, const absl::Status& status);

  // Sends one command; follows MOVED. NOT_FOUND: the functions are missing; UNAVAILABLE: all else.
  absl::Status Call(int32_t slot, const std::string& command, const ReplyFn& on_reply);
  absl::Status LoadFunctions(int32_t slot);
  // Call of a writing function.
  ViewOutcome CallWriter(int32_t slot, const std::string& command);
  // Sends requests from `next` on, fills in their outcomes and returns how many are settled: all,
  // or after MOVED those that were applied before it.
  size_t ApplyFrom(const ShardId& shard, int32_t slot, const std::vector<ApplyRequest>& requests,
                   size_t next, std::vector<ViewOutcome>* outcomes);
  absl::StatusOr<ScanPage> Scan(int32_t slot, const std::string& prefix, const std::string& cursor);

  const RedisOptions options_;
  const std::unique_ptr<TlsContext> tls_;
  const std::vector<Address> seeds_;
  size_t seed_ = 0;  // the seed in use
  std::map<std::string, std::unique_ptr<Connection>> nodes_;
  std::map<int32_t, Address> slots_;  // learned by MOVED
  std::map<std::string, SweepPlace> sweeps_;
  std::string buffer_;
  int redirects_left_ = 0;
  std::string last_error_;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_REDIS_VIEW_H_
