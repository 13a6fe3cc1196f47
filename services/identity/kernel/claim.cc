#include "services/identity/kernel/claim.h"

#include <algorithm>
#include <utility>

#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/ids.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

using types::v1::Identifier;

bool IsBlocked(const LinkRules& rules, const Identifier& id) {
  if (id.class_() == types::v1::IDENTIFIER_CLASS_BLOCKED) return true;
  return !rules.blocked_keys.empty() &&
         rules.blocked_keys.contains(model::IdentifierKey(id.hmac()));
}

// Whether an identifier has lost the trust that a link through it needs.
bool IsContested(const LinkRules& rules, const v1::IdentifierState& anchor) {
  const int64_t max = IsWeak(anchor.identifier()) ? 1 : rules.contested_max;
  return anchor.contested_count() >= max;
}

struct Peer {
  std::string_view touch_id;
  Micros occurred_us = 0;
  bool claimed = false;
  bool stopped = false;
  bool was_pivot = false;
};

void RememberPeer(Step* step, std::string_view key, const Peer& seen, v1::IdentifierState* anchor) {
  const std::string sub = Cat(kPeerPrefix, key);
  if (!step->state.Has(sub)) {
    if (anchor->peer_count() >= kKnownPeersMax) {
      // One makes room; which one does not matter, its pair is only claimed once more.
      step->state.Delete(step->state.Next(kPeerPrefix, kPeerPrefix)->first);
    } else {
      anchor->set_peer_count(anchor->peer_count() + 1);
    }
  }
  v1::KnownPeer peer;
  peer.set_touch_id(std::string(seen.touch_id));
  peer.set_occurred_us(seen.occurred_us);
  peer.set_claimed(seen.claimed);
  peer.set_stopped(seen.stopped);
  peer.set_seen_us(step->now_us());
  peer.set_was_pivot(seen.was_pivot);
  step->state.Write(sub, peer);
}

// A contested pivot claims nobody. That is said, too: two who are not joined have a reason on
// record. Who the other identifier names is not known here.
void PublishStoppedClaim(Step* step, const TouchFacts& touch, const Identifier& other,
                         const v1::IdentifierState& anchor) {
  v1::Link link;
  link.mutable_first()->set_member(anchor.member());
  *link.mutable_first()->mutable_identifier() = touch.pivot;
  *link.mutable_second()->mutable_identifier() = other;
  link.mutable_edge()->set_touch_id(touch.touch_id);
  link.mutable_edge()->set_occurred_us(touch.occurred_us);
  link.mutable_edge()->set_rule_version(step->rules().tag);
  const Broken broken{"contested", step->rules().contested_max};
  PublishSuppressed(step, Suppressed(link, anchor.member(), "", broken, step->now_us()));
}

v1::MemberEdge EdgeOf(const v1::Claim& claim, std::string_view fragment, const LinkRules& rules) {
  v1::MemberEdge edge = MakeEdge(claim.pivot().fragment_id(), fragment);
  edge.set_touch_id(claim.touch_id());
  edge.set_rule_version(rules.tag);
  edge.set_occurred_us(claim.occurred_us());
  return edge;
}

// The identifier gets its first member: the one that claims it.
LinkOutcome AnchorAtClaimant(Step* step, const v1::Claim& claim, v1::IdentifierState anchor) {
  const AnchorFacts facts{step->pool(), step->entity(), anchor.anchor_epoch(), claim.touch_id()};
  anchor.set_member(claim.pivot().member());
  anchor.set_fragment_id(MintFragmentId(facts));
  anchor.set_first_seen_us(claim.occurred_us());
  *anchor.mutable_birth() = claim.birth();
  *anchor.mutable_identifier() = claim.identifier();
  anchor.set_link_epoch(0);
  anchor.set_member_epoch(claim.member_epoch());

  v1::LinkMessage message;
  v1::Own* own = message.mutable_own();
  own->set_member(anchor.member());
  *own->mutable_pivot() = claim.pivot();
  *own->mutable_edge() = EdgeOf(claim, anchor.fragment_id(), step->rules());
  v1::MemberFragment* fragment = own->mutable_fragment();
  fragment->set_fragment_id(anchor.fragment_id());
  *fragment->mutable_identifier() = claim.identifier();
  fragment->set_anchor_epoch(anchor.anchor_epoch());
  fragment->set_first_seen_us(claim.occurred_us());
  step->Send(anchor.member(), message);
  step->state.Write(kAnchorSub, anchor);
  return LinkOutcome::kAnchored;
}

// Two that were each other's pivot at the same moment claim each other, and each knows the other
// one as claimed before it hears of the other claim. One of the two claims has to go on: that to
// the smaller key.
bool Crossed(const v1::KnownPeer& known, std::string_view own_key, std::string_view pivot_key) {
  return known.was_pivot() && own_key < pivot_key;
}

}  // namespace

void Distrust(Step* step, v1::IdentifierState* anchor) {
  const bool was = IsContested(step->rules(), *anchor);
  anchor->set_contested_count(anchor->contested_count() + 1);
  if (!was && !IsWeak(anchor->identifier()) && IsContested(step->rules(), *anchor)) {
    step->Sum("identifiers_contested");
  }
}

Micros DayOf(Micros at_us) { return at_us - at_us % kMicrosPerDay; }

bool NamesOthers(const TouchFacts& touch) {
  return JoinsPeople(touch.pivot) &&
         std::any_of(touch.others.begin(), touch.others.end(),
                     [](const Identifier& id) { return JoinsPeople(id) || IsWeak(id); });
}

int ClaimOthers(Step* step, const TouchFacts& touch, v1::IdentifierState* anchor) {
  const LinkRules& rules = step->rules();
  const bool pivot_joins = JoinsPeople(touch.pivot) && !IsBlocked(rules, touch.pivot);
  const bool pivot_contested = pivot_joins && IsContested(rules, *anchor);
  int claims = 0;
  for (const Identifier& other : touch.others) {
    if (other.class_() == types::v1::IDENTIFIER_CLASS_OBJECT || IsBlocked(rules, other)) continue;
    const std::string key = model::IdentifierKey(other.hmac());
    if (key == step->entity()) continue;
    const bool would_claim = pivot_joins && (JoinsPeople(other) || IsWeak(other));
    const bool claims_it = would_claim && !pivot_contested;
    const bool stopped = would_claim && pivot_contested;
    const auto known = step->state.Read<v1::KnownPeer>(Cat(kPeerPrefix, key));
    if (known.has_value() && (known->claimed() || (stopped ? known->stopped() : !claims_it))) {
      continue;
    }
    RememberPeer(step, key, {touch.touch_id, touch.occurred_us, claims_it, stopped, true}, anchor);
    if (stopped) PublishStoppedClaim(step, touch, other, *anchor);
    if (!claims_it) continue;
    v1::LinkMessage message;
    v1::Claim* claim = message.mutable_claim();
    *claim->mutable_identifier() = other;
    claim->mutable_pivot()->set_member(anchor->member());
    claim->mutable_pivot()->set_fragment_id(anchor->fragment_id());
    *claim->mutable_pivot()->mutable_identifier() = touch.pivot;
    *claim->mutable_birth() = anchor->birth();
    claim->set_member_epoch(anchor->member_epoch());
    claim->set_touch_id(touch.touch_id);
    claim->set_occurred_us(touch.occurred_us);
    step->Send(key, message);
    ++claims;
  }
  return claims;
}

LinkOutcome OnClaim(Step* step, const v1::Claim& claim) {
  const LinkRules& rules = step->rules();
  v1::IdentifierState anchor =
      step->state.Read<v1::IdentifierState>(kAnchorSub).value_or(v1::IdentifierState());
  const bool weak = IsWeak(claim.identifier());
  const std::string pivot_key = model::IdentifierKey(claim.pivot().identifier().hmac());
  const bool was_seen = anchor.last_seen_us() > 0;  // false: not since linking is on
  const Micros silent_us = claim.occurred_us() - anchor.last_seen_us();
  const auto known = step->state.Read<v1::KnownPeer>(Cat(kPeerPrefix, pivot_key));
  if (known.has_value() && known->claimed() && !Crossed(*known, step->entity(), pivot_key)) {
    return LinkOutcome::kIgnored;
  }

  v1::Link link;
  *link.mutable_first() = claim.pivot();
  link.mutable_second()->set_member(anchor.member());
  link.mutable_second()->set_fragment_id(anchor.fragment_id());
  *link.mutable_second()->mutable_identifier() = claim.identifier();
  link.set_contest_only(weak);
  const bool denied = std::find(anchor.deny().begin(), anchor.deny().end(),
                                claim.pivot().member()) != anchor.deny().end();
  if (IsContested(rules, anchor) || denied) {
    link.mutable_edge()->set_touch_id(claim.touch_id());
    link.mutable_edge()->set_occurred_us(claim.occurred_us());
    link.mutable_edge()->set_rule_version(rules.tag);
    const Broken broken{denied ? "denied" : "contested", denied ? 0 : rules.contested_max};
    PublishSuppressed(
        step, Suppressed(link, claim.pivot().member(), anchor.member(), broken, step->now_us()));
    return LinkOutcome::kStopped;
  }
  RememberPeer(step, pivot_key, {claim.touch_id(), claim.occurred_us(), true, false, false},
               &anchor);
  anchor.set_last_seen_us(std::max(anchor.last_seen_us(), DayOf(claim.occurred_us())));
  if (anchor.member().empty()) return AnchorAtClaimant(step, claim, std::move(anchor));

  if (claim.identifier().verified() && !anchor.identifier().verified()) {
    *anchor.mutable_identifier() = claim.identifier();
  }
  *link.mutable_edge() = EdgeOf(claim, anchor.fragment_id(), rules);
  link.set_recyclable(rules.recycled_types.contains(claim.identifier().type()) &&
                      claim.identifier().verified() && was_seen &&
                      silent_us >= rules.recycle_after_us);
  step->state.Write(kAnchorSub, anchor);
  v1::LinkMessage message;
  *message.mutable_link() = std::move(link);
  step->Send(message.link().first().member(), message);
  return LinkOutcome::kAsked;
}

}  // namespace regulars::identity
