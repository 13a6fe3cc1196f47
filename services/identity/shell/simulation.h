// What other linking rules would make of a pool, over the log: the part with I/O of
// services/identity/simulate, used by RuleService and by `regularsctl identity simulate-rules`.
// Reads identity's changelog read_committed with a reader of its own, without a group, and writes
// nowhere.
//
// Thread-safety: pure but for the log; Simulate blocks, and belongs on a thread of its own. Cost:
// one pass over the changelog, then two replays. Memory: what is read of the pool is bounded, see
// Simulation::memory_bytes_max.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/options.h"
#include "libs/config/section.h"
#include "libs/kafka/port.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/simulate/difference.h"

namespace regulars::identity {

inline constexpr size_t kRulesBytesMax = 64 * 1024;

// The linking rules in a pool's `identity` section, of a file that others read, too.
[[nodiscard]] LinkRules ReadRules(config::Section* identity);
// The same as a text of its own, YAML or JSON, whole. INVALID_ARGUMENT RULES_INVALID with what is
// wrong, naming fields, never their values.
[[nodiscard]] absl::StatusOr<LinkRules> ParseRules(std::string_view text);
// Whether `then` can be held against `now`. FAILED_PRECONDITION LINKING_OFF: nothing was decided;
// INVALID_ARGUMENT RULES_NOT_SIMULATED: a key that the log cannot tell about.
[[nodiscard]] absl::Status CheckSimulated(const LinkRules& now, const LinkRules& then);

// The bounds of a simulation in a service: `simulate_memory_mb`, `simulate_s_max`.
void AddSimulationOptions(config::Options* options, int64_t* memory_mb, int64_t* s_max);

struct Simulation {
  std::string pool;
  LinkRules now, then;
  std::string changelog;  // topic
  int32_t shards = 0;     // its partitions
  size_t examples_max = 0;
  // What all of it together may take, estimated from the bytes of what is kept.
  size_t memory_bytes_max = 0;
};

struct SimulationPorts {
  kafka::Log* log = nullptr;
  // How many of the changelog's offsets are read: at once, then at most once a second.
  std::function<void(int64_t read, int64_t total)> progress;
  // Asked at least every second. Not OK: Simulate ends with it. Once not OK it stays so.
  std::function<absl::Status()> go_on;
};

// Beside go_on's: as CheckSimulated; FAILED_PRECONDITION HISTORY_TOO_LARGE; UNAVAILABLE LOG_AWAY,
// with RetryInfo: the log cannot be read now; DATA_LOSS: a state does not parse.
[[nodiscard]] absl::StatusOr<simulate::Difference> Simulate(const Simulation& what,
                                                            const SimulationPorts& ports);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_H_
