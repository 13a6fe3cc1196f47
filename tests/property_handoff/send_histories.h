// What happens to a few members of messaging: small histories for the search, large random ones.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_SEND_HISTORIES_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_SEND_HISTORIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/property_handoff/follower_run.h"

namespace regulars::property_handoff {

// Two members that lapsed (l: 10, 20; s: 10, the same instant), jobs of theirs in the air, a way in
// which they are joined and parted, and up to `most` more things that reach them.
[[nodiscard]] std::vector<FollowerHistory> SendHistories(int most);

// One large history on two random schedules; the first thing that is wrong, "" when nothing is. As
// RunSegmentHistory; with every fourth seed entries are told twice.
[[nodiscard]] std::string RunSendHistory(uint64_t seed);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_SEND_HISTORIES_H_
