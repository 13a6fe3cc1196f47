// One member of a person who is several: what it keeps, for who puts the person together
// (person.h). The entity is the member, a root or part of another one. Thread-safety: pure
// functions. Units: microseconds since the Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_PART_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_PART_H_

#include <string>
#include <string_view>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

// Without any contact data: of its fields only when they were reported last. Of each pair of
// purpose and channel the fact in force at the instant, or all until then.
[[nodiscard]] v1::PartDescription DescribePart(const shard::EntityState& state,
                                               std::string_view member,
                                               const v1::MemberState& known, Micros at_us,
                                               bool history);

struct TellFacts {
  std::string pool;
  std::string member;
  std::string actor;
  Micros now_us = 0;
};
// A PartTold, of which the log gets nothing, after the record that it was told. Whether the person
// consented was found before, by who made the ticket. FAILED_PRECONDITION VAULT_OFF,
// CONTACT_UNREADABLE; fields that it does not have are left out.
shard::Reply TellPart(const shard::EntityState& state, const TellFacts& facts,
                      const v1::TellPartRequest& request, const v1::MemberState& known,
                      const PoolKeys& keys, shard::Effects* effects);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_PART_H_
