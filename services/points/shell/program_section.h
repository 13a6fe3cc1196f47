// The points program of a pool as the shared configuration file writes it:
//
//   pools:
//     - name: cofco
//       points:
//         program: loyalty    # last segment of pools/*/members/*/balances/*
//         points: 1           # points ...
//         per_units: 1        # ... per so many whole currency units
//         rounding: floor     # the only one: a fraction of a point is dropped
//         expiry_days: 365    # days of 24 hours from the order to the lot's expiry
//
// Every field has the default shown; `points: {}` is a program, no `points` is none.
// Errors go to the section's list of problems; used while starting.
#ifndef REGULARS_SERVICES_POINTS_SHELL_PROGRAM_SECTION_H_
#define REGULARS_SERVICES_POINTS_SHELL_PROGRAM_SECTION_H_

#include <optional>

#include "libs/config/section.h"
#include "services/points/kernel/program_config.h"

namespace regulars::points {

// Reads the field `points` of a pool's map. nullopt when the pool has no program.
[[nodiscard]] std::optional<ProgramConfig> ReadProgram(config::Section* pool);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_SHELL_PROGRAM_SECTION_H_
