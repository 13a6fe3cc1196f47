// What the callers of LinkService are told: outcome of a command -> code, reason, sentence, or the
// gRPC response. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_LINK_REPLIES_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_LINK_REPLIES_H_

#include <string_view>

#include "libs/shard/kernel.h"
#include "services/identity/kernel/link_commands.h"

namespace regulars::identity {

// FAILED_PRECONDITION LINKING_OFF.
[[nodiscard]] shard::Reply LinkingOffReply();
// MergeMembersResponse of a merge, MemberSplit of a split, or the refusal.
[[nodiscard]] shard::Reply ReplyOf(std::string_view pool, const CommandResult& result);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_LINK_REPLIES_H_
