// Who is older. The older member survives a merge; age is the order of birth and nothing else: ids
// are hashes and their order says nothing (it is never asked). Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_BIRTHS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_BIRTHS_H_

#include <tuple>

#include "regulars/identity/v1/identity_events.pb.h"

namespace regulars::identity {

// Total over all members of a pool: no two have the same birth.
[[nodiscard]] inline bool IsOlder(const v1::BirthOrder& a, const v1::BirthOrder& b) {
  return std::make_tuple(a.birth_us(), a.shard(), a.sequence(), a.part()) <
         std::make_tuple(b.birth_us(), b.shard(), b.sequence(), b.part());
}

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_BIRTHS_H_
