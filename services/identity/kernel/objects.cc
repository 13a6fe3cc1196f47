#include "services/identity/kernel/objects.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/claim.h"

namespace regulars::identity {
namespace {

v1::IdentifierState RawAnchor(Step* step) {
  return step->state.Read<v1::IdentifierState>(kAnchorSub).value_or(v1::IdentifierState());
}

// The anchor of a pivot that names nobody; keeps what was known of the identifier.
void Mint(Step* step, const TouchFacts& touch, v1::IdentifierState* anchor) {
  v1::IdentifierState first = FirstAnchor(touch, anchor->anchor_epoch(), step->now_us());
  first.set_peer_count(anchor->peer_count());
  first.set_contested_count(anchor->contested_count());
  first.set_last_seen_us(anchor->last_seen_us());
  *anchor = std::move(first);
  step->Sum("members_created");
}

// Claims and the day; writes the anchor if it changed. True if a link is being decided now.
bool Observe(Step* step, const TouchFacts& touch, bool changed, v1::IdentifierState* anchor) {
  const std::string before = changed ? "" : anchor->SerializeAsString();
  const int claims = ClaimOthers(step, touch, anchor);
  anchor->set_last_seen_us(std::max(anchor->last_seen_us(), DayOf(touch.occurred_us)));
  if (touch.pivot.verified() && !anchor->identifier().verified()) {
    *anchor->mutable_identifier() = touch.pivot;
  }
  if (changed || before != anchor->SerializeAsString()) step->state.Write(kAnchorSub, *anchor);
  return claims > 0;
}

void FillPivot(const TouchFacts& touch, const v1::IdentifierState& anchor, bool is_new,
               bool provisional, v1::ObjectTouch* message) {
  message->mutable_pivot()->set_member(anchor.member());
  message->mutable_pivot()->set_fragment_id(anchor.fragment_id());
  *message->mutable_pivot()->mutable_identifier() = touch.pivot;
  *message->mutable_birth() = anchor.birth();
  message->set_member_epoch(anchor.member_epoch());
  message->set_is_new_member(is_new);
  message->set_provisional(provisional);
}

void SendToObject(Step* step, v1::ObjectTouch travelling) {
  v1::LinkMessage message;
  *message.mutable_object_touch() = std::move(travelling);
  step->Send(model::IdentifierKey(message.object_touch().object().hmac()), message);
}

// What the pivot said of itself, as an anchor.
v1::IdentifierState PivotAnchor(const v1::ObjectTouch& message) {
  v1::IdentifierState anchor;
  anchor.set_member(message.pivot().member());
  anchor.set_fragment_id(message.pivot().fragment_id());
  *anchor.mutable_birth() = message.birth();
  anchor.set_member_epoch(message.member_epoch());
  *anchor.mutable_identifier() = message.pivot().identifier();
  return anchor;
}

void Remember(Step* step, const TouchFacts& touch, const TouchRules& rules) {
  const shard::Put put = RememberTouch(touch, 0, rules);
  step->state.Put(put.sub, put.value, put.expires_at_us);
  step->Sum("touches_new");
}

}  // namespace

TouchDecision ObserveTouch(Step* step, const TouchFacts& touch, const TouchRules& rules,
                           v1::ObjectTouch travelling) {
  TouchDecision decision;
  if (const auto ends = CheckTouch(step->state, touch, step->now_us(), rules, step->effects());
      ends.has_value()) {
    decision.outcome = *ends;
    return decision;
  }
  v1::IdentifierState anchor = RawAnchor(step);
  const bool is_new = anchor.member().empty();
  if (touch.object.has_value()) {
    *travelling.mutable_object() = *touch.object;
    *travelling.mutable_pivot()->mutable_identifier() = touch.pivot;
    // A pivot that names nobody asks first, unless there are others that it has to claim: what a
    // touch proves is proved whosever its order is.
    decision.minted = is_new && NamesOthers(touch);
    if (decision.minted) Mint(step, touch, &anchor);
    if (!anchor.member().empty()) {
      const bool provisional = Observe(step, touch, decision.minted, &anchor);
      FillPivot(touch, anchor, decision.minted, provisional, &travelling);
    }
    SendToObject(step, std::move(travelling));
    decision.outcome = TouchOutcome::kAsksObject;
    decision.anchor = std::move(anchor);
    return decision;
  }
  if (is_new) Mint(step, touch, &anchor);
  decision.provisional = Observe(step, touch, is_new, &anchor);
  const shard::Put put = RememberTouch(touch, anchor.anchor_epoch(), rules);
  step->state.Put(put.sub, put.value, put.expires_at_us);
  step->Sum("touches_new");
  decision.outcome = is_new ? TouchOutcome::kNewMember : TouchOutcome::kKnownMember;
  decision.anchor = std::move(anchor);
  return decision;
}

ObjectDecision OnObjectTouch(Step* step, const TouchFacts& touch, const TouchRules& rules,
                             const v1::ObjectTouch& message) {
  ObjectDecision decision;
  TouchRules here = rules;
  here.future_us = kMicrosMax - step->now_us();  // the pivot looked at the times
  here.window_us = kMicrosMax - std::max<Micros>(0, touch.occurred_us);
  if (CheckTouch(step->state, touch, step->now_us(), here, step->effects()).has_value()) {
    decision.outcome = LinkOutcome::kDuplicate;
    return decision;
  }
  const auto known = step->state.Read<v1::ObjectState>(kObjectSub);
  if (!known.has_value() && message.pivot().member().empty()) {
    v1::LinkMessage back;
    *back.mutable_touch_returned() = message;
    step->Send(touch.pivot_key, back);
    decision.outcome = LinkOutcome::kReturned;
    return decision;
  }
  Remember(step, touch, rules);
  if (!known.has_value()) {
    v1::ObjectState object;
    *object.mutable_object() = message.object();
    object.set_pivot_key(touch.pivot_key);
    *object.mutable_pivot() = touch.pivot;
    object.set_touch_id(touch.touch_id);
    object.set_occurred_us(touch.occurred_us);
    object.set_fragment_id(message.pivot().fragment_id());
    step->state.Write(kObjectSub, object);
  } else if (known->pivot_key() != touch.pivot_key ||
             known->fragment_id() != message.pivot().fragment_id()) {
    v1::LinkMessage through;
    *through.mutable_resolve_through() = message;
    *through.mutable_resolve_through()->mutable_pivot()->mutable_identifier() = known->pivot();
    through.mutable_resolve_through()->mutable_pivot()->set_fragment_id(known->fragment_id());
    step->Send(known->pivot_key(), through);
    decision.outcome = LinkOutcome::kForwarded;
    return decision;
  }
  decision.outcome = LinkOutcome::kResolved;
  decision.anchor = PivotAnchor(message);
  decision.is_new_member = message.is_new_member();
  decision.provisional = message.provisional();
  return decision;
}

ObjectDecision OnTouchReturned(Step* step, const TouchFacts& touch, v1::ObjectTouch message) {
  ObjectDecision decision;
  decision.outcome = LinkOutcome::kReturned;
  v1::IdentifierState anchor = RawAnchor(step);
  decision.is_new_member = anchor.member().empty();
  if (decision.is_new_member) {
    Mint(step, touch, &anchor);
    anchor.mutable_birth()->set_part(1);  // its position is one of the links
  }
  decision.provisional = Observe(step, touch, decision.is_new_member, &anchor);
  FillPivot(touch, anchor, decision.is_new_member, decision.provisional, &message);
  SendToObject(step, std::move(message));
  decision.anchor = std::move(anchor);
  return decision;
}

ObjectDecision OnResolveThrough(Step* step, const v1::ObjectTouch& message) {
  ObjectDecision decision;
  decision.outcome = LinkOutcome::kResolved;
  decision.anchor = RawAnchor(step);
  const std::string& fragment = message.pivot().fragment_id();
  if (decision.anchor.fragment_id() != fragment) {
    // The identifier names somebody else by now; the object stays where it came from.
    const auto was = step->state.Read<v1::IdentifierState>(Cat(kWasPrefix, fragment));
    REGULARS_ASSERT(was.has_value(), "an object is anchored at a fragment that never was");
    decision.anchor = *was;
  }
  return decision;
}

}  // namespace regulars::identity
