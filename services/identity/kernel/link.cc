// A link on its way to its two roots, and what is said when a rule stops it.
#include <algorithm>
#include <utility>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "services/identity/kernel/births.h"
#include "services/identity/kernel/find.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

bool IsCommand(const v1::Link& link) { return link.second().identifier().hmac().empty(); }

// Both ends are here: the link is an edge of this member.
LinkOutcome Record(Step* step, MemberBook* book, const v1::LinkMessage& message) {
  if (book->proposing()) return Wait(step, book, message);
  v1::MemberEdge edge = message.link().edge();
  if (step->state.Has(EdgeKey(kRevokedPrefix, edge))) return LinkOutcome::kIgnored;
  edge.set_decided_us(step->now_us());
  if (!book->AddEdge(edge)) return LinkOutcome::kIgnored;
  book->Save();
  return LinkOutcome::kRecorded;
}

// The root of the first end is known; this is the root of the second.
LinkOutcome AskTheYounger(Step* step, MemberBook* book, v1::Link link) {
  v1::LinkMessage message;
  if (link.contest_only()) {
    *message.mutable_contest()->mutable_link() = link;
    message.mutable_contest()->set_rule("weak");
    step->Send(model::IdentifierKey(link.second().identifier().hmac()), message);
    return LinkOutcome::kAsked;
  }
  v1::Try* attempt = message.mutable_try_link();
  const bool first_is_older = IsOlder(link.first_birth(), book->root().birth());
  attempt->set_young(first_is_older ? book->id() : link.first_root());
  attempt->set_old(first_is_older ? link.first_root() : book->id());
  attempt->set_young_is_first(!first_is_older);
  *attempt->mutable_link() = std::move(link);
  step->Send(attempt->young(), message);
  return LinkOutcome::kAsked;
}

}  // namespace

LinkOutcome OnLink(Step* step, const v1::LinkMessage& message) {
  const v1::Link& link = message.link();
  MemberBook book(&step->state, step->entity());
  const bool at_first = link.first_root().empty();
  const v1::LinkEnd& end = at_first ? link.first() : link.second();
  // A command names a member that perhaps never was: nothing would wake it.
  if (!book.born() && IsCommand(link)) return LinkOutcome::kIgnored;
  if (auto elsewhere = Find(step, &book, end.member(), end.fragment_id(), Access::kReads, message);
      elsewhere.has_value()) {
    return *elsewhere;
  }
  v1::Link next = link;
  if (end.fragment_id().empty()) {
    // A command joins members: their first fragments stand for them.
    (at_first ? next.mutable_first() : next.mutable_second())
        ->set_fragment_id(book.root().fragment_id());
    if (!at_first) {
      v1::MemberEdge edge = MakeEdge(next.first().fragment_id(), next.second().fragment_id());
      edge.set_rule_version(link.edge().rule_version());
      edge.set_occurred_us(link.edge().occurred_us());
      edge.set_actor(link.edge().actor());
      *next.mutable_edge() = std::move(edge);
    }
  }
  const v1::LinkEnd& other = at_first ? next.second() : next.first();
  if (!other.fragment_id().empty() && book.HasFragment(other.fragment_id())) {
    v1::LinkMessage here = message;
    *here.mutable_link() = std::move(next);
    return Record(step, &book, here);
  }
  if (!at_first) {
    if (next.first_root() != book.id()) return AskTheYounger(step, &book, std::move(next));
    Restart(step, std::move(next));  // the first end left meanwhile
    return LinkOutcome::kRestarted;
  }
  next.set_first_root(book.id());
  *next.mutable_first_birth() = book.root().birth();
  v1::LinkMessage on;
  *on.mutable_link() = std::move(next);
  step->Send(on.link().second().member(), on);
  return LinkOutcome::kAsked;
}

void Restart(Step* step, v1::Link link) {
  link.clear_first_root();
  link.clear_first_birth();
  link.set_restarts(link.restarts() + 1);
  v1::LinkMessage message;
  *message.mutable_link() = std::move(link);
  step->Send(message.link().first().member(), message);
}

v1::Evidence EvidenceOf(const v1::Link& link) {
  v1::Evidence evidence;
  *evidence.mutable_first() = link.first().identifier();
  *evidence.mutable_second() = link.second().identifier();
  evidence.set_touch_id(link.edge().touch_id());
  evidence.set_rule_version(link.edge().rule_version());
  evidence.set_occurred_us(link.edge().occurred_us());
  return evidence;
}

v1::LinkSuppressed Suppressed(const v1::Link& link, std::string_view member, std::string_view other,
                              const Broken& broken, Micros now_us) {
  v1::LinkSuppressed suppressed;
  suppressed.set_member(std::string(member));
  suppressed.set_other_member(std::string(other));
  *suppressed.mutable_evidence() = EvidenceOf(link);
  suppressed.set_rule(broken.rule);
  suppressed.set_limit(broken.limit);
  suppressed.set_time_us(now_us);
  return suppressed;
}

void PublishSuppressed(Step* step, const v1::LinkSuppressed& suppressed) {
  const v1::Evidence& why = suppressed.evidence();
  const std::string id =
      model::HashedId({suppressed.member(), suppressed.other_member(), why.first().hmac(),
                       why.second().hmac(), why.touch_id(), Cat(suppressed.time_us())});
  step->Event(suppressed.member(), events::kLinkSuppressed, Cat("suppressed/", id), suppressed,
              step->now_us());
  step->Sum("links_suppressed");
}

const v1::LinkEnd& WeakerEnd(const LinkRules& rules, const v1::Link& link) {
  const auto rank = [&](const types::v1::Identifier& id) {
    const auto at = std::find(rules.priority.begin(), rules.priority.end(), id.type());
    return std::make_pair(static_cast<int>(id.class_()), at - rules.priority.begin());
  };
  return rank(link.first().identifier()) > rank(link.second().identifier()) ? link.first()
                                                                            : link.second();
}

Summary SummaryOf(const MemberBook& book) {
  Summary summary;
  summary.member = book.id();
  summary.fragments = book.Fragments();
  summary.do_not_link = book.Pairs();
  for (const v1::AbsorbedMember& name : book.Names()) {
    summary.names.push_back(name.member());
    summary.merges_us.push_back(name.time_us());
  }
  summary.edges = static_cast<int64_t>(book.Edges().size());
  return summary;
}

std::string MergeId(std::string_view loser, uint32_t loser_epoch) {
  return model::HashedId({"merge", loser, Cat(loser_epoch)});
}

}  // namespace regulars::identity
