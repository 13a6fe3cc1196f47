#include "tests/sim_identity/auditor.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/model/identifier.h"

namespace regulars::sim_identity {
namespace {

template <typename Message>
std::vector<Message> All(const identity::MapState& state, const std::string& prefix) {
  std::vector<Message> all;
  std::string from = prefix;
  while (const auto found = state.Next(prefix, from)) {
    all.emplace_back().ParseFromString(found->second);
    from = found->first + '\x01';
  }
  return all;
}

auto Age(const v1::BirthOrder& birth) {
  return std::make_tuple(birth.birth_us(), birth.shard(), birth.sequence(), birth.part());
}

// Plain union-find with path halving.
class Groups {
 public:
  std::string Find(std::string x) {
    while (parent_.try_emplace(x, x).first->second != x) {
      parent_[x] = parent_[parent_[x]];
      x = parent_[x];
    }
    return x;
  }
  void Join(const std::string& a, const std::string& b) { parent_[Find(a)] = Find(b); }

 private:
  std::map<std::string, std::string> parent_;
};

bool Joins(const types::v1::Identifier& id) {
  return id.type() == "card" ||
         (id.class_() == types::v1::IDENTIFIER_CLASS_STRONG && id.verified());
}

}  // namespace

std::string VisibleState(const World& world) {
  std::string text;
  std::map<std::string, std::string> lines;
  for (int32_t shard = 0; shard < world.shape().shards; ++shard) {
    for (const auto& [entity, state] : world.states(shard)) {
      v1::IdentifierState anchor;
      if (anchor.ParseFromString(state.Get("anchor").value_or("")) && !anchor.member().empty()) {
        lines[entity] = Cat(anchor.fragment_id(), " -> ", anchor.member());
      }
      for (const v1::MemberFragment& fragment : All<v1::MemberFragment>(state, "frag/")) {
        lines[fragment.fragment_id()] = Cat(entity, fragment.detached() ? " detached" : "");
      }
    }
  }
  for (const auto& [key, line] : lines) Append(&text, key, " ", line, "\n");
  return text;
}

void Auditor::Collect() {
  for (int32_t shard = 0; shard < world_.shape().shards; ++shard) {
    for (const auto& [entity, state] : world_.states(shard)) {
      if (!entity.starts_with("m_")) {
        v1::IdentifierState anchor;
        if (state.Get("anchor").has_value()) anchor.ParseFromString(*state.Get("anchor"));
        if (!anchor.member().empty()) anchors_[entity] = anchor;
        continue;
      }
      if (state.Next("defer/", "defer/").has_value())
        Wrong(Cat("a message waits for ever at ", entity));
      Member member;
      member.root.ParseFromString(state.Get("member").value_or(""));
      if (!member.root.has_birth()) continue;
      member.fragments = All<v1::MemberFragment>(state, "frag/");
      member.edges = All<v1::MemberEdge>(state, "edge/");
      member.names = All<v1::AbsorbedMember>(state, "name/");
      member.pairs = All<v1::DoNotLink>(state, "dnl/");
      for (const auto& revoked : All<v1::RevokedEdge>(state, "revoked/")) {
        revoked_.insert({revoked.edge().first_fragment(), revoked.edge().second_fragment()});
      }
      members_[entity] = std::move(member);
    }
  }
}

void Auditor::Audit() {
  NothingWaits();
  AnchorsAndFragments();
  RootsAreOldest();
  EdgesHoldTogether();
  if (!world_.shape().limits && !world_.shape().commands) SameAsUnionFind();
  LimitsHold();
  EvidenceIsExplained();
  TouchesCountOnce();
  PointsAreWhereTheirFragmentIs();
}

const std::string& Auditor::RootOfMember(const std::string& member) {
  static const std::string kNobody;
  const std::string* at = &member;
  for (size_t hops = 0; hops <= members_.size(); ++hops) {
    const auto it = members_.find(*at);
    if (it == members_.end()) return kNobody;
    if (it->second.root.parent().empty()) return it->first;
    at = &it->second.root.parent();
  }
  Wrong("the parents of a member go round in a circle");
  return kNobody;
}

void Auditor::NothingWaits() {
  for (const auto& [id, member] : members_) {
    if (!member.root.proposing_to().empty()) Wrong(Cat(id, " proposes for ever"));
    for (const v1::AbsorbedMember& name : member.names) {
      if (!name.settled()) Wrong(Cat(name.member(), " never settles"));
    }
  }
}

void Auditor::AnchorsAndFragments() {
  std::map<std::string, const v1::MemberFragment*> fragments;
  for (const auto& [id, member] : members_) {
    if (!member.root.parent().empty() && !member.fragments.empty()) Wrong("an alias has fragments");
    for (const v1::MemberFragment& fragment : member.fragments) {
      if (!home_.try_emplace(fragment.fragment_id(), id).second) {
        Wrong(Cat("fragment ", fragment.fragment_id(), " is at two members"));
      }
      fragments[fragment.fragment_id()] = &fragment;
    }
  }
  for (const auto& [key, anchor] : anchors_) {
    const auto held = home_.find(anchor.fragment_id());
    if (held == home_.end()) {
      Wrong(Cat(key, " is anchored at a fragment of nobody"));
    } else if (held->second != anchor.member()) {
      Wrong(Cat(key, " names ", anchor.member(), " but belongs to ", held->second));
    } else if (fragments[anchor.fragment_id()]->detached()) {
      Wrong(Cat(key, " is anchored at a fragment that it left"));
    }
  }
  for (const auto& [fragment, root] : home_) {
    const v1::MemberFragment& state = *fragments[fragment];
    const auto anchor = anchors_.find(model::IdentifierKey(state.identifier().hmac()));
    const bool active = anchor != anchors_.end() && anchor->second.fragment_id() == fragment;
    if (active == state.detached()) Wrong(Cat("fragment ", fragment, " is detached or is not"));
  }
}

void Auditor::RootsAreOldest() {
  std::map<std::string, std::string> owner;
  for (const auto& [id, member] : members_) {
    for (const v1::AbsorbedMember& name : member.names) {
      if (!owner.try_emplace(name.member(), id).second) Wrong("a member is part of two");
      if (!(Age(member.root.birth()) < Age(name.birth()))) Wrong("a root is not the oldest");
      for (const v1::DoNotLink& pair : member.pairs) {
        if (pair.other() == name.member()) Wrong("two that a split separated are one");
      }
      if (RootOfMember(name.member()) != id)
        Wrong(Cat(name.member(), " does not lead to its root"));
    }
  }
  for (const auto& [id, member] : members_) {
    if (!member.root.parent().empty() && !owner.contains(id)) Wrong("an alias of nobody");
    if (member.root.parent().empty() && member.fragments.empty()) Wrong("a root with nothing");
  }
}

void Auditor::EdgesHoldTogether() {
  for (const auto& [id, member] : members_) {
    if (!member.root.parent().empty()) continue;
    Groups groups;
    for (const v1::MemberEdge& edge : member.edges) {
      for (const std::string& end : {edge.first_fragment(), edge.second_fragment()}) {
        const auto held = home_.find(end);
        if (held == home_.end() || held->second != id) Wrong("an edge ends at somebody else");
      }
      groups.Join(edge.first_fragment(), edge.second_fragment());
    }
    std::set<std::string> parts;
    for (const v1::MemberFragment& fragment : member.fragments) {
      parts.insert(groups.Find(fragment.fragment_id()));
    }
    if (parts.size() != 1) Wrong(Cat(id, " is ", parts.size(), " people without evidence"));
  }
}

void Auditor::SameAsUnionFind() {
  Groups groups;
  std::set<std::string> known;
  for (const Touched& touch : workload_.touched()) {
    const types::v1::Identifier& pivot = touch.identifiers.front();
    const std::string pivot_key = model::IdentifierKey(pivot.hmac());
    if (pivot.type() != "device") known.insert(pivot_key);
    if (!Joins(pivot)) continue;
    for (const types::v1::Identifier& other : touch.identifiers) {
      if (!Joins(other)) continue;
      known.insert(model::IdentifierKey(other.hmac()));
      groups.Join(pivot_key, model::IdentifierKey(other.hmac()));
    }
  }
  std::map<std::string, std::set<std::string>> want, have;
  for (const std::string& key : known) {
    want[groups.Find(key)].insert(key);
    const auto anchor = anchors_.find(key);
    if (anchor == anchors_.end()) continue;  // only its orders were touched, and they are others'
    have[anchor->second.member()].insert(key);
  }
  std::set<std::set<std::string>> wanted, had;
  for (auto& [group, keys] : want) {
    std::erase_if(keys, [&](const std::string& key) { return !anchors_.contains(key); });
    if (!keys.empty()) wanted.insert(keys);
  }
  for (const auto& [member, keys] : have) had.insert(keys);
  if (wanted != had) Wrong("components differ from the union-find over the evidence");
}

void Auditor::LimitsHold() {
  const identity::LinkRules& rules = world_.rules();
  for (const auto& [id, member] : members_) {
    std::map<std::string, std::set<std::string>> values;
    for (const v1::MemberFragment& fragment : member.fragments) {
      if (fragment.detached()) continue;
      values[fragment.identifier().type()].insert(fragment.identifier().hmac());
    }
    if (rules.unique_is_one && values["card"].size() > 1) Wrong(Cat(id, " has two cards"));
    for (const identity::TypeLimit& limit : rules.limits) {
      if (static_cast<int64_t>(values[limit.type].size()) > limit.max) {
        Wrong(Cat(id, " has too many of type ", limit.type));
      }
    }
    if (static_cast<int64_t>(member.fragments.size()) > rules.identifiers_max) {
      Wrong(Cat(id, " has too many identifiers"));
    }
    if (static_cast<int64_t>(member.names.size()) > rules.merges_max) {
      Wrong(Cat(id, " was merged too often"));
    }
    // As the newest merge saw it. A split may have taken that one away and left older ones here.
    if (rules.merge_rate.max <= 0 || world_.shape().commands) continue;
    Micros newest_us = 0;
    for (const v1::AbsorbedMember& name : member.names) {
      newest_us = std::max(newest_us, name.time_us());
    }
    const auto merges = std::count_if(
        member.names.begin(), member.names.end(),
        [&](const auto& name) { return name.time_us() > newest_us - rules.merge_rate.window_us; });
    if (merges > rules.merge_rate.max) Wrong(Cat(id, " was merged too often within a window"));
  }
}

// Two that a touch named together are one, or a split took that away, or a rule stopped it.
void Auditor::EvidenceIsExplained() {
  for (const Touched& touch : workload_.touched()) {
    const types::v1::Identifier& pivot = touch.identifiers.front();
    if (!Joins(pivot)) continue;
    for (const types::v1::Identifier& other : touch.identifiers) {
      if (!Joins(other)) continue;
      const auto a = anchors_.find(model::IdentifierKey(pivot.hmac()));
      const auto b = anchors_.find(model::IdentifierKey(other.hmac()));
      if (a == anchors_.end() || b == anchors_.end()) continue;
      if (a->second.member() == b->second.member()) continue;
      // One of them left its member and names somebody else now: no longer the same evidence.
      if (a->second.anchor_epoch() > 0 || b->second.anchor_epoch() > 0) continue;
      const std::string& one = a->second.fragment_id();
      const std::string& two = b->second.fragment_id();
      const bool revoked = revoked_.contains({std::min(one, two), std::max(one, two)});
      const bool stopped = world_.suppressed().contains(
          {std::min(pivot.hmac(), other.hmac()), std::max(pivot.hmac(), other.hmac())});
      if (!revoked && !stopped) Wrong(Cat(one, " and ", two, " are two and nobody says why"));
    }
  }
}

void Auditor::TouchesCountOnce() {
  const auto facts = static_cast<int64_t>(workload_.facts().size());
  if (world_.sum("touches_new") != facts) {
    Wrong(Cat("new touches ", world_.sum("touches_new"), ", expected ", facts));
  }
  if (world_.sum("touches_new") + world_.sum("touches_duplicate") != workload_.fed()) {
    Wrong("touches disappeared");
  }
  for (const auto& [what, times] : ledger_.by_touch()) {
    if (times != 1) Wrong(Cat(what, " was resolved ", times, " times"));
  }
}

void Auditor::PointsAreWhereTheirFragmentIs() {
  int64_t points = 0;
  for (const auto& [member, account] : ledger_.accounts()) {
    for (const auto& [fragment, held] : account.fragments) {
      points += held.points;
      const auto home = home_.find(fragment);
      if (held.points > 0 && (home == home_.end() || home->second != member)) {
        Wrong(Cat("points of ", fragment, " are at ", member, ", the fragment at ",
                  home == home_.end() ? "nobody" : home->second));
      }
    }
  }
  if (points != ledger_.resolved()) {
    Wrong(Cat("points ", points, ", earned ", ledger_.resolved()));
  }
}

}  // namespace regulars::sim_identity
