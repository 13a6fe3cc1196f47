#include "services/identity/kernel/resolve.h"

#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/checked.h"
#include "services/identity/kernel/ids.h"

namespace regulars::identity {
namespace {

template <typename Message>
std::optional<Message> Read(const shard::EntityState& state, std::string_view sub) {
  const std::optional<std::string> bytes = state.Get(sub);
  if (!bytes.has_value()) return std::nullopt;
  Message message;
  REGULARS_ASSERT(message.ParseFromString(*bytes), "identity state does not parse");
  return message;
}

bool SameContent(const v1::FactSeen& seen, const Fact& fact) {
  return seen.amount_minor() == fact.amount_minor && seen.currency_code() == fact.currency_code &&
         seen.whole_order() == fact.whole_order;
}

// kDuplicate, kDuplicateWithOtherContent, or nullopt for a touch that was not seen.
std::optional<TouchOutcome> Repeated(const shard::EntityState& state, const TouchFacts& touch) {
  bool same = true;
  if (!touch.fact.key.empty()) {
    const auto seen = Read<v1::FactSeen>(state, touch.fact.key);
    if (!seen.has_value()) return std::nullopt;
    same = SameContent(*seen, touch.fact);
  } else {
    const auto seen = Read<v1::TouchSeen>(state, SeenKey(touch.touch_id));
    if (!seen.has_value()) return std::nullopt;
    same = seen->content_hash() == touch.content_hash;
  }
  return same ? TouchOutcome::kDuplicate : TouchOutcome::kDuplicateWithOtherContent;
}

}  // namespace

v1::IdentifierState FirstAnchor(const TouchFacts& touch, uint32_t anchor_epoch, Micros now_us) {
  const AnchorFacts facts{touch.pool, touch.pivot_key, anchor_epoch, touch.touch_id};
  v1::IdentifierState anchor;
  anchor.set_anchor_epoch(anchor_epoch);
  anchor.set_member(MintMemberId(facts));
  anchor.set_fragment_id(MintFragmentId(facts));
  anchor.set_first_seen_us(touch.occurred_us);
  anchor.mutable_birth()->set_birth_us(now_us);
  anchor.mutable_birth()->set_shard(touch.partition);
  anchor.mutable_birth()->set_sequence(touch.offset);
  *anchor.mutable_identifier() = touch.pivot;
  return anchor;
}

shard::Put RememberTouch(const TouchFacts& touch, uint32_t anchor_epoch, const TouchRules& rules) {
  if (touch.fact.key.empty()) {
    v1::TouchSeen seen;
    seen.set_occurred_us(touch.occurred_us);
    seen.set_content_hash(touch.content_hash);
    // One microsecond after the last instant at which the touch is not too old.
    const Micros expires_at = AddOrDie(AddOrDie(touch.occurred_us, rules.window_us), 1);
    return {SeenKey(touch.touch_id), seen.SerializeAsString(), expires_at};
  }
  v1::FactSeen seen;
  seen.set_touch_id(touch.touch_id);
  seen.set_occurred_us(touch.occurred_us);
  seen.set_anchor_epoch(anchor_epoch);
  seen.set_amount_minor(touch.fact.amount_minor);
  seen.set_currency_code(touch.fact.currency_code);
  seen.set_whole_order(touch.fact.whole_order);
  return {touch.fact.key, seen.SerializeAsString(), 0};
}

std::string_view OutcomeLabel(TouchOutcome outcome) {
  switch (outcome) {
    case TouchOutcome::kInFuture:
      return "in_future";
    case TouchOutcome::kTooOld:
      return "too_old";
    case TouchOutcome::kDuplicateWithOtherContent:
      return "duplicate_with_other_content";
    case TouchOutcome::kDuplicate:
      return "duplicate";
    case TouchOutcome::kKnownMember:
      return "known_member";
    case TouchOutcome::kNewMember:
      return "new_member";
    case TouchOutcome::kAsksObject:
      return "asks_object";
  }
  REGULARS_ASSERT(false, "unknown touch outcome");
}

std::optional<TouchOutcome> CheckTouch(const shard::EntityState& state, const TouchFacts& touch,
                                       Micros now_us, const TouchRules& rules,
                                       shard::Effects* effects) {
  std::optional<TouchOutcome> ends;
  if (touch.occurred_us > AddOrDie(now_us, rules.future_us)) {
    SetAside("IN_FUTURE", "the touch leads the clock of its pool too far", effects);
    ends = TouchOutcome::kInFuture;
  } else if (touch.fact.key.empty() && AddOrDie(touch.occurred_us, rules.window_us) < now_us) {
    // Before the look at `seen`: the runtime may or may not have removed that key already.
    SetAside("TOO_OLD", "older than the window in which repeats are recognised", effects);
    ends = TouchOutcome::kTooOld;
  } else if (ends = Repeated(state, touch); ends.has_value()) {
    effects->sums.push_back({"touches_duplicate", 1});
    if (*ends == TouchOutcome::kDuplicateWithOtherContent) {
      effects->sums.push_back({"touches_duplicate_with_other_content", 1});
    }
  }
  if (ends.has_value()) effects->outcome = OutcomeLabel(*ends);
  return ends;
}

TouchDecision ResolveTouch(const shard::EntityState& state, const TouchFacts& touch, Micros now_us,
                           const TouchRules& rules, shard::Effects* effects) {
  TouchDecision decision;
  if (const auto ends = CheckTouch(state, touch, now_us, rules, effects); ends.has_value()) {
    decision.outcome = *ends;
    return decision;
  }
  decision.outcome = TouchOutcome::kKnownMember;
  if (std::optional<v1::IdentifierState> anchor = ReadAnchor(state); anchor.has_value()) {
    decision.anchor = *std::move(anchor);
  } else {
    decision.outcome = TouchOutcome::kNewMember;
    decision.anchor = FirstAnchor(touch, 0, now_us);
    effects->puts.push_back({std::string(kAnchorSub), decision.anchor.SerializeAsString(), 0});
    effects->sums.push_back({"members_created", 1});
  }
  effects->puts.push_back(RememberTouch(touch, decision.anchor.anchor_epoch(), rules));
  effects->sums.push_back({"touches_new", 1});
  effects->outcome = OutcomeLabel(decision.outcome);
  return decision;
}

void SetAside(std::string_view reason, std::string_view detail, shard::Effects* effects) {
  effects->sums.push_back({"touches_dead_lettered", 1});
  effects->dead_letter = shard::DeadLetterEffect{std::string(reason), std::string(detail)};
  effects->outcome = "unreadable";
}

std::optional<v1::IdentifierState> ReadAnchor(const shard::EntityState& state) {
  std::optional<v1::IdentifierState> anchor = Read<v1::IdentifierState>(state, kAnchorSub);
  if (anchor.has_value() && anchor->member().empty()) return std::nullopt;
  return anchor;
}

std::string CheckIdentifier(const shard::EntityState& state) {
  const std::optional<v1::IdentifierState> anchor = ReadAnchor(state);
  if (!anchor.has_value()) {
    // An object keeps what was reported of it, and an identifier may have left its member.
    if (state.Get(kObjectSub).has_value() || state.Get(kAnchorSub).has_value()) return "";
    for (const std::string_view kind : {"order/", "refund/", "code/", "seen/"}) {
      if (state.Next(kind, kind).has_value()) return "a touch was applied without an anchor";
    }
    return "";
  }
  if (anchor->member().size() != kMintedIdBytes || anchor->member().rfind("m_", 0) != 0) {
    return "member id malformed";
  }
  if (anchor->fragment_id().size() != kMintedIdBytes || anchor->fragment_id().rfind("f_", 0) != 0) {
    return "fragment id malformed";
  }
  if (!anchor->has_birth()) return "anchor without birth";
  if (!anchor->has_identifier()) return "anchor without identifier";
  return "";
}

}  // namespace regulars::identity
