// Two roots become one: Try, Propose, Accept, Reject, and the identifiers of the loser follow.
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/births.h"
#include "services/identity/kernel/find.h"
#include "services/identity/kernel/guard_rails.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

const v1::LinkEnd& YoungEnd(const v1::Try& attempt) {
  return attempt.young_is_first() ? attempt.link().first() : attempt.link().second();
}
const v1::LinkEnd& OldEnd(const v1::Try& attempt) {
  return attempt.young_is_first() ? attempt.link().second() : attempt.link().first();
}

LinkOutcome Answer(Step* step, const v1::Try& attempt, const std::optional<Broken>& broken) {
  v1::LinkMessage message;
  v1::Reject* reject = message.mutable_reject();
  *reject->mutable_attempt() = attempt;
  if (broken.has_value()) {
    reject->set_rule(broken->rule);
    reject->set_limit(broken->limit);
  }
  reject->set_by(step->entity());
  step->Send(attempt.young(), message);
  return broken.has_value() ? LinkOutcome::kStopped : LinkOutcome::kRestarted;
}

// The rule that keeps the two apart. Many who are stopped at one large member cost it nothing: its
// counts say enough, unless somebody is to stay apart, which is said first.
std::optional<Broken> CheckProposal(const Step& step, const MemberBook& book,
                                    const v1::Propose& propose) {
  if (book.root().do_not_link_count() == 0 && propose.do_not_link().empty()) {
    const Sizes old{book.root().fragment_count(), book.root().name_count()};
    const Sizes young{propose.fragments_size(), propose.names_size()};
    if (auto broken = CheckSizes(step.rules(), old, young); broken.has_value()) return broken;
  }
  Summary young;
  young.member = propose.attempt().young();
  young.fragments.assign(propose.fragments().begin(), propose.fragments().end());
  young.do_not_link.assign(propose.do_not_link().begin(), propose.do_not_link().end());
  for (const v1::AbsorbedMember& name : propose.names()) {
    young.names.push_back(name.member());
    young.merges_us.push_back(name.time_us());
  }
  young.edges = propose.edges_size();
  return CheckUnion(step.rules(), SummaryOf(book), young, step.now_us(),
                    propose.attempt().link().override_do_not_link());
}

void Absorb(Step* step, MemberBook* book, const v1::Propose& propose) {
  const std::string& young = propose.attempt().young();
  for (const v1::MemberFragment& fragment : propose.fragments()) book->AddFragment(fragment);
  for (const v1::MemberEdge& edge : propose.edges()) book->AddEdge(edge);
  v1::MemberEdge joining = propose.attempt().link().edge();
  joining.set_decided_us(step->now_us());
  book->AddEdge(joining);
  for (const v1::AbsorbedMember& name : propose.names()) book->AddName(name);
  for (const v1::DoNotLink& pair : propose.do_not_link()) book->AddPair(pair);
  v1::AbsorbedMember name;
  name.set_member(young);
  *name.mutable_birth() = propose.young_birth();
  name.set_epoch(propose.young_epoch());
  name.set_fragment_id(propose.young_fragment());
  name.set_link_epoch(propose.young_link_epoch());
  name.set_merge_id(MergeId(young, propose.young_epoch()));
  name.set_absorbed_by(book->id());
  name.set_time_us(step->now_us());
  for (const std::string& service : step->rules().awaited_services) {
    name.add_awaited_services(service);
  }
  book->AddName(name);
  if (propose.attempt().link().override_do_not_link()) {
    for (const v1::DoNotLink& pair : book->Pairs()) {
      if (book->HasName(pair.own()) && book->HasName(pair.other())) book->RemovePair(pair);
    }
  }
  book->root().set_epoch(book->root().epoch() + 1);
}

void PublishMerge(Step* step, const MemberBook& book, const v1::Accept& accept,
                  const v1::MemberState& loser) {
  v1::MergeCommitted merged;
  merged.set_merge_id(loser.merge_id());
  merged.set_loser(book.id());
  merged.set_survivor(accept.survivor());
  merged.set_loser_epoch(loser.epoch());
  merged.set_survivor_epoch(accept.survivor_epoch());
  for (const v1::MemberFragment& fragment : book.Fragments()) {
    merged.add_fragment_ids(fragment.fragment_id());
    merged.add_fragment_epochs(fragment.link_epoch());
  }
  for (const v1::AbsorbedMember& name : book.Names()) {
    merged.add_absorbed_members(name.member());
    merged.add_first_fragment_ids(name.fragment_id());
  }
  merged.add_first_fragment_ids(loser.fragment_id());
  *merged.mutable_evidence() = EvidenceOf(accept.link());
  merged.set_time_us(step->now_us());
  for (const std::string& keyed_by : {merged.loser(), merged.survivor()}) {
    step->Event(keyed_by, events::kMergeCommitted, Cat("merge/", merged.merge_id(), "/", keyed_by),
                merged, step->now_us());
  }
  step->Sum("members_merged");
}

}  // namespace

LinkOutcome OnTry(Step* step, const v1::LinkMessage& message) {
  const v1::Try& attempt = message.try_link();
  MemberBook book(&step->state, step->entity());
  if (!book.is_root() || !book.HasFragment(YoungEnd(attempt).fragment_id()) ||
      book.HasFragment(OldEnd(attempt).fragment_id())) {
    Restart(step, attempt.link());
    return LinkOutcome::kRestarted;
  }
  if (book.proposing()) return Wait(step, &book, message);
  book.root().set_proposing_to(attempt.old());
  v1::LinkMessage next;
  v1::Propose* propose = next.mutable_propose();
  *propose->mutable_attempt() = attempt;
  *propose->mutable_young_birth() = book.root().birth();
  propose->set_young_epoch(book.root().epoch());
  propose->set_young_fragment(book.root().fragment_id());
  propose->set_young_link_epoch(book.root().link_epoch());
  for (v1::MemberFragment& fragment : book.Fragments()) {
    *propose->add_fragments() = std::move(fragment);
  }
  for (v1::MemberEdge& edge : book.Edges()) *propose->add_edges() = std::move(edge);
  for (v1::AbsorbedMember& name : book.Names()) *propose->add_names() = std::move(name);
  for (v1::DoNotLink& pair : book.Pairs()) *propose->add_do_not_link() = std::move(pair);
  step->Send(attempt.old(), next);
  book.Save();
  return LinkOutcome::kAsked;
}

LinkOutcome OnPropose(Step* step, const v1::LinkMessage& message) {
  const v1::Propose& propose = message.propose();
  const v1::Try& attempt = propose.attempt();
  MemberBook book(&step->state, step->entity());
  REGULARS_ASSERT(book.born(), "a proposal to nobody");
  const std::string& fragment = OldEnd(attempt).fragment_id();
  const bool left = book.MovedTo(fragment).has_value() || book.GoneTo(attempt.old()).has_value();
  if (!book.is_root() && !left) {
    step->Send(book.root().parent(), message);  // older still
    return LinkOutcome::kForwarded;
  }
  if (book.is_root() && book.proposing() && book.HasFragment(fragment)) {
    return Wait(step, &book, message);
  }
  if (!book.is_root() || !book.HasFragment(fragment) ||
      !IsOlder(book.root().birth(), propose.young_birth())) {
    return Answer(step, attempt, std::nullopt);
  }
  if (const auto broken = CheckProposal(*step, book, propose); broken.has_value()) {
    book.AddSuppressed(
        Suppressed(attempt.link(), book.id(), attempt.young(), *broken, step->now_us()));
    book.Save();
    return Answer(step, attempt, broken);
  }
  Absorb(step, &book, propose);
  v1::LinkMessage next;
  v1::Accept* accept = next.mutable_accept();
  accept->set_young(attempt.young());
  accept->set_survivor(book.id());
  *accept->mutable_survivor_birth() = book.root().birth();
  accept->set_survivor_epoch(book.root().epoch());
  *accept->mutable_link() = attempt.link();
  step->Send(attempt.young(), next);
  // What waits for a fragment may find it now.
  Wake(step, &book);
  book.Save();
  return LinkOutcome::kMerged;
}

LinkOutcome OnAccept(Step* step, const v1::Accept& accept) {
  MemberBook book(&step->state, step->entity());
  REGULARS_ASSERT(book.is_root() && book.proposing(), "accepted without a proposal");
  REGULARS_ASSERT(IsOlder(accept.survivor_birth(), book.root().birth()), "a parent is not older");
  book.root().set_merge_id(MergeId(book.id(), book.root().epoch()));
  PublishMerge(step, book, accept, book.root());
  book.root().set_parent(accept.survivor());
  *book.root().mutable_parent_birth() = accept.survivor_birth();
  book.root().set_parent_epoch(accept.survivor_epoch());
  book.root().clear_proposing_to();
  book.ClearAfterMerge();
  Wake(step, &book);
  TellIdentifiers(step, &book, "");
  book.Save();
  return LinkOutcome::kMerged;
}

LinkOutcome OnReject(Step* step, const v1::Reject& reject) {
  const v1::Link& link = reject.attempt().link();
  MemberBook book(&step->state, step->entity());
  REGULARS_ASSERT(book.is_root() && book.proposing(), "rejected without a proposal");
  book.root().clear_proposing_to();
  Wake(step, &book);
  if (reject.rule().empty()) {
    book.Save();
    Restart(step, link);
    return LinkOutcome::kRestarted;
  }
  const Broken broken{reject.rule(), reject.limit()};
  const v1::LinkSuppressed suppressed =
      Suppressed(link, book.id(), reject.by(), broken, step->now_us());
  book.AddSuppressed(suppressed);
  PublishSuppressed(step, suppressed);
  PublishSuppressed(step, Suppressed(link, reject.by(), book.id(), broken, step->now_us()));
  book.Save();
  // That two people must stay two, or that one is gone, says nothing about the identifier.
  if (reject.rule() == "do_not_link" || reject.rule() == "member_erased" ||
      link.second().identifier().hmac().empty()) {
    return LinkOutcome::kStopped;
  }
  v1::LinkMessage message;
  *message.mutable_contest()->mutable_link() = link;
  message.mutable_contest()->set_rule(reject.rule());
  const v1::LinkEnd& weaker = link.recyclable() ? link.second() : WeakerEnd(step->rules(), link);
  step->Send(model::IdentifierKey(weaker.identifier().hmac()), message);
  return LinkOutcome::kStopped;
}

void TellIdentifiers(Step* step, MemberBook* book, std::string_view from_fragment) {
  const bool is_root = book->is_root();
  v1::LinkMessage message;
  v1::Reanchor* reanchor = message.mutable_reanchor();
  reanchor->set_member(is_root ? book->id() : book->root().parent());
  *reanchor->mutable_birth() = is_root ? book->root().birth() : book->root().parent_birth();
  reanchor->set_member_epoch(is_root ? book->root().epoch() : book->root().parent_epoch());
  size_t told = 0;
  for (const v1::MemberFragment& fragment : book->Fragments()) {
    if (fragment.fragment_id() < from_fragment) continue;
    if (told == kReanchorsPerInput) {
      v1::LinkMessage rest;
      rest.mutable_settle()->set_member(book->id());
      rest.mutable_settle()->set_from_fragment(fragment.fragment_id());
      step->Send(book->id(), rest);
      return;
    }
    if (!fragment.detached()) {
      reanchor->set_fragment_id(fragment.fragment_id());
      reanchor->set_link_epoch(fragment.link_epoch());
      step->Send(model::IdentifierKey(fragment.identifier().hmac()), message);
    }
    ++told;
    if (!is_root) book->RemoveFragment(fragment);
  }
  if (is_root) return;
  v1::LinkMessage settled;
  settled.mutable_settled()->set_member(book->id());
  settled.mutable_settled()->set_merge_id(book->root().merge_id());
  step->Send(book->root().parent(), settled);
}

LinkOutcome OnSettle(Step* step, const v1::Settle& settle) {
  MemberBook book(&step->state, step->entity());
  // Absorbed meanwhile: everything that is left follows the new parent.
  TellIdentifiers(step, &book, book.is_root() ? settle.from_fragment() : "");
  book.Save();
  return LinkOutcome::kSettled;
}

LinkOutcome OnSettled(Step* step, const v1::LinkMessage& message) {
  const v1::Settled& settled = message.settled();
  MemberBook book(&step->state, step->entity());
  if (auto elsewhere = Find(step, &book, settled.member(), "", Access::kWrites, message);
      elsewhere.has_value()) {
    return *elsewhere;
  }
  for (v1::AbsorbedMember& name : book.Names()) {
    if (name.member() != settled.member() || name.merge_id() != settled.merge_id()) continue;
    name.set_settled(true);
    book.UpdateName(name);
    return LinkOutcome::kSettled;
  }
  return LinkOutcome::kIgnored;
}

}  // namespace regulars::identity
