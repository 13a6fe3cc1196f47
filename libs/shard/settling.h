// When a service has applied everything that it said to itself. In a pool with `clock: event` a
// shard may only promise an instant to the next services when no message of the service to itself
// is on its way that was caused before that instant: of a merge, of a touch that goes to its
// order's key, of a handoff. The shards find that out in rounds of markers in the same topics:
//
//   * A marker of round r says what the shard's other inputs promised (clock_us), and the earliest
//     time of the messages that it applied since its marker of round r - 1 (least_applied_us).
//   * Who has everybody's markers of round r may send the one of round r + 1.
//   * Partitions keep the order, so who has everybody's markers of round r has applied every
//   message
//     that was sent before them. Let T = min over the shards of clock_us of round r - 1 and
//     least_applied_us of round r. All inputs before T had been applied before the markers of r -
//     1, and nobody applied a message of before T since, so none was sent and none is on its way: T
//     is settled. A message has a time not before that of its cause; a command's is the pool's
//     clock.
//
// A round costs one record per pair of shards, and there are at least two per promise; a new one is
// begun only while it can settle more. Source of the idea: F. Mattern, "Algorithms for distributed
// termination detection", Distributed Computing 2 (1987). Thread-safety: a value without locks.
#ifndef REGULARS_LIBS_SHARD_SETTLING_H_
#define REGULARS_LIBS_SHARD_SETTLING_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::shard {

class Settling {
 public:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  struct Marker {
    int64_t round = 0;
    int64_t clock_us = 0;
    int64_t least_applied_us = kNone;
  };
  // Whose markers: input topic and producing shard.
  struct From {
    std::string topic, producer;
    friend auto operator<=>(const From&, const From&) = default;
  };

  Settling() = default;
  explicit Settling(const runtime::v1::Settling& stored);
  runtime::v1::Settling Stored(const std::string& pool) const;

  // A message of the service to itself was applied.
  void NoteApplied(int64_t time_us);
  // A marker was received. One that is not needed any more is ignored.
  void Take(const From& from, const Marker& marker);
  // Completes the round if everybody's markers are here. Returns the marker to be sent now to
  // everybody, this shard included, in every topic of `everybody`. `promised_us`: of the shard's
  // other inputs, and only after all of them that came before it were applied.
  std::optional<Marker> Advance(const std::vector<From>& everybody, int64_t promised_us);

  // Everything before this instant is applied everywhere.
  int64_t settled_us() const { return settled_us_; }

 private:
  bool HasRound(const std::vector<From>& everybody, int64_t round) const;
  void Complete(const std::vector<From>& everybody);
  // What the next round may settle at most.
  int64_t InReach(const std::vector<From>& everybody) const;

  int64_t sent_ = 0, sent_clock_us_ = 0, completed_ = 0, settled_us_ = 0;
  int64_t least_applied_us_ = kNone;  // since the markers that were sent last
  std::map<From, std::map<int64_t, Marker>> markers_;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_SETTLING_H_
