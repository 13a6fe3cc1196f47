// Who was one person with whom, and since when: what a split has to know of the tree of merges that
// it takes apart. Thread-safety: pure functions. Units: microseconds since the Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_PARTED_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_PARTED_H_

#include <string>
#include <vector>

#include "libs/base/time.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "services/identity/kernel/member_book.h"

namespace regulars::identity {

// What was said to `holder` while it was a root with somebody who is in the part of `part` now.
struct Parted {
  std::string holder;
  std::string part;  // member of the part
  Micros since_us =
      0;  // since when; 0 = the part has something that `holder` had from the beginning
};

// Every two of them that `split` parts, in the order of its parts, where it can matter: a holder
// that became part of another one before it had anybody of that part was never asked for them.
[[nodiscard]] std::vector<Parted> PartedBy(const MemberBook& before,
                                           const v1::SplitCommitted& split);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_PARTED_H_
