// The rules themselves, run over the fold: every entity's invariants as its kernel states them, and
// the control sums of each shard against the states they summarise.
//
// Figures: entities_checked, invariant_violations; sums_checked, sum_mismatches;
// ledger_imbalance = points by which issued + moved_in differs from outstanding + redeemed +
// expired + reversed + moved_out, added up over shards, pools and programs.
// Not derivable from states, hence not compared: touches_new and the like, dead_letters.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_STATE_AUDIT_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_STATE_AUDIT_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "libs/shard/kernel.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

// The program of a stateful service, for InView and CheckInvariants, which no setting changes. Null
// for an unknown name.
[[nodiscard]] std::unique_ptr<shard::Program> ProgramOf(const std::string& service);

void CheckInvariants(const Fold& fold, const shard::Program& program, Findings* findings);

// (pool, name of the sum) -> value, from the states alone. Points: "*/issued" and so on, whatever
// the program is called.
using Sums = std::map<std::pair<std::string, std::string>, int64_t>;
[[nodiscard]] Sums SumsOfStates(const Fold& fold, Findings* findings);

void CheckSums(const Fold& fold, Findings* findings);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_STATE_AUDIT_H_
