#include "services/identity/codec/query_codec.h"

#include <optional>
#include <string>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "regulars/identity/v1/identity_service.pb.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {
namespace {

shard::Reply NotFound(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kNotFound, std::string(reason), std::string(message), ""};
}

std::string MemberName(std::string_view pool, std::string_view member) {
  return Cat("pools/", pool, "/members/", member);
}

void SetTime(Micros time_us, google::protobuf::Timestamp* out) {
  out->set_seconds(time_us / kMicrosPerSecond);
  out->set_nanos(static_cast<int32_t>(time_us % kMicrosPerSecond * 1000));
}

}  // namespace

shard::Reply AnswerLookupMember(const shard::EntityState& state, std::string_view pool) {
  const std::optional<v1::IdentifierState> anchor = ReadAnchor(state);
  if (!anchor.has_value()) {
    return NotFound("IDENTIFIER_UNKNOWN", "no touch has named this identifier yet");
  }
  v1::LookupMemberResponse response;
  response.set_member(MemberName(pool, anchor->member()));
  response.set_fragment_id(anchor->fragment_id());
  return {absl::StatusCode::kOk, "", "", response.SerializeAsString()};
}

shard::Reply AnswerGetMember(const shard::EntityState& state, std::string_view pool,
                             std::string_view member) {
  const std::optional<v1::MemberState> found = ReadMember(state);
  // A member that messages wait for is not born yet.
  if (!found.has_value() || !found->has_birth()) {
    if (vault::ReadErasure(state).has_value()) return vault::MemberErasedReply();
    return NotFound("MEMBER_UNKNOWN", "no such member");
  }
  v1::Member answer;
  answer.set_name(MemberName(pool, found->parent().empty() ? member : found->parent()));
  SetTime(found->birth().birth_us(), answer.mutable_create_time());
  answer.set_identifier_count(found->identifier_count());
  answer.set_epoch(found->epoch());
  *answer.mutable_aliases() = found->aliases();
  for (const v1::MemberIdentifierState& known : found->identifiers()) {
    v1::MemberIdentifier* shown = answer.add_identifiers();
    shown->set_type(known.identifier().type());
    shown->set_scope(known.identifier().scope());
    shown->set_class_(known.identifier().class_());
    shown->set_verified(known.identifier().verified());
    shown->set_verified_by(known.identifier().verified_by());
    shown->set_fragment_id(known.fragment_id());
    SetTime(known.first_seen_us(), shown->mutable_first_seen_time());
  }
  return {absl::StatusCode::kOk, "", "", answer.SerializeAsString()};
}

}  // namespace regulars::identity
