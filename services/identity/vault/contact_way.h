// The way of contact data from a touch to the member that keeps it: from the pivot to the member
// that it names, from there to the root of the person, and from the root to the member that the
// fragment came with. That one keeps it, whatever it is part of by then: so a merge moves nothing
// and a split has nothing to give back. Thread-safety: pure functions and plain values.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_WAY_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_WAY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/types/v1/identifier.pb.h"
#include "regulars/types/v1/sealed.pb.h"

namespace regulars::identity::vault {

// What a touch says about contact data, as it travels from its pivot to its member.
struct SealedContact {
  std::optional<types::v1::Sealed> contact;
  std::vector<std::string> verified_hmacs;
};
// Takes contact and identifiers out of a touch's fields.
[[nodiscard]] SealedContact ContactOf(
    const types::v1::Sealed* contact,
    const google::protobuf::RepeatedPtrField<types::v1::Identifier>& identifiers);

// ContactReported in the links, if there is contact data.
struct TouchOrigin {
  std::string_view member;
  std::string_view fragment_id;
  std::string_view touch_id;
  std::string_view source;
  Micros occurred_us = 0;
};
void PublishContact(const SealedContact& contact, const TouchOrigin& origin,
                    shard::Effects* effects);

// Where a report goes from here.
struct ContactWay {
  std::string to;        // "" = it stays here
  bool is_home = false;  // it stays there, whatever that member is part of
};
// The seal is bound to no member.
void SendOn(v1::ContactReported report, const ContactWay& way, shard::Effects* effects);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_WAY_H_
