// What happens to a few members of segmentation: small histories for the search, large random ones.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_HISTORIES_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_HISTORIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/property_handoff/follower_run.h"

namespace regulars::property_handoff {

// Two members that bought (l: A1, A2; s: B1), l of late or long ago, a way in which they are joined
// and parted, and up to `most` more things that reach them. Where nothing else happens, nobody may
// be greeted again: no entry may be a new occasion of `lapsed`.
[[nodiscard]] std::vector<FollowerHistory> SegmentHistories(int most);

// One large history on two random schedules; the first thing that is wrong, "" when nothing is.
// Members are joined, merges undone and fragments cut off while other moves are under way; with
// every third seed there are only merges, of more members.
[[nodiscard]] std::string RunSegmentHistory(uint64_t seed);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_HISTORIES_H_
