// The auditor of a simulated run: looks at the log, the view and the disks after the heal and says
// the first things that are wrong. It folds on its own from what was acknowledged and from what is
// in the log; of the product it uses only the protobuf messages, the layout of keys and topic
// names. Call it once; it stops every process.
#ifndef REGULARS_TESTS_SIM_AUDITOR_H_
#define REGULARS_TESTS_SIM_AUDITOR_H_

#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace regulars::sim {

// Chains of `@shard`, positions, open transactions, view, local stores. Stops the processes.
void AuditRuntime(World* world);
// Touches, members, ledgers, segments, sends against what was acknowledged.
void AuditBusiness(World* world, const Workload& workload);

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_AUDITOR_H_
