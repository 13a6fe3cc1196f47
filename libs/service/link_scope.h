// Where identity keeps the identifiers and members of a pool: all of them in one shard, so that
// every decision about who is who is in one order and can be played back in it (`link_scope:
// pool`), or each by its own key (`link_scope: member`). Identity, its gateways, and ingest, which
// writes to identity's shards, read it from the same map of the pool:
//   identity:
//     linking: true
//     link_scope: pool            # or member; pool where linking is on, member where it is off
//     expected_members: 1000000   # what the pool is made for
// It is chosen with the pool and never changed: identity refuses to start on entities that are not
// where they belong (WRONG_SHARD). Thread-safety: pure; used while starting.
#ifndef REGULARS_LIBS_SERVICE_LINK_SCOPE_H_
#define REGULARS_LIBS_SERVICE_LINK_SCOPE_H_

#include <cstdint>

#include "libs/config/section.h"

namespace regulars::service {

inline constexpr int64_t kPoolScopeMembersMax = 5'000'000;
inline constexpr int64_t kExpectedMembersMax = 10'000'000'000;
inline constexpr int64_t kExpectedMembersDefault = 1'000'000;
// What the problem of a larger pool begins with.
inline constexpr char kLinkScopeTooSmall[] = "LINK_SCOPE_TOO_SMALL";

// Whether the pool is kept in one shard. Problems: an unknown scope, a number out of bounds, and
// LINK_SCOPE_TOO_SMALL for more than kPoolScopeMembersMax members in one shard.
[[nodiscard]] bool IsLinkScopePool(config::Section* identity);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_LINK_SCOPE_H_
