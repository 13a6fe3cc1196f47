// The only place that reads the clocks of the machine. Shells, loops and tools include this header;
// kernels never do (the time of an input comes with it).
// Thread-safety: every function may be called from any thread.
#ifndef REGULARS_LIBS_BASE_WALL_CLOCK_H_
#define REGULARS_LIBS_BASE_WALL_CLOCK_H_

#include <cstdint>

#include "libs/base/time.h"

namespace regulars {

// Time of day, may jump when the machine's clock is set.
[[nodiscard]] Micros WallMicros();

// Counts up steadily from an arbitrary start: for durations and deadlines.
[[nodiscard]] Micros MonotonicMicros();

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_WALL_CLOCK_H_
