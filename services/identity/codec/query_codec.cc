#include "services/identity/codec/query_codec.h"

#include <optional>
#include <string>
#include <utility>

#include "regulars/identity/v1/identity_service.pb.h"
#include "services/identity/codec/link_queries.h"
#include "services/identity/codec/shown.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {
namespace {

shard::Reply NotFound(std::string_view reason, std::string_view message) {
  return {absl::StatusCode::kNotFound, std::string(reason), std::string(message), ""};
}

constexpr int kKeptApartMax = 100;

void Show(const types::v1::Identifier& id, v1::MemberIdentifier* shown) {
  shown->set_type(id.type());
  shown->set_scope(id.scope());
  shown->set_class_(id.class_());
  shown->set_verified(id.verified());
  shown->set_verified_by(id.verified_by());
  if (id.verify_time_us() > 0) SetTime(id.verify_time_us(), shown->mutable_verify_time());
}

// All identifiers instead of the listed ones, and where everything came from.
void ShowHistory(const shard::EntityState& state, std::string_view pool, std::string_view member,
                 v1::Member* answer) {
  Draft draft(state);
  const MemberBook book(&draft, member);
  answer->clear_identifiers();
  for (const v1::MemberFragment& fragment : book.Fragments()) {
    v1::MemberIdentifier* shown = answer->add_identifiers();
    Show(fragment.identifier(), shown);
    shown->set_fragment_id(fragment.fragment_id());
    SetTime(fragment.first_seen_us(), shown->mutable_first_seen_time());
    shown->set_home(MemberName(pool, fragment.home()));
    shown->set_detached(fragment.detached());
  }
  for (v1::Merge& merge : MergesOf(book, pool)) *answer->add_merges() = std::move(merge);
  for (const v1::DoNotLink& pair : book.Pairs()) {
    if (answer->kept_apart_size() == kKeptApartMax) break;
    answer->add_kept_apart(MemberName(pool, pair.other()));
  }
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
                             std::string_view member, bool full) {
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
    Show(known.identifier(), shown);
    shown->set_fragment_id(known.fragment_id());
    SetTime(known.first_seen_us(), shown->mutable_first_seen_time());
  }
  if (full && found->parent().empty()) ShowHistory(state, pool, member, &answer);
  shard::Reply reply{absl::StatusCode::kOk, "", "", answer.SerializeAsString()};
  reply.survivor = found->parent();  // which knows more
  return reply;
}

}  // namespace regulars::identity
