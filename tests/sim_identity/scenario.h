// One seed from beginning to end. Thread-safety: none.
#ifndef REGULARS_TESTS_SIM_IDENTITY_SCENARIO_H_
#define REGULARS_TESTS_SIM_IDENTITY_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim_identity/auditor.h"
#include "tests/sim_identity/ledger.h"
#include "tests/sim_identity/workload.h"
#include "tests/sim_identity/world.h"

namespace regulars::sim_identity {

struct Outcome {
  std::vector<std::string> violations;
  bool limits = false;
  int64_t touches = 0, merges = 0, splits = 0, suppressed = 0, expelled = 0, recycled = 0;
  int64_t cases = 0;          // merge, then split: the same state as before
  int64_t link_messages = 0;  // Link, Try, Propose, Accept, Reject
  int64_t reanchors = 0;
  int64_t warm_touches = 0, warm_records = 0;
  int64_t not_replayed = 0;  // members that the replay of the log makes otherwise
};

Outcome RunSeed(const Setup& setup, int64_t cases);

// Merges two roots and takes them apart again `count` times; the visible state must be as before.
// Returns how many were done; `splits` counts the splits.
int64_t MergeThenSplit(World* world, Ledger* ledger, uint64_t seed, int64_t count, int64_t* splits);

// Takes every decision again from what the states tell, under the same rules: nobody may be
// somebody else. Returns the members that are, where splits leave that open.
int64_t AuditReplay(World* world);

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_SCENARIO_H_
