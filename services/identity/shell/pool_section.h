// The keys of a pool that identity reads: `pools[].identity`. Thread-safety: pure; used while
// starting.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_

#include <cstdint>

#include "libs/config/section.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {

inline constexpr int64_t kTouchWindowDaysMax = 3650;

// identity:
//   touch_window_days: 400   # how long a repeat of an ordinary touch is recognised, 1..3650
TouchRules ReadTouchRules(config::Section* identity);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_
