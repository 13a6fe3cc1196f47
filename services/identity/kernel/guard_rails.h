// The guard rails: what a member may consist of. They are checked before two become one, never
// cleaned up after. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_GUARD_RAILS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_GUARD_RAILS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/time.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/link_rules.h"

namespace regulars::identity {

// What a rule says of two sides that want to be one.
struct Broken {
  std::string rule;  // "do_not_link", "unique:card", "max_per_type:phone", ...
  int64_t limit = 0;
};

// What the rules look at of a member.
struct Summary {
  std::string member;
  std::vector<v1::MemberFragment> fragments;
  std::vector<v1::DoNotLink> do_not_link;
  std::vector<std::string> names;  // members that are part of it
  std::vector<Micros> merges_us;   // when each of them became part of it
  int64_t edges = 0;
};

// How much a member is, without what.
struct Sizes {
  int64_t fragments = 0;
  int64_t names = 0;  // members that are part of it
};

// The first of max_identifiers, max_merges that is broken. Costs nothing, so it comes
// before anything of a large member is read.
std::optional<Broken> CheckSizes(const LinkRules& rules, const Sizes& old, const Sizes& young);

// The first rule that is broken, in this order: do_not_link, max_identifiers, max_merges,
// merges_per_window, max_edges, unique:<type>, max_per_type:<type>; nullopt if the two may be one.
std::optional<Broken> CheckUnion(const LinkRules& rules, const Summary& old, const Summary& young,
                                 Micros now_us, bool override_do_not_link);

// As above for one more identifier that comes to a member at `now_us`, whatever its `added_us`. Of
// the limits only those of its type are asked: a member that has too many of another one, since
// rules that are stricter than they were, may get this one.
std::optional<Broken> CheckIdentifierFits(const LinkRules& rules,
                                          const std::vector<v1::MemberFragment>& fragments,
                                          const v1::MemberFragment& added, Micros now_us);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_GUARD_RAILS_H_
