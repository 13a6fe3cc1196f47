// What other rules would have made of the same evidence: merges that would have been, merges that
// would not, links that a rule stops now or would have stopped, with examples. Thread-safety: pure.
// Limits: examples_max per kind of example.
#ifndef REGULARS_SERVICES_IDENTITY_SIMULATE_DIFFERENCE_H_
#define REGULARS_SERVICES_IDENTITY_SIMULATE_DIFFERENCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "regulars/identity/v1/identity_events.pb.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/simulate/history.h"

namespace regulars::identity::simulate {

// A link that is decided otherwise under the other rules.
struct Example {
  bool would_join = false;  // stopped under the rules of now; false: the other way round
  std::string rule;         // the one that stops it: now, or under the other rules
  int64_t limit = 0;
  v1::Evidence evidence;
  Micros decided_us = 0;
  std::string first_member;  // that the two ends belong to now
  std::string second_member;
};

struct Difference {
  int64_t links = 0;  // that were decided again
  int64_t members_now = 0, members_then = 0;
  int64_t merges_now = 0, merges_then = 0;
  int64_t come_together = 0;                         // members of now that would be one with others
  int64_t fall_apart = 0;                            // members of now that would be several
  std::map<std::string, int64_t> newly_stopped;      // links, by the rule that would stop them
  std::map<std::string, int64_t> no_longer_stopped;  // links, by the rule that stops them now
  // Links whose decision the log does not tell: under way, or driven out.
  int64_t links_undecided = 0;
  // Members that the rules of now, taken again, would make otherwise than they are: how far the
  // history is from being whole. 0 in a history that is.
  int64_t members_not_reproduced = 0;
  std::vector<Example> examples;

  // No link would be decided otherwise, and nobody would be somebody else.
  [[nodiscard]] bool none() const {
    return come_together == 0 && fall_apart == 0 && newly_stopped.empty() &&
           no_longer_stopped.empty();
  }
};

[[nodiscard]] Difference Compare(const History& history, const LinkRules& now,
                                 const LinkRules& then, size_t examples_max,
                                 const StopAsked& stop = nullptr);

}  // namespace regulars::identity::simulate

#endif  // REGULARS_SERVICES_IDENTITY_SIMULATE_DIFFERENCE_H_
