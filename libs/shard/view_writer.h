// Feeds the view of the owned shards: applies committed transactions in order, claims at takeover,
// rebuilds from a snapshot of the store when the view has a hole, is absent, or belongs to another
// log.
//
// Per shard: kClaiming -> (kLive | kRebuilding -> kLive). A GAP, an overflow of the bounded queue
// or absent meta leads back to kClaiming with the next generation; FENCED ends it (another owner is
// newer). Away keeps everything queued up to kQueueBytesMax, then drops the queue and rebuilds on
// return. Thread-safety: the ViewSink methods from the worker's thread; Step from one other thread
// (in simulation the same thread). Nothing is ever decided from the view, so nothing here can be
// wrong for more than a moment: it can only be late.
#ifndef REGULARS_LIBS_SHARD_VIEW_WRITER_H_
#define REGULARS_LIBS_SHARD_VIEW_WRITER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/redis/view.h"
#include "libs/shard/keys.h"
#include "libs/shard/view_sink.h"

namespace regulars::shard {

// Key of a state in the view: pool|entity|sub.
[[nodiscard]] std::string ViewKey(const StateKeyParts& parts);
[[nodiscard]] std::string ViewKey(std::string_view pool, std::string_view entity,
                                  std::string_view sub);
// The program's value inside a stored StateValue.
[[nodiscard]] std::string ViewValue(std::string_view stored);

struct ViewWriterOptions {
  std::string service;
  int32_t shard_count = 4;
  size_t queue_bytes_max = 64u << 20;   // per process
  size_t refresh_bytes_max = 1u << 20;  // keys are published again only while less is queued
  int64_t check_every_us = 1'000'000;   // meta of every owned shard is looked at this often
  int64_t sweep_keys_per_step = 1000;
};

class ViewWriter : public ViewSink {
 public:
  // `in_view` says which subs are published (Program::InView).
  ViewWriter(std::unique_ptr<redis::View> view, ViewWriterOptions options,
             std::function<bool(std::string_view sub)> in_view);

  void Own(const Ownership& ownership) override;
  void Lost(int32_t shard) override;
  void Append(int32_t shard, int64_t from_sequence, int64_t to_sequence,
              std::vector<redis::ViewOp> ops) override;
  void Refresh(int32_t shard, int64_t sequence, std::vector<redis::ViewOp> ops) override;
  bool WantsSnapshot(int32_t shard) override;
  void GiveSnapshot(int32_t shard, int64_t sequence,
                    std::unique_ptr<store::ReadView> snapshot) override;

  // Does what can be done now; false when there was nothing to do (wait a little before the next).
  bool Step(int64_t steady_us);
  // Every owned shard is live and its queue is empty.
  [[nodiscard]] bool caught_up() const;

  struct Counters {
    int64_t rebuilds = 0, gaps = 0, fenced = 0, away = 0, applied_keys = 0, overflows = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  enum class Phase : uint8_t { kClaiming, kWaitSnapshot, kRebuilding, kLive, kFenced };
  struct Transaction {
    int64_t from = 0, to = 0;
    std::vector<redis::ViewOp> ops;
    size_t bytes = 0;
  };
  struct ShardView {
    Ownership owner;
    Phase phase = Phase::kClaiming;
    bool fresh = true;       // first claim of this ownership: a whole view may be kept
    int64_t generation = 0;  // ours, once claimed
    int64_t applied = 0;     // what the view holds if all went well
    int64_t checked_us = 0;
    bool sweeping = false;
    std::deque<Transaction> queue;
    std::shared_ptr<const store::ReadView> snapshot;  // shared: a scan may outlive a restart
    int64_t restarts = 0;  // a step that began before a restart must not write its results
    int64_t snapshot_sequence = -1;
    std::string resume_key;  // rebuild: next state key of the snapshot
  };

  // All return true when they did something. Called without the lock held on a shard that only Step
  // changes; the queue is taken under the lock.
  bool StepShard(int32_t id, int64_t steady_us);
  bool Claim(int32_t id, ShardView* shard);
  bool Rebuild(int32_t id, ShardView* shard);
  bool Drain(int32_t id, ShardView* shard);
  bool Check(int32_t id, ShardView* shard, int64_t steady_us);
  // What a window that Redis did not take means for the shard; called with the lock held.
  bool NotApplied(ShardView* shard, redis::ViewOutcome outcome);
  void Restart(ShardView* shard);
  redis::ShardId Id(int32_t shard) const;
  static size_t BytesOf(const redis::ViewOp& op);

  const std::unique_ptr<redis::View> view_;
  const ViewWriterOptions options_;
  const std::function<bool(std::string_view)> in_view_;
  mutable std::mutex mutex_;
  std::map<int32_t, std::shared_ptr<ShardView>> shards_;
  size_t queued_bytes_ = 0;
  Counters counters_;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_VIEW_WRITER_H_
