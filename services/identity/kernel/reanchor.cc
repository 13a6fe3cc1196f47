// What an identifier hears of the member it names.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/births.h"
#include "services/identity/kernel/claim.h"
#include "services/identity/kernel/ids.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

v1::IdentifierState AnchorOf(Step* step) {
  return step->state.Read<v1::IdentifierState>(kAnchorSub).value_or(v1::IdentifierState());
}

void SendDetach(Step* step, const v1::IdentifierState& old) {
  v1::LinkMessage message;
  message.mutable_detach()->set_member(old.member());
  message.mutable_detach()->set_fragment_id(old.fragment_id());
  step->Send(old.member(), message);
}

// The identifier leaves its member; what came under the fragment stays there. The next anchor has
// another epoch, so it has another fragment.
v1::IdentifierState Leave(Step* step, v1::IdentifierState anchor) {
  step->state.Write(Cat(kWasPrefix, anchor.fragment_id()), anchor);
  SendDetach(step, anchor);
  anchor.set_anchor_epoch(anchor.anchor_epoch() + 1);
  anchor.clear_member();
  anchor.clear_fragment_id();
  anchor.clear_birth();
  anchor.set_link_epoch(0);
  anchor.set_member_epoch(0);
  return anchor;
}

// A new owner after a long silence.
LinkOutcome Recycle(Step* step, const v1::Link& link, v1::IdentifierState anchor) {
  anchor = Leave(step, std::move(anchor));
  step->state.DeleteAll(kPeerPrefix);
  anchor.set_peer_count(0);
  anchor.set_contested_count(0);
  anchor.clear_deny();
  anchor.set_member(link.first_root());
  *anchor.mutable_birth() = link.first_birth();
  *anchor.mutable_identifier() = link.second().identifier();
  anchor.set_first_seen_us(link.edge().occurred_us());
  anchor.set_fragment_id(MintFragmentId(
      {step->pool(), step->entity(), anchor.anchor_epoch(), link.edge().touch_id()}));
  v1::LinkMessage message;
  v1::Own* own = message.mutable_own();
  own->set_member(anchor.member());
  *own->mutable_pivot() = link.first();
  *own->mutable_edge() = MakeEdge(link.first().fragment_id(), anchor.fragment_id());
  own->mutable_edge()->set_touch_id(link.edge().touch_id());
  own->mutable_edge()->set_rule_version(link.edge().rule_version());
  own->mutable_edge()->set_occurred_us(link.edge().occurred_us());
  v1::MemberFragment* fragment = own->mutable_fragment();
  fragment->set_fragment_id(anchor.fragment_id());
  *fragment->mutable_identifier() = anchor.identifier();
  fragment->set_anchor_epoch(anchor.anchor_epoch());
  fragment->set_first_seen_us(anchor.first_seen_us());
  step->Send(anchor.member(), message);
  step->state.Write(kAnchorSub, anchor);
  step->Sum("identifiers_recycled");
  return LinkOutcome::kRecycled;
}

}  // namespace

LinkOutcome OnExpel(Step* step, const v1::Expel& expel) {
  v1::IdentifierState anchor = AnchorOf(step);
  const v1::MemberFragment& fragment = expel.fragment();
  if (anchor.fragment_id() != fragment.fragment_id() ||
      fragment.link_epoch() <= anchor.link_epoch()) {
    return LinkOutcome::kIgnored;
  }
  anchor.set_member(expel.member());
  anchor.set_link_epoch(fragment.link_epoch());
  anchor.set_member_epoch(0);
  *anchor.mutable_birth() = expel.birth();
  Distrust(step, &anchor);
  step->state.Write(kAnchorSub, anchor);
  return LinkOutcome::kExpelled;
}

LinkOutcome OnReanchor(Step* step, const v1::Reanchor& reanchor) {
  v1::IdentifierState anchor = AnchorOf(step);
  if (anchor.fragment_id() != reanchor.fragment_id()) return LinkOutcome::kIgnored;
  const bool newer = reanchor.link_epoch() > anchor.link_epoch();
  // Two owners' orders may arrive reversed: between splits members only get older.
  const bool older =
      reanchor.link_epoch() == anchor.link_epoch() && IsOlder(reanchor.birth(), anchor.birth());
  if (!newer && !older) return LinkOutcome::kIgnored;
  anchor.set_member(reanchor.member());
  anchor.set_link_epoch(reanchor.link_epoch());
  anchor.set_member_epoch(reanchor.member_epoch());
  *anchor.mutable_birth() = reanchor.birth();
  step->state.Write(kAnchorSub, anchor);
  return LinkOutcome::kReanchored;
}

LinkOutcome OnContest(Step* step, const v1::Contest& contest) {
  const v1::Link& link = contest.link();
  v1::IdentifierState anchor = AnchorOf(step);
  const bool is_second = model::IdentifierKey(link.second().identifier().hmac()) == step->entity();
  const v1::LinkEnd& own = is_second ? link.second() : link.first();
  const v1::LinkEnd& other = is_second ? link.first() : link.second();
  if (anchor.member().empty() || anchor.fragment_id() != own.fragment_id()) {
    return LinkOutcome::kIgnored;
  }
  if (is_second && link.recyclable() && contest.rule().rfind("unique:", 0) == 0) {
    return Recycle(step, link, std::move(anchor));
  }
  Distrust(step, &anchor);
  if (link.contest_only()) {
    anchor = Leave(step, std::move(anchor));
  } else {
    if (static_cast<size_t>(anchor.deny_size()) >= kDenyMax) {
      anchor.mutable_deny()->DeleteSubrange(0, 1);
    }
    anchor.add_deny(other.member());
  }
  step->state.Write(kAnchorSub, anchor);
  return LinkOutcome::kContested;
}

}  // namespace regulars::identity
