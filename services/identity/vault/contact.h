// Contact data of a member: phone, e-mail, name, address, each with its source, time, whether it is
// verified, and a bounded history. The entity is the member.
//
// A touch brings it sealed under the transport key of its day; here it is opened and sealed again
// under the member's own key. The newest report of a field wins, whatever the order of arrival: a
// field is the set of its values, each with its newest report, the newest kValuesMax of them, so
// reports commute. Thread-safety: pure functions and plain values. Units: microseconds since the
// Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kContactPrefix = "vault/contact/";
inline constexpr int kValuesMax = 5;  // of a field: the current one and what was before
inline constexpr v1::ContactKind kKinds[] = {v1::CONTACT_KIND_PHONE, v1::CONTACT_KIND_EMAIL,
                                             v1::CONTACT_KIND_NAME, v1::CONTACT_KIND_ADDRESS};

// "phone", "email", "name", "address".
[[nodiscard]] std::string_view KindName(v1::ContactKind kind);
[[nodiscard]] std::string ContactSub(v1::ContactKind kind);

// In order of precedence: the first that holds is the outcome.
enum class ContactOutcome : uint8_t {
  kMemberErased,      // a late touch of an erased member: nothing is kept
  kVaultOff,          // the pool has no keys of a vault
  kTransportKeyGone,  // the key of its day was destroyed: it was too late
  kUnreadable,        // it does not open or does not parse
  kMemberKeyGone,     // the KEK of what is there is not in the key file: nothing is overwritten
  kNothingNew,        // no field, or nothing that is newer
  kOlder,             // kept as history, or as a newer report of the same value
  kChanged,           // a field has another value now: ContactChanged
};
[[nodiscard]] std::string_view OutcomeLabel(ContactOutcome outcome);

// Every outcome but the last three is counted in the sum contact_lost.
ContactOutcome AddContact(const shard::EntityState& state, std::string_view pool,
                          const v1::ContactReported& report, const PoolKeys& keys, Micros now_us,
                          shard::Effects* effects);

// A value in the clear.
struct ClearValue {
  std::string text;
  std::string source;
  Micros occurred_us = 0;
  bool verified = false;
};
// The values of a field, newest first; empty if there is none. Errors as OpenDataKey.
[[nodiscard]] absl::StatusOr<std::vector<ClearValue>> ReadField(const shard::EntityState& state,
                                                                std::string_view pool,
                                                                std::string_view member,
                                                                v1::ContactKind kind,
                                                                const PoolKeys& keys);

// The newest report of a field, still sealed; nullopt if there is none.
[[nodiscard]] std::optional<v1::VaultValue> NewestOf(const shard::EntityState& state,
                                                     v1::ContactKind kind);

// Empty when what the vault keeps of a member is sound, else what is wrong.
[[nodiscard]] std::string CheckContact(const shard::EntityState& state);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_CONTACT_H_
