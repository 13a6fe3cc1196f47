// Wire <-> candidates: the messages about candidates in identity's links, and the commands and the
// query of CandidateService, as inputs of the shard program. A part of IdentityProgram.
//   record   LinkMessage with `candidate` (entity = block or member id)
//   command  ConfirmCandidate, RejectCandidate   payload = CandidateCommand
//   query    ListCandidates                      payload = the gRPC request
// Errors of Decode: INVALID_ARGUMENT NAME_MALFORMED, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID,
// PAYLOAD_MALFORMED. Refusals: candidate_service.proto. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_CANDIDATE_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_CANDIDATE_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/candidate_links.pb.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/match/matcher.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::candidates {

inline constexpr std::string_view kListCandidates = "ListCandidates";
inline constexpr std::string_view kConfirmCandidate = "ConfirmCandidate";
inline constexpr std::string_view kRejectCandidate = "RejectCandidate";

inline constexpr std::string_view kCandidatePattern =
    "pools/{pool}/members/{member}/candidates/{member}";

// What a pool gives.
struct Rules {
  const LinkRules* links = nullptr;
  vault::PoolKeys keys;
  const match::Matcher* matcher = nullptr;  // nullptr: matching is off

  // Candidates are for merges, and made of what the vault keeps.
  [[nodiscard]] bool on() const { return matcher != nullptr && links->enabled && keys.on(); }
};

// Commands and queries of CandidateService.
[[nodiscard]] bool Takes(const shard::Input& input);
[[nodiscard]] absl::Status Decode(shard::Input* input);
[[nodiscard]] shard::Effects Apply(const shard::EntityState& state, const shard::Input& input,
                                   const Rules& rules);
[[nodiscard]] shard::Reply Query(const shard::EntityState& state, const shard::Input& input,
                                 const Rules& rules);

// Whether a message is for such an entity and has what its handler needs.
[[nodiscard]] bool IsSound(const v1::CandidateMessage& message, std::string_view entity);
[[nodiscard]] shard::Effects ApplyMessage(const shard::EntityState& state,
                                          const shard::Input& input,
                                          const v1::CandidateMessage& message, const Rules& rules);

// After a record or command of the vault: contact data may have changed, a member may be erased.
void AfterVault(const shard::EntityState& state, const shard::Input& input, const Rules& rules,
                shard::Effects* effects);
// After a link message: the member may have become part of another one.
void AfterLink(const shard::EntityState& state, const shard::Input& input, const Rules& rules,
               shard::Effects* effects);

// Empty when what the entity keeps is sound, else what is wrong.
[[nodiscard]] std::string CheckInvariants(const shard::EntityState& state);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_CANDIDATE_CODEC_H_
