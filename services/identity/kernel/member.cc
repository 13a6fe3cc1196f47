#include "services/identity/kernel/member.h"

#include <set>

#include "libs/base/assert.h"

namespace regulars::identity {

std::string_view OutcomeLabel(AnchorOutcome outcome) {
  switch (outcome) {
    case AnchorOutcome::kAlreadyKnown:
      return "already_known";
    case AnchorOutcome::kCountedOnly:
      return "counted_only";
    case AnchorOutcome::kListed:
      return "listed";
  }
  REGULARS_ASSERT(false, "unknown anchor outcome");
}

AnchorOutcome AddIdentifier(const shard::EntityState& state, const v1::IdentifierAnchored& anchored,
                            shard::Effects* effects) {
  v1::MemberState member = ReadMember(state).value_or(v1::MemberState());
  for (const v1::MemberIdentifierState& known : member.identifiers()) {
    if (known.identifier().hmac() == anchored.identifier().hmac()) {
      effects->outcome = OutcomeLabel(AnchorOutcome::kAlreadyKnown);
      return AnchorOutcome::kAlreadyKnown;
    }
  }
  if (!member.has_birth()) {
    *member.mutable_birth() = anchored.birth();
    member.set_fragment_id(anchored.fragment_id());
  }
  AnchorOutcome outcome = AnchorOutcome::kCountedOnly;
  member.set_identifier_count(member.identifier_count() + 1);
  if (static_cast<size_t>(member.identifiers_size()) < kIdentifiersListedMax) {
    outcome = AnchorOutcome::kListed;
    v1::MemberIdentifierState* listed = member.add_identifiers();
    *listed->mutable_identifier() = anchored.identifier();
    listed->set_fragment_id(anchored.fragment_id());
    listed->set_first_seen_us(anchored.first_seen_us());
  }
  effects->puts.push_back({std::string(kMemberSub), member.SerializeAsString(), 0});
  effects->outcome = OutcomeLabel(outcome);
  return outcome;
}

std::optional<v1::MemberState> ReadMember(const shard::EntityState& state) {
  const std::optional<std::string> bytes = state.Get(kMemberSub);
  if (!bytes.has_value()) return std::nullopt;
  v1::MemberState member;
  REGULARS_ASSERT(member.ParseFromString(*bytes), "member state does not parse");
  return member;
}

std::string CheckMember(const shard::EntityState& state) {
  const std::optional<v1::MemberState> member = ReadMember(state);
  if (!member.has_value()) return "";
  // Only messages that overtook its birth are there.
  if (!member->has_birth() && member->deferred_count() > 0) return "";
  if (!member->has_birth()) return "member without birth";
  if (!member->parent().empty()) return member->proposing_to().empty() ? "" : "an alias proposes";
  if (member->fragment_id().empty()) return "member without its first fragment";
  const auto listed = static_cast<size_t>(member->identifiers_size());
  if (listed > kIdentifiersListedMax) return "more identifiers listed than allowed";
  if (member->identifier_count() < static_cast<int64_t>(listed)) {
    return "fewer identifiers counted than listed";
  }
  // After a split fewer than could be are listed.
  if (listed < kIdentifiersListedMax && member->fragment_count() == 0 &&
      member->identifier_count() != member->identifiers_size()) {
    return "identifiers counted that are not listed";
  }
  std::set<std::string_view> seen;
  for (const v1::MemberIdentifierState& known : member->identifiers()) {
    // Where linking is on, a phone that went round is listed with both of its fragments.
    const std::string_view what =
        member->fragment_count() == 0 ? known.identifier().hmac() : known.fragment_id();
    if (!seen.insert(what).second) return "an identifier is listed twice";
  }
  return "";
}

}  // namespace regulars::identity
