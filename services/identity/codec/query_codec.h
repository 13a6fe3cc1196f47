// Answers of the two reads. Thread-safety: pure functions. Refusals are NOT_FOUND with the reasons
// of identity_service.proto.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_QUERY_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_QUERY_CODEC_H_

#include <string_view>

#include "libs/shard/kernel.h"

namespace regulars::identity {

// LookupMemberResponse, or IDENTIFIER_UNKNOWN.
shard::Reply AnswerLookupMember(const shard::EntityState& state, std::string_view pool);

// Member, or MEMBER_UNKNOWN, MEMBER_ERASED. `full` reads more than is in the view.
shard::Reply AnswerGetMember(const shard::EntityState& state, std::string_view pool,
                             std::string_view member, bool full);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_QUERY_CODEC_H_
