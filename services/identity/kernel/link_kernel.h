// Claim, link, root: who is one person, decided by single writers that send each other messages.
//
// An identifier names a member; a member is a root or has a parent, which is older. One handler per
// message; each reads and writes only its own entity. Why it is right:
// * Forest: `parent` is written by its own entity, only while that is a root, to an older member.
// * Soundness: a parent is set only by a link whose two ends the two roots hold.
// * Completeness: a link is forwarded, waits, is answered or starts anew; it is never dropped.
// * No deadlock: what waits for an answer waits for an older member, and the oldest proposes to
//   nobody.
// * Limits: a root that proposes takes nothing in, and its identifiers travel with the proposal, so
//   what the older root checked still holds when it absorbs them.
// Thread-safety: pure functions over a Step.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_LINK_KERNEL_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_LINK_KERNEL_H_

#include <string_view>

#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/guard_rails.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

// Any message but those of objects (objects.h), of candidates and of privacy, dispatched by its
// kind.
LinkOutcome ApplyLink(Step* step, const v1::LinkMessage& message);

// The first thing a member hears: the touch that minted it anchored its first identifier.
LinkOutcome OnBorn(Step* step, const v1::IdentifierAnchored& anchored);

// --- at an identifier (claim.cc, reanchor.cc) ---
LinkOutcome OnClaim(Step* step, const v1::Claim& claim);
LinkOutcome OnExpel(Step* step, const v1::Expel& expel);
LinkOutcome OnReanchor(Step* step, const v1::Reanchor& reanchor);
LinkOutcome OnContest(Step* step, const v1::Contest& contest);

// --- at a member (own.cc, link.cc, merge.cc, parts.cc) ---
LinkOutcome OnOwn(Step* step, const v1::LinkMessage& message);
LinkOutcome OnDetach(Step* step, const v1::LinkMessage& message);
LinkOutcome OnLink(Step* step, const v1::LinkMessage& message);
LinkOutcome OnTry(Step* step, const v1::LinkMessage& message);
LinkOutcome OnPropose(Step* step, const v1::LinkMessage& message);
LinkOutcome OnAccept(Step* step, const v1::Accept& accept);
LinkOutcome OnReject(Step* step, const v1::Reject& reject);
LinkOutcome OnSettle(Step* step, const v1::Settle& settle);
LinkOutcome OnSettled(Step* step, const v1::LinkMessage& message);
LinkOutcome OnRevive(Step* step, const v1::Revive& revive);
LinkOutcome OnReparent(Step* step, const v1::Reparent& reparent);

// --- what several of them share ---
// The link from its beginning.
void Restart(Step* step, v1::Link link);
v1::Evidence EvidenceOf(const v1::Link& link);
// The event and the entry that lists it, at one of the two members.
v1::LinkSuppressed Suppressed(const v1::Link& link, std::string_view member, std::string_view other,
                              const Broken& broken, Micros now_us);
void PublishSuppressed(Step* step, const v1::LinkSuppressed& suppressed);
// Of two ends of a link the one that the rules trust less.
const v1::LinkEnd& WeakerEnd(const LinkRules& rules, const v1::Link& link);
// Tells the next identifiers of a member whose member it is; continues by itself.
void TellIdentifiers(Step* step, MemberBook* book, std::string_view from_fragment);
Summary SummaryOf(const MemberBook& book);
std::string MergeId(std::string_view loser, uint32_t loser_epoch);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_LINK_KERNEL_H_
