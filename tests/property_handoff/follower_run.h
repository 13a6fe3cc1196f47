// Runs the histories of one service that follows merges and splits, and counts.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_RUN_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/property_handoff/follower.h"

namespace regulars::property_handoff {

// A small one: every interleaving of it. `repeats`: pages and acknowledgements may come twice.
struct FollowerHistory {
  std::string name;
  Follower world;
  Ending ending;
  bool repeats = false;
};

struct Tally {
  double interleavings = 0;
  int64_t small = 0, states = 0, ends = 0, cut = 0, random = 0, violations = 0;
};

// Adds what the small histories show, and `histories` random ones from seed `first` on, which
// `run` plays ("" = nothing is wrong). Prints what is wrong to stderr under the name `service`.
void RunFollower(const std::string& service, const std::vector<FollowerHistory>& small,
                 const std::function<std::string(uint64_t)>& run, int64_t histories, uint64_t first,
                 Tally* tally);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_RUN_H_
