// What happens to a few members: small histories for the search, large random ones.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_HISTORIES_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_HISTORIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/property_handoff/search.h"
#include "tests/property_handoff/world.h"

namespace regulars::property_handoff {

struct SmallHistory {
  std::string name;
  World world;
  SearchOptions options;
};

// Two members that earned (l: A1, A2; s: B1), a way in which they are joined and parted, and up to
// `most` more things that reach them: another order, a second report of one, a refund, a redemption
// under either name, its reversal. Each combination is a history.
[[nodiscard]] std::vector<SmallHistory> SmallHistories(int most);

// One large history on one random schedule, and on a second one: both must come to rest, keep every
// order and redemption exactly where its fragment and name are, and end the same. Identity decides
// the next merge or split while pages of the last ones are still on their way, and touches come
// under fragments that it has not listed yet. In a third of the histories nothing is split, but
// more members become one. The first thing that is wrong; empty when nothing is.
[[nodiscard]] std::string RunRandomHistory(uint64_t seed);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_HISTORIES_H_
