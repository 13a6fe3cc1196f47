// Wire <-> vault: the records of identity's links that concern personal data, and the commands and
// queries of PrivacyService, as inputs of the shard program. A part of IdentityProgram, which asks
// Takes() first.
//   record   ContactReported (entity = member id), IdentifierErased (entity = identifier key, or id
//   of
//            a member that became part of the erased one)
//   timer    erase (entity = member id): tells those that lead to an erased member, some at a time
//   command  ResolveContact, RecordConsent, EraseMember, ExportMember   payload = PrivacyCommand
//   query    GetConsent, ListConsents                                   payload = the gRPC request
// What is personal in an answer travels in Reply::unlogged: it is in no log and in no replay.
// A call for a member that became part of another one is refused FAILED_PRECONDITION
// MEMBER_IS_ALIAS, with the other's id; contact data that reaches it is sent on. Errors of Decode:
// INVALID_ARGUMENT, the reasons of privacy_service.proto; REPORT_MALFORMED (dead letter).
// Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_CODEC_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "regulars/types/v1/identifier.pb.h"
#include "regulars/types/v1/sealed.pb.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kResolveContact = "ResolveContact";
inline constexpr std::string_view kRecordConsent = "RecordConsent";
inline constexpr std::string_view kEraseMember = "EraseMember";
inline constexpr std::string_view kExportMember = "ExportMember";
inline constexpr std::string_view kGetConsent = "GetConsent";
inline constexpr std::string_view kListConsents = "ListConsents";

[[nodiscard]] bool Takes(const shard::Input& input);
[[nodiscard]] absl::Status Decode(shard::Input* input);

// What the rest of identity knows of the entity.
struct Known {
  std::optional<v1::MemberState> member;  // of a member
  // Entities that lead to it: keys of its identifiers, ids of members that became part of it.
  std::vector<std::string> leads;
  std::string anchor_member;    // of an identifier: where it is anchored, "" = nowhere
  std::string_view anchor_sub;  // and the state key of that
};
// The leads of a member that lists them in its root.
[[nodiscard]] std::vector<std::string> LeadsOf(const v1::MemberState& member);
[[nodiscard]] shard::Effects Apply(const shard::EntityState& state, const shard::Input& input,
                                   const PoolKeys& keys, const Known& known);
[[nodiscard]] shard::Reply Query(const shard::EntityState& state, const shard::Input& input);

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

// NOT_FOUND MEMBER_ERASED.
[[nodiscard]] shard::Reply MemberErasedReply();

// Empty when what the vault keeps of the entity is sound, else what is wrong.
[[nodiscard]] std::string CheckInvariants(const shard::EntityState& state);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_CODEC_H_
