#include "services/identity/kernel/parts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "services/identity/kernel/births.h"
#include "services/identity/kernel/find.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {
namespace {

// Fragment -> a number that is the same for all that hang together.
std::map<std::string, size_t> Components(const std::vector<v1::MemberFragment>& fragments,
                                         const std::vector<v1::MemberEdge>& edges) {
  std::map<std::string, std::vector<std::string>> next;
  for (const v1::MemberEdge& edge : edges) {
    next[edge.first_fragment()].push_back(edge.second_fragment());
    next[edge.second_fragment()].push_back(edge.first_fragment());
  }
  std::map<std::string, size_t> component;
  size_t count = 0;
  for (const v1::MemberFragment& fragment : fragments) {
    if (component.contains(fragment.fragment_id())) continue;
    std::vector<std::string> open{fragment.fragment_id()};
    component[fragment.fragment_id()] = count;
    while (!open.empty()) {
      const std::string here = std::move(open.back());
      open.pop_back();
      for (const std::string& there : next[here]) {
        if (component.try_emplace(there, count).second) open.push_back(there);
      }
    }
    ++count;
  }
  return component;
}

// A new id for a part that was nobody's. No other birth has this position and part.
void MintPart(const MemberBook& book, const v1::MemberState& root, Micros now_us, Part* part) {
  const std::string& first = part->fragments.front().fragment_id();
  part->member = Cat("m_", model::HashedId({"part", book.id(), Cat(root.epoch()), first}));
  part->birth = root.birth();
  part->birth.set_birth_us(now_us);
  part->birth.set_part(static_cast<int64_t>(Xxh3(part->member) >> 1) | 1);
  part->first_fragment = first;
}

// The oldest of the members whose first fragment the part holds is its root.
void NamePart(const MemberBook& book, const v1::MemberState& root, Micros now_us, Part* part) {
  if (part->names.empty()) return MintPart(book, root, now_us, part);
  const auto oldest =
      std::min_element(part->names.begin(), part->names.end(),
                       [](const auto& a, const auto& b) { return IsOlder(a.birth(), b.birth()); });
  part->member = oldest->member();
  part->birth = oldest->birth();
  part->epoch = oldest->epoch() + 1;
  part->link_epoch = oldest->link_epoch() + 1;
  part->first_fragment = oldest->fragment_id();
  part->names.erase(oldest);
}

v1::DoNotLink Pair(std::string_view own, std::string_view other, std::string_view split_id,
                   Micros now_us) {
  v1::DoNotLink pair;
  pair.set_own(std::string(own));
  pair.set_other(std::string(other));
  pair.set_split_id(std::string(split_id));
  pair.set_time_us(now_us);
  return pair;
}

// A pair holds for every part that has something of the member it was made for.
std::vector<v1::DoNotLink> PairsOf(const MemberBook& book, const SplitPlan& plan, size_t own,
                                   const std::string& split_id, Micros now_us) {
  std::vector<v1::DoNotLink> pairs;
  const Part& part = plan.parts[own];
  for (const v1::DoNotLink& old : book.Pairs()) {
    if (!part.origins.contains(old.own())) continue;
    const bool is_name = std::any_of(part.names.begin(), part.names.end(),
                                     [&](const auto& name) { return name.member() == old.own(); });
    pairs.push_back(
        Pair(is_name ? old.own() : part.member, old.other(), old.split_id(), old.time_us()));
  }
  for (size_t i = 0; i < plan.parts.size(); ++i) {
    if (i != own) pairs.push_back(Pair(part.member, plan.parts[i].member, split_id, now_us));
  }
  return pairs;
}

v1::LinkMessage ReviveOf(const MemberBook& book, const SplitPlan& plan, size_t own,
                         const std::vector<v1::DoNotLink>& pairs, const std::string& split_id) {
  const Part& part = plan.parts[own];
  v1::LinkMessage message;
  v1::Revive* revive = message.mutable_revive();
  revive->set_member(part.member);
  *revive->mutable_birth() = part.birth;
  revive->set_epoch(part.epoch);
  revive->set_fragment_id(part.first_fragment);
  revive->set_link_epoch(part.link_epoch);
  revive->set_revived_by(book.id());
  for (const v1::MemberFragment& fragment : part.fragments) *revive->add_fragments() = fragment;
  for (const v1::MemberEdge& edge : part.edges) *revive->add_edges() = edge;
  for (const v1::AbsorbedMember& name : part.names) *revive->add_names() = name;
  for (const v1::DoNotLink& pair : pairs) *revive->add_do_not_link() = pair;
  for (const v1::MemberEdge& edge : plan.revoked) {
    *revive->add_revoked()->mutable_edge() = edge;
    revive->mutable_revoked(revive->revoked_size() - 1)->set_split_id(split_id);
  }
  for (size_t i = 0; i < plan.parts.size(); ++i) {
    if (i == own) continue;
    for (const v1::MemberFragment& fragment : plan.parts[i].fragments) {
      v1::MovedFragment* moved = revive->add_elsewhere();
      moved->set_fragment_id(fragment.fragment_id());
      moved->mutable_at()->set_member(plan.parts[i].member);
      moved->mutable_at()->set_link_epoch(fragment.link_epoch());
    }
  }
  return message;
}

// The member forgets a part and remembers where it went.
void LetGo(MemberBook* book, const Part& part) {
  for (const v1::MemberFragment& fragment : part.fragments) {
    book->RemoveFragment(fragment);
    book->SetMoved(fragment.fragment_id(), part.member, fragment.link_epoch());
  }
  for (const v1::MemberEdge& edge : part.edges) book->RemoveEdge(edge);
  if (book->HasName(part.member)) {
    book->RemoveName(part.member);
    book->SetGone(part.member, part.member, part.link_epoch);
  }
  for (const v1::AbsorbedMember& name : part.names) {
    book->RemoveName(name.member());
    book->SetGone(name.member(), part.member, name.link_epoch());
  }
}

void SendReparents(Step* step, const Part& part) {
  for (const v1::AbsorbedMember& name : part.follow) {
    v1::LinkMessage message;
    message.mutable_reparent()->set_member(name.member());
    message.mutable_reparent()->set_link_epoch(name.link_epoch());
    message.mutable_reparent()->set_parent(part.member);
    step->Send(name.member(), message);
  }
}

void PublishCreated(Step* step, const Part& part) {
  v1::MemberCreated created;
  created.set_member(part.member);
  created.set_fragment_id(part.first_fragment);
  *created.mutable_birth() = part.birth;
  *created.mutable_anchor() = part.fragments.front().identifier();
  step->Event(part.member, events::kMemberCreated, Cat("created/", part.member), created,
              step->now_us());
  step->Sum("members_created");
}

}  // namespace

SplitPlan PlanSplit(const MemberBook& book, const std::set<std::string>& apart, Micros now_us) {
  const v1::MemberState& root = book.root();
  SplitPlan plan;
  std::vector<v1::MemberEdge> kept;
  for (v1::MemberEdge& edge : book.Edges()) {
    const bool cut =
        apart.contains(edge.first_fragment()) != apart.contains(edge.second_fragment());
    (cut ? plan.revoked : kept).push_back(std::move(edge));
  }
  const std::vector<v1::MemberFragment> fragments = book.Fragments();
  const std::map<std::string, size_t> component = Components(fragments, kept);
  std::map<size_t, size_t> place;  // component -> part; the member's own first fragment is part 0
  place[component.at(root.fragment_id())] = 0;
  plan.parts.resize(1);
  for (const v1::MemberFragment& fragment : fragments) {
    const auto [it, added] = place.try_emplace(component.at(fragment.fragment_id()), place.size());
    if (added) plan.parts.emplace_back();
    Part& part = plan.parts[it->second];
    part.fragments.push_back(fragment);
    part.origins.insert(fragment.home());
    if (it->second > 0) part.fragments.back().set_link_epoch(fragment.link_epoch() + 1);
  }
  const auto part_of = [&](const std::string& fragment) -> Part& {
    return plan.parts[place.at(component.at(fragment))];
  };
  for (v1::MemberEdge& edge : kept) part_of(edge.first_fragment()).edges.push_back(edge);
  for (v1::AbsorbedMember& name : book.Names()) {
    part_of(name.fragment_id()).names.push_back(name);
    part_of(name.fragment_id()).origins.insert(name.member());
  }
  plan.parts[0].origins.insert(book.id());
  plan.parts[0].member = book.id();
  plan.parts[0].birth = root.birth();
  plan.parts[0].epoch = root.epoch() + 1;
  plan.parts[0].first_fragment = root.fragment_id();
  for (size_t i = 1; i < plan.parts.size(); ++i) NamePart(book, root, now_us, &plan.parts[i]);
  // What came with a member that is in another part now came with this part's own.
  for (Part& part : plan.parts) {
    const auto has = [&](const std::string& home) {
      return home == part.member ||
             std::any_of(part.names.begin(), part.names.end(),
                         [&](const auto& name) { return name.member() == home; });
    };
    for (v1::MemberFragment& fragment : part.fragments) {
      if (!has(fragment.home())) fragment.set_home(part.member);
    }
    for (v1::AbsorbedMember& name : part.names) {
      const bool stays = has(name.absorbed_by());
      if (!stays) name.set_absorbed_by(part.member);
      if (stays && part.member == book.id()) continue;
      name.set_link_epoch(name.link_epoch() + 1);
      part.follow.push_back(name);
    }
  }
  return plan;
}

v1::SplitCommitted DescribeSplit(const MemberBook& book, const SplitPlan& plan,
                                 const std::string& split_id, const std::string& actor,
                                 Micros now_us) {
  v1::SplitCommitted split;
  split.set_split_id(split_id);
  split.set_member(book.id());
  split.set_actor(actor);
  split.set_time_us(now_us);
  for (const Part& part : plan.parts) {
    v1::SplitPart* shown = split.add_parts();
    shown->set_member(part.member);
    shown->set_member_epoch(part.epoch);
    *shown->mutable_birth() = part.birth;
    for (const v1::MemberFragment& fragment : part.fragments) {
      shown->add_fragment_ids(fragment.fragment_id());
      shown->add_fragment_epochs(fragment.link_epoch());
    }
    for (const v1::AbsorbedMember& name : part.names) {
      shown->add_absorbed_members(name.member());
      shown->add_first_fragment_ids(name.fragment_id());
    }
    shown->add_first_fragment_ids(part.first_fragment);
  }
  for (const v1::AbsorbedMember& name : book.Names()) {
    for (size_t i = 1; i < plan.parts.size(); ++i) {
      if (name.member() == plan.parts[i].member) split.add_merge_ids(name.merge_id());
    }
  }
  return split;
}

void CarryOutSplit(Step* step, MemberBook* book, const SplitPlan& plan,
                   const v1::SplitCommitted& split) {
  const std::string& split_id = split.split_id();
  // Pairs are made before the book forgets whom it was kept apart from.
  std::vector<std::vector<v1::DoNotLink>> pairs;
  for (size_t i = 0; i < plan.parts.size(); ++i) {
    pairs.push_back(PairsOf(*book, plan, i, split_id, step->now_us()));
  }
  for (size_t i = 1; i < plan.parts.size(); ++i) {
    const Part& part = plan.parts[i];
    if (book->HasName(part.member)) {
      step->Sum("members_revived");
    } else {
      PublishCreated(step, part);
    }
    step->Send(part.member, ReviveOf(*book, plan, i, pairs[i], split_id));
    LetGo(book, part);
  }
  for (const Part& part : plan.parts) SendReparents(step, part);
  for (const v1::MemberFragment& fragment : plan.parts[0].fragments) {
    book->UpdateFragment(fragment);
  }
  for (const v1::AbsorbedMember& name : plan.parts[0].names) book->UpdateName(name);
  for (const v1::MemberEdge& edge : plan.revoked) {
    book->RemoveEdge(edge);
    v1::RevokedEdge revoked;
    *revoked.mutable_edge() = edge;
    revoked.set_split_id(split_id);
    step->state.Write(EdgeKey(kRevokedPrefix, edge), revoked);
  }
  for (const v1::DoNotLink& pair : book->Pairs()) book->RemovePair(pair);
  for (const v1::DoNotLink& pair : pairs[0]) book->AddPair(pair);
  book->root().set_epoch(plan.parts[0].epoch);
  for (const Part& part : plan.parts) {
    step->Event(part.member, events::kSplitCommitted, Cat("split/", split_id, "/", part.member),
                split, step->now_us());
  }
  step->Sum("members_split");
}

LinkOutcome OnRevive(Step* step, const v1::Revive& revive) {
  MemberBook book(&step->state, step->entity());
  v1::MemberState& root = book.root();
  *root.mutable_birth() = revive.birth();
  root.set_fragment_id(revive.fragment_id());
  root.set_epoch(revive.epoch());
  root.set_link_epoch(revive.link_epoch());
  root.set_revived_by(revive.revived_by());
  root.clear_parent();
  root.clear_parent_birth();
  root.clear_parent_epoch();
  root.clear_merge_id();
  for (const v1::MovedFragment& moved : revive.elsewhere()) {
    book.SetMoved(moved.fragment_id(), moved.at().member(), moved.at().link_epoch());
  }
  for (const v1::MemberFragment& fragment : revive.fragments()) book.AddFragment(fragment);
  for (const v1::MemberEdge& edge : revive.edges()) book.AddEdge(edge);
  for (const v1::AbsorbedMember& name : revive.names()) book.AddName(name);
  for (const v1::DoNotLink& pair : revive.do_not_link()) book.AddPair(pair);
  for (const v1::RevokedEdge& revoked : revive.revoked()) {
    step->state.Write(EdgeKey(kRevokedPrefix, revoked.edge()), revoked);
  }
  Wake(step, &book);
  TellIdentifiers(step, &book, "");
  book.Save();
  return LinkOutcome::kRevived;
}

LinkOutcome OnReparent(Step* step, const v1::Reparent& reparent) {
  MemberBook book(&step->state, step->entity());
  if (book.is_root() || reparent.link_epoch() <= book.root().link_epoch()) {
    return LinkOutcome::kIgnored;
  }
  book.root().set_parent(reparent.parent());
  book.root().set_link_epoch(reparent.link_epoch());
  book.Save();
  return LinkOutcome::kReanchored;
}

}  // namespace regulars::identity
