// For the self-test of this simulation: the real program with one of its guards taken out, so that
// the auditor must notice. Thread-safety: as shard::Program.
//   park              what overtakes a member's birth is lost instead of waiting
//   monotone          an identifier follows whatever re-anchoring came last
//   own_defer         a root that proposes takes identifiers in
//   ids_in_propose    identifiers do not travel with the proposal
//   propose_defer     a root that proposes takes members in
//   do_not_link       nobody remembers what a split decided
//   split_epoch       a re-anchoring of a split counts like any other
//   object_dedupe     an object does not know what was reported of it
#ifndef REGULARS_TESTS_SIM_IDENTITY_BROKEN_PROGRAM_H_
#define REGULARS_TESTS_SIM_IDENTITY_BROKEN_PROGRAM_H_

#include <memory>
#include <string>
#include <string_view>

#include "libs/shard/kernel.h"

namespace regulars::sim_identity {

// The program itself for an empty guard; nullptr if there is no such guard.
std::unique_ptr<shard::Program> TakeOut(std::string_view guard,
                                        std::unique_ptr<shard::Program> program);

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_BROKEN_PROGRAM_H_
