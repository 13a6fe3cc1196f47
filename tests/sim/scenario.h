// One seed: a world, a workload, a storm of faults, the heal, the audit.
#ifndef REGULARS_TESTS_SIM_SCENARIO_H_
#define REGULARS_TESTS_SIM_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace regulars::sim {

struct Outcome {
  std::vector<std::string> violations;
  int64_t faults_injected = 0;
  int64_t touches = 0;
  int64_t commands = 0;
  int64_t view_reads = 0;       // whole views compared with the fold while the run went on
  int64_t fenced_writes = 0;    // of former owners, refused by the view
  int64_t poisoned_inputs = 0;  // that crashed a process
  int64_t keys_parked = 0;
  uint64_t trace_hash = 0;
};

Outcome RunSeed(const Setup& setup);

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_SCENARIO_H_
