// Telling contact data: who gets it, and the record that it was told. The entity is the member.
// Every answer leaves a ContactDisclosed in the events and in the member's own list (the newest
// kDisclosuresMax), in the transaction before which nobody is answered. Thread-safety: pure
// functions. Units: microseconds since the Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_DISCLOSURE_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_DISCLOSURE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_service.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kToldSub = "vault/told";
inline constexpr int kDisclosuresMax = 32;  // listed per member; the events have all of them
inline constexpr std::string_view kExportPurpose = "export";

struct DiscloseFacts {
  std::string pool;
  std::string member;
  std::string actor;
  std::string purpose;
  std::string channel;
  std::vector<v1::ContactKind> kinds;
  Micros now_us = 0;
};

// In order of precedence. That the member is known and was not erased is checked before.
enum class DiscloseOutcome : uint8_t {
  kVaultOff,           // the pool has no keys of a vault
  kConsentMissing,     // not granted for this purpose on this channel, now
  kContactUnknown,     // none of the fields is known
  kContactUnreadable,  // the KEK is not in the key file, or the state is damaged
  kDisclosed,
};
[[nodiscard]] std::string_view OutcomeLabel(DiscloseOutcome outcome);
// FAILED_PRECONDITION CONTACT_UNREADABLE.
[[nodiscard]] shard::Reply UnreadableReply();

struct Disclosure {
  DiscloseOutcome outcome = DiscloseOutcome::kVaultOff;
  std::vector<v1::ContactField> fields;  // of kDisclosed; in the order of `kinds`
};
Disclosure Disclose(const shard::EntityState& state, const DiscloseFacts& facts,
                    const PoolKeys& keys, shard::Effects* effects);
// As Disclose, for who knows that the person consented: never kConsentMissing.
Disclosure DiscloseGranted(const shard::EntityState& state, const DiscloseFacts& facts,
                           const PoolKeys& keys, shard::Effects* effects);

// Adds the record that somebody was told something.
void RecordDisclosure(const shard::EntityState& state, v1::ContactDisclosed disclosure,
                      shard::Effects* effects);
[[nodiscard]] v1::VaultDisclosures ReadDisclosures(const shard::EntityState& state);

// Who was given an export of which member, when.
struct ExportFacts {
  std::string member;
  std::string actor;
  Micros now_us = 0;
};
void RecordExport(const shard::EntityState& state, const v1::MemberExport& everything,
                  const ExportFacts& facts, shard::Effects* effects);

// `kind` with the value in the clear.
[[nodiscard]] v1::ContactField FieldOf(v1::ContactKind kind, const ClearValue& value);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_DISCLOSURE_H_
