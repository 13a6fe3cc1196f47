// The decisions of a history taken again, in their order, under other rules, by the guard rails
// that decide live (kernel/guard_rails.h). What was together stays a fact only where the rules say
// so again; what people decided (merges, splits) and which identifiers left their member are facts.
//
// An identifier that names nobody any more (`contested_max`) is the one thing that is not only
// counted again: when it lost its trust depends on messages that were on their way. So a link that
// was tried then is contested now only if the number is smaller now, or more was stopped at this
// end than then; one that was contested then stays so unless less was stopped, or the number is
// greater now. Under the rules of then this gives what happened; replay_test.cc and the simulation
// of identity hold it against that. Thread-safety: pure. Cost: a decision that may join two costs
// the fragments of both.
#ifndef REGULARS_SERVICES_IDENTITY_SIMULATE_REPLAY_H_
#define REGULARS_SERVICES_IDENTITY_SIMULATE_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/identity/kernel/link_rules.h"
#include "services/identity/simulate/history.h"

namespace regulars::identity::simulate {

struct Verdict {
  bool stopped = false;
  std::string rule;  // of a stopped one, as in LinkSuppressed
  int64_t limit = 0;
};

struct Replayed {
  std::vector<size_t> group;      // per fragment: the smallest index of those it is together with
  std::vector<Verdict> verdicts;  // per decision of the history
  int64_t merges = 0;             // two members became one
};

// `then`: the rules under which the history was decided.
[[nodiscard]] Replayed Replay(const History& history, const LinkRules& then, const LinkRules& rules,
                              const StopAsked& stop = nullptr);

}  // namespace regulars::identity::simulate

#endif  // REGULARS_SERVICES_IDENTITY_SIMULATE_REPLAY_H_
