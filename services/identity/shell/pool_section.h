// The keys of a pool that identity reads: `pools[].identity`. Thread-safety: pure; used while
// starting.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libs/config/section.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {

inline constexpr int64_t kTouchWindowDaysMax = 3650;

// identity:
//   touch_window_days: 400   # how long a repeat of an ordinary touch is recognised, 1..3650
TouchRules ReadTouchRules(config::Section* identity);

inline constexpr int64_t kTypeLimitMax = 1'000'000;
inline constexpr int64_t kLimitDaysMax = 3650;
inline constexpr int64_t kContestedMax = 1'000'000;
inline constexpr size_t kTypeLimitsMax = 100;

//   linking: false                  # whether touches that name several identifiers join members
//   link_scope, expected_members    # libs/service/link_scope.h
//   link_rules_version: "1"         # written with every edge and a hash of the rules, 1..32 bytes
//   link_limits: ["phone=5/365d", "card=1"]   # of a type: at most so many, or so many within days
//   identifiers_max: 1000           # per member, 1..1000
//   merges_max: 100                 # per member, 1..100
//   merges_per_window: "20/1d"      # per member: at most so many within days, or off
//   contested_max: 4                # stopped links until an identifier names nobody
//   recycle_after_days: 90          # silence after which a phone may be somebody else's
LinkRules ReadLinkRules(config::Section* identity);

// "phone=5/365d", "card=1"; "20/1d", "off". nullopt: malformed or out of bounds.
std::optional<TypeLimit> ParseTypeLimit(std::string_view entry);
std::optional<MergeRate> ParseMergeRate(std::string_view text);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_POOL_SECTION_H_
