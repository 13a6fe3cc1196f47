// Wire <-> vault: the records of identity's links that concern personal data, and the commands and
// queries of PrivacyService, as inputs of the shard program. A part of IdentityProgram, which asks
// Takes() first.
//   record   ContactReported (entity = member id), IdentifierErased (entity = identifier key, or id
//   of
//            a member that became part of the erased one)
//   timer    erase (entity = member id): tells those that lead to an erased member, some at a time
//   command  ResolveContact, RecordConsent, EraseMember, ExportMember, TellPart
//            payload = PrivacyCommand
//   query    GetConsent, ListConsents, DescribePart                     payload = the gRPC request
// What is personal in an answer travels in Reply::unlogged: it is in no log and in no replay.
// A read of a member that is not a person of its own is refused FAILED_PRECONDITION:
// MEMBER_IS_ALIAS (it became part of another one), MEMBER_HAS_PARTS (others became part of it); who
// asked asks all of them (person.h). RecordConsent by the name of an alias goes on to the survivor.
// Errors of Decode: INVALID_ARGUMENT, the reasons of privacy_service.proto; REPORT_MALFORMED (dead
// letter). Thread-safety: pure functions.
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
#include "services/identity/vault/contact_way.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kResolveContact = "ResolveContact";
inline constexpr std::string_view kRecordConsent = "RecordConsent";
inline constexpr std::string_view kEraseMember = "EraseMember";
inline constexpr std::string_view kExportMember = "ExportMember";
inline constexpr std::string_view kGetConsent = "GetConsent";
inline constexpr std::string_view kListConsents = "ListConsents";
inline constexpr std::string_view kDescribePart = "DescribePart";
inline constexpr std::string_view kTellPart = "TellPart";
// The reason by which a member that others became part of says that they have to be asked, too.
// Between the shard and its own instance: no caller gets it.
inline constexpr std::string_view kMemberHasParts = "MEMBER_HAS_PARTS";

[[nodiscard]] bool Takes(const shard::Input& input);
[[nodiscard]] absl::Status Decode(shard::Input* input);

// What the rest of identity knows of the entity.
struct Known {
  std::optional<v1::MemberState> member;  // of a member
  // Entities that lead to it: keys of its identifiers, ids of members that became part of it.
  std::vector<std::string> leads;
  std::string anchor_member;    // of an identifier: where it is anchored, "" = nowhere
  std::string_view anchor_sub;  // and the state key of that
  ContactWay contact{};         // of contact data that was reported: whether it stays here
};
// The leads of a member that lists them in its root.
[[nodiscard]] std::vector<std::string> LeadsOf(const v1::MemberState& member);
[[nodiscard]] shard::Effects Apply(const shard::EntityState& state, const shard::Input& input,
                                   const PoolKeys& keys, const Known& known);
[[nodiscard]] shard::Reply Query(const shard::EntityState& state, const shard::Input& input,
                                 const Known& known);

// NOT_FOUND MEMBER_ERASED.
[[nodiscard]] shard::Reply MemberErasedReply();

// Empty when what the vault keeps of the entity is sound, else what is wrong.
[[nodiscard]] std::string CheckInvariants(const shard::EntityState& state);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_PRIVACY_CODEC_H_
