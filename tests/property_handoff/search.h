// Every interleaving of a small history: a search over the graph of states, in which each state is
// visited once (by a 128-bit fingerprint) and the number of paths to rest is counted exactly.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_SEARCH_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_SEARCH_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/property_handoff/world.h"

namespace regulars::property_handoff {

struct Found {
  double interleavings = 0;  // more than an integer holds
  int64_t states = 0;
  int64_t ends = 0;
  std::vector<std::string> violations;
  bool cut = false;  // more states than allowed: not every interleaving was seen
};

struct SearchOptions {
  bool lots = true;      // lots and debt must be the same, too
  bool repeats = false;  // pages and acknowledgements may come twice
  int64_t states_max = 400'000;
};

[[nodiscard]] Found EveryInterleaving(const World& start, const SearchOptions& options);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_SEARCH_H_
