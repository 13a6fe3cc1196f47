// A member gets its identifiers, and loses those that it may not have.
#include <optional>
#include <string>
#include <utility>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/find.h"
#include "services/identity/kernel/ids.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

// The fragment becomes a member of its own: its id.
std::string OwnMember(const Step& step, const v1::MemberFragment& fragment) {
  return MintMemberId({step.pool(), model::IdentifierKey(fragment.identifier().hmac()),
                       fragment.link_epoch(), fragment.fragment_id()});
}

void PublishExpelled(Step* step, const MemberBook& book, const v1::MemberFragment& fragment,
                     const std::string& member, const v1::BirthOrder& birth) {
  v1::MemberCreated created;
  created.set_member(member);
  created.set_fragment_id(fragment.fragment_id());
  *created.mutable_birth() = birth;
  *created.mutable_anchor() = fragment.identifier();
  step->Event(member, events::kMemberCreated, Cat("created/", member), created, step->now_us());
  v1::SplitCommitted split;
  split.set_split_id(
      model::HashedId({"expel", fragment.fragment_id(), Cat(fragment.link_epoch())}));
  split.set_member(book.id());
  v1::SplitPart* part = split.add_parts();
  part->set_member(member);
  part->add_fragment_ids(fragment.fragment_id());
  part->add_fragment_epochs(fragment.link_epoch());
  part->add_first_fragment_ids(fragment.fragment_id());
  *part->mutable_birth() = birth;
  split.set_time_us(step->now_us());
  for (const std::string& keyed_by : {book.id(), member}) {
    step->Event(keyed_by, events::kSplitCommitted, Cat("split/", split.split_id(), "/", keyed_by),
                split, step->now_us());
  }
}

// The fragment becomes a member of its own. It was this member's for a moment, so that what was
// published meanwhile has to follow: that is a split. Returns the new member.
std::string Expel(Step* step, MemberBook* book, v1::MemberFragment fragment) {
  fragment.set_link_epoch(fragment.link_epoch() + 1);
  const std::string member = OwnMember(*step, fragment);
  const v1::BirthOrder birth = step->BirthHere(1);
  fragment.set_home(member);
  fragment.set_added_us(step->now_us());

  v1::LinkMessage revive;
  revive.mutable_revive()->set_member(member);
  *revive.mutable_revive()->mutable_birth() = birth;
  revive.mutable_revive()->set_fragment_id(fragment.fragment_id());
  *revive.mutable_revive()->add_fragments() = fragment;
  step->Send(member, revive);
  v1::LinkMessage expel;
  *expel.mutable_expel()->mutable_fragment() = fragment;
  expel.mutable_expel()->set_member(member);
  *expel.mutable_expel()->mutable_birth() = birth;
  step->Send(model::IdentifierKey(fragment.identifier().hmac()), expel);
  PublishExpelled(step, *book, fragment, member, birth);
  book->SetMoved(fragment.fragment_id(), member, fragment.link_epoch());
  step->Sum("members_created");
  step->Sum("identifiers_expelled");
  return member;
}

// As a link: why the fragment came here.
v1::Link LinkOf(const v1::Own& own, const std::string& member) {
  v1::Link link;
  *link.mutable_edge() = own.edge();
  *link.mutable_first() = own.pivot();
  link.mutable_second()->set_member(member);
  link.mutable_second()->set_fragment_id(own.fragment().fragment_id());
  *link.mutable_second()->mutable_identifier() = own.fragment().identifier();
  return link;
}

void Stop(Step* step, MemberBook* book, const v1::Own& own, const Broken& broken) {
  const std::string member = Expel(step, book, own.fragment());
  const v1::LinkSuppressed suppressed =
      Suppressed(LinkOf(own, member), book->id(), member, broken, step->now_us());
  book->AddSuppressed(suppressed);
  PublishSuppressed(step, suppressed);
}

// A split took the pivot away while this was on its way. The fragment follows like any other link:
// as a member of its own first, so that everybody hears of it.
void FollowPivot(Step* step, MemberBook* book, const v1::Own& own) {
  const std::string member = Expel(step, book, own.fragment());
  if (IsWeak(own.fragment().identifier())) return;
  v1::Link link = LinkOf(own, member);
  link.mutable_first()->set_member(own.pivot_at().member());
  Restart(step, std::move(link));
}

void Keep(Step* step, MemberBook* book, const v1::Own& own, const std::string& home) {
  v1::MemberFragment fragment = own.fragment();
  fragment.set_home(home);
  fragment.set_added_us(step->now_us());
  book->AddFragment(fragment);
  v1::MemberEdge edge = own.edge();
  edge.set_decided_us(step->now_us());
  book->AddEdge(edge);
  if (own.member() == book->id()) return;
  v1::LinkMessage message;
  v1::Reanchor* reanchor = message.mutable_reanchor();
  reanchor->set_fragment_id(fragment.fragment_id());
  reanchor->set_link_epoch(fragment.link_epoch());
  reanchor->set_member(book->id());
  *reanchor->mutable_birth() = book->root().birth();
  reanchor->set_member_epoch(book->root().epoch());
  step->Send(model::IdentifierKey(fragment.identifier().hmac()), message);
}

}  // namespace

LinkOutcome OnBorn(Step* step, const v1::IdentifierAnchored& anchored) {
  MemberBook book(&step->state, step->entity());
  if (book.HasFragment(anchored.fragment_id())) return LinkOutcome::kIgnored;
  if (!book.born()) {
    *book.root().mutable_birth() = anchored.birth();
    book.root().set_fragment_id(anchored.fragment_id());
  }
  v1::MemberFragment fragment;
  fragment.set_fragment_id(anchored.fragment_id());
  *fragment.mutable_identifier() = anchored.identifier();
  fragment.set_anchor_epoch(anchored.anchor_epoch());
  fragment.set_home(book.id());
  fragment.set_first_seen_us(anchored.first_seen_us());
  fragment.set_added_us(step->now_us());
  book.AddFragment(fragment);
  Wake(step, &book);
  book.Save();
  return LinkOutcome::kRecorded;
}

LinkOutcome OnOwn(Step* step, const v1::LinkMessage& message) {
  MemberBook book(&step->state, step->entity());
  v1::LinkMessage on = message;
  v1::Own& own = *on.mutable_own();
  const std::string& pivot_fragment = own.pivot().fragment_id();
  if (const auto moved = book.MovedTo(pivot_fragment); moved.has_value()) {
    *own.mutable_pivot_at() = *moved;
  }
  // By the name of the member alone: links that wait for this fragment wait at the same root.
  if (auto elsewhere = Find(step, &book, own.member(), "", Access::kWrites, on);
      elsewhere.has_value()) {
    return *elsewhere;
  }
  const auto pivot = book.Fragment(pivot_fragment);
  if (!pivot.has_value() && !own.has_pivot_at()) return Wait(step, &book, on);
  LinkOutcome outcome = LinkOutcome::kExpelled;
  if (!pivot.has_value()) {
    FollowPivot(step, &book, own);
  } else {
    std::optional<Broken> broken =
        CheckIdentifierFits(step->rules(), book.Fragments(), own.fragment(), step->now_us());
    if (!broken.has_value() && static_cast<int64_t>(book.root().edge_count()) >= kEdgesMax) {
      broken = Broken{"max_edges", kEdgesMax};
    }
    if (broken.has_value()) {
      Stop(step, &book, own, *broken);
    } else {
      Keep(step, &book, own, pivot->home());
      outcome = LinkOutcome::kRecorded;
    }
  }
  Wake(step, &book);
  book.Save();
  return outcome;
}

LinkOutcome OnDetach(Step* step, const v1::LinkMessage& message) {
  const v1::Detach& detach = message.detach();
  MemberBook book(&step->state, step->entity());
  if (auto elsewhere =
          Find(step, &book, detach.member(), detach.fragment_id(), Access::kWrites, message);
      elsewhere.has_value()) {
    return *elsewhere;
  }
  v1::MemberFragment fragment = *book.Fragment(detach.fragment_id());
  fragment.set_detached(true);
  fragment.set_detached_us(step->now_us());
  book.UpdateFragment(fragment);
  return LinkOutcome::kDetached;
}

}  // namespace regulars::identity
