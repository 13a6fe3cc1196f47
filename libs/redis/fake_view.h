// The view in memory, for tests and simulation: one FakeViewServer plays Redis, any number of
// FakeView clients talk to it. It keeps full key names as Redis does, so that old generations,
// sweeps and dumps behave alike. TTLs do not run; EvictRandom stands for expiry and eviction.
// Thread-safety: the server may be used from any thread; a FakeView by one thread. The server must
// outlive its clients. Deterministic: no clock, no randomness but the seeds given.
#ifndef REGULARS_LIBS_REDIS_FAKE_VIEW_H_
#define REGULARS_LIBS_REDIS_FAKE_VIEW_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/redis/view.h"

namespace regulars::redis {

struct FakeViewOptions {
  // Only for the simulation's self-test. Takes the fence out: what it would refuse is done.
  bool break_fence = false;
  // Takes the position out of Apply: what is sent again is done again.
  bool break_position = false;
};

class FakeViewServer {
 public:
  // Everything the server stores, by full key name; meta records apart.
  struct Data {
    std::map<std::string, std::string> keys;
    std::map<std::string, ViewMeta> meta;
  };

  explicit FakeViewServer(FakeViewOptions options = {}) : options_(options) {}
  FakeViewServer(const FakeViewServer&) = delete;
  FakeViewServer& operator=(const FakeViewServer&) = delete;

  // --- Faults ---
  void FlushAll();
  // An old copy put back (a restored dump, a failover to a lagging replica).
  Data TakeDump() const;
  void RestoreDump(Data dump);
  // Away: every call fails without effect.
  void SetAway(bool away);
  // The next write call (Claim, Finish, Apply) is executed, but its caller sees kAway.
  void LoseNextAnswer();
  // The next write Apply request that is number `n` (0 = the next one) of the requests to come is
  // not executed and reported kAway, with all later ones of its call.
  void FailApply(int64_t n);
  // The next write call stays on its way: it is not executed, its caller sees kAway, and it arrives
  // at DeliverHeld, also when the connection and the process that sent it are long gone. One at a
  // time: false while another is on its way or waited for.
  bool HoldNextWrite();
  // False when nothing is on its way.
  bool DeliverHeld();
  // The function library is gone, as after a restart without persistence.
  void LoseFunctions();
  // Removes up to `count` member keys drawn with `seed`; returns how many.
  int64_t EvictRandom(uint64_t seed, int64_t count);
  // View rot: a member key deleted or overwritten behind the owner's back. False if absent.
  bool Rot(const std::string& full_key, std::optional<std::string> value);

  // --- Looking in ---
  int64_t fenced_writes() const;              // writes refused with kFenced since the start
  std::vector<std::string> KeyNames() const;  // full names of the member keys

 private:
  friend class FakeView;

  ViewOutcome Claim(const ShardId& shard, const std::string& log_id, int64_t epoch,
                    int64_t generation, int64_t applied);
  ViewOutcome Finish(const ShardId& shard, int64_t epoch, int64_t generation);
  ViewOutcome ApplyOne(const ShardId& shard, const ApplyRequest& request);
  // The verdict on a writer; kApplied means it may write.
  ViewOutcome Guard(const ViewMeta* meta, int64_t epoch, int64_t generation);
  ViewMeta* FindMeta(const ShardId& shard);
  // True when the call stays on its way. Mutex held.
  bool Held(std::function<void()> call);

  const FakeViewOptions options_;
  mutable std::mutex mutex_;
  Data data_;
  bool away_ = false;
  bool lose_next_answer_ = false;
  bool functions_loaded_ = true;
  int64_t fail_apply_in_ = -1;
  bool hold_next_ = false;
  std::function<void()> held_;  // the call that is on its way
  int64_t fenced_writes_ = 0;
};

class FakeView final : public View {
 public:
  explicit FakeView(FakeViewServer* server) : server_(server) {}

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

 private:
  FakeViewServer* const server_;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_FAKE_VIEW_H_
