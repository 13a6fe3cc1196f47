// The link protocol as records and commands: wire <-> kernel. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_LINK_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_LINK_CODEC_H_

#include <string_view>

#include "absl/status/status.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "services/identity/codec/touch_codec.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {

// INVALID_ARGUMENT LINK_MALFORMED: not a LinkMessage.
absl::Status DecodeLink(shard::Input* input);
// What a decoded link says about candidates; nullptr if it is about something else.
const v1::CandidateMessage* CandidateOf(const shard::Input& input);
// The same of what parted members tell each other.
const v1::PrivacyMessage* PrivacyOf(const shard::Input& input);
// INVALID_ARGUMENT COMMAND_MALFORMED.
absl::Status DecodeLinkCommand(shard::Input* input);
bool IsLinkCommand(std::string_view type);

// Rule of a LinkSuppressed: the other one was erased before it could take the member in.
inline constexpr std::string_view kMemberErasedRule = "member_erased";

// What the program does with a decoded input of a pool whose linking is on.
shard::Effects ApplyLinkRecord(const shard::EntityState& state, const shard::Input& input,
                               const LinkRules& links, const TouchRules& rules);
shard::Effects ApplyBirth(const shard::EntityState& state, const shard::Input& input,
                          const LinkRules& links, const v1::IdentifierAnchored& anchored);
shard::Effects ApplyObserved(const shard::EntityState& state, const shard::Input& input,
                             const LinkRules& links, const TouchRules& rules,
                             const TouchBodyOfInput& body);
// Refusals: LINKING_OFF, MEMBER_ERASED, and those of link_commands.h.
shard::Effects ApplyLinkCommand(const shard::EntityState& state, const shard::Input& input,
                                const LinkRules& links);

// The events of a touch that its pivot decided.
void PublishDecision(const TouchBodyOfInput& body, const TouchDecision& decision,
                     shard::Effects* effects);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_LINK_CODEC_H_
