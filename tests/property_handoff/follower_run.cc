#include "tests/property_handoff/follower_run.h"

#include <cstdio>

namespace regulars::property_handoff {
namespace {

constexpr int64_t kShownMax = 5;

}  // namespace

void RunFollower(const std::string& service, const std::vector<FollowerHistory>& small,
                 const std::function<std::string(uint64_t)>& run, int64_t histories, uint64_t first,
                 Tally* tally) {
  for (const FollowerHistory& history : small) {
    const FollowerFound found = EveryWay(history.world, history.ending, history.repeats);
    ++tally->small;
    tally->interleavings += found.interleavings;
    tally->states += found.states;
    tally->ends += found.ends;
    tally->cut += found.cut ? 1 : 0;
    tally->violations += static_cast<int64_t>(found.violations.size());
    if (!found.violations.empty()) {
      std::fprintf(stderr, "%s %s: %s\n", service.c_str(), history.name.c_str(),
                   found.violations.front().c_str());
    }
  }
  int64_t wrong = 0;
  for (int64_t i = 0; i < histories; ++i) {
    const uint64_t seed = first + static_cast<uint64_t>(i);
    const std::string text = run(seed);
    ++tally->random;
    if (text.empty()) continue;
    if (++wrong <= kShownMax) {
      std::fprintf(stderr, "%s seed %llu: %s\n", service.c_str(),
                   static_cast<unsigned long long>(seed), text.c_str());
    }
  }
  tally->violations += wrong;
}

}  // namespace regulars::property_handoff
