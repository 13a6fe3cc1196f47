#include "services/identity/simulate/replay.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "services/identity/kernel/births.h"
#include "services/identity/kernel/guard_rails.h"
#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity::simulate {
namespace {

class Replayer {
 public:
  Replayer(const History& history, const LinkRules& then, const LinkRules& rules)
      : history_(history),
        then_(then),
        rules_(rules),
        arrived_(history.began),
        groups_(history.fragments.size()),
        apart_(history.fragments.size()) {
    for (size_t i = 0; i < history.fragments.size(); ++i) parent_.push_back(i);
    for (const auto& [a, b] : history.apart) {
      apart_[a].push_back(b);
      apart_[b].push_back(a);
    }
  }

  Replayed Run(const StopAsked& stop) {
    Replayed replayed;
    for (const Decision& decision : history_.decisions) {
      if (stop && stop()) return replayed;
      replayed.verdicts.push_back(Decide(decision));
    }
    replayed.merges = merges_;
    // The root of a group is not its smallest index by itself.
    std::vector<size_t> smallest(parent_.size(), parent_.size());
    for (size_t i = parent_.size(); i-- > 0;) smallest[Find(i)] = i;
    for (size_t i = 0; i < parent_.size(); ++i) replayed.group.push_back(smallest[Find(i)]);
    return replayed;
  }

 private:
  struct Group {
    Summary summary;
    std::vector<size_t> members;  // indexes of its fragments
    size_t name = 0;              // first fragment of the oldest member
  };
  // What happened at an identifier, against what happened then.
  struct Trust {
    int64_t stopped = 0;           // links through it, of which it was the weaker end
    int64_t more = 0;              // of them: those that were not stopped then
    int64_t fewer = 0;             // stopped then, not now
    std::vector<size_t> denied{};  // members that it must not be linked to, beside those of then
  };

  size_t Find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  // Most fragments are in no decision: a group is made when it is first asked for.
  Group& GroupAt(size_t root) {
    std::unique_ptr<Group>& group = groups_[root];
    if (group == nullptr) {
      group = std::make_unique<Group>();
      v1::MemberFragment fragment = history_.fragments[root];
      if (fragment.detached_us() > 0 && !left_.contains(root)) fragment.set_detached(false);
      group->summary.fragments.push_back(std::move(fragment));
      group->members.push_back(root);
      group->name = root;
    }
    return *group;
  }

  void Leave(size_t index) {
    left_.insert(index);
    Group& group = GroupAt(Find(index));
    for (size_t i = 0; i < group.members.size(); ++i) {
      if (group.members[i] == index) group.summary.fragments[i].set_detached(true);
    }
  }

  bool StayApart(size_t a, size_t b) {
    const Group &one = GroupAt(a), &two = GroupAt(b);
    const bool swap = two.members.size() < one.members.size();
    for (const size_t index : (swap ? two : one).members) {
      for (const size_t other : apart_[index]) {
        if (Find(other) == (swap ? a : b)) return true;
      }
    }
    return false;
  }

  bool Contested(const Decision& decision, size_t end) const {
    const auto it = trust_at_.find(IdentifierOf(end));
    if (it == trust_at_.end() || it->second.stopped < rules_.contested_max) return false;
    return decision.past == Past::kContested || rules_.contested_max < then_.contested_max ||
           it->second.more > 0;
  }

  const std::string& IdentifierOf(size_t index) const {
    return history_.fragments[index].identifier().hmac();
  }

  std::optional<Broken> Check(const Decision& decision, size_t a, size_t b) {
    if (decision.past == Past::kCommand) return std::nullopt;
    const Trust &first = trust_at_[IdentifierOf(decision.first)],
                &second = trust_at_[IdentifierOf(decision.second)];
    const bool fewer = first.fewer + second.fewer > 0;
    if (Contested(decision, decision.first) || Contested(decision, decision.second) ||
        (decision.past == Past::kContested && !fewer &&
         rules_.contested_max <= then_.contested_max)) {
      return Broken{"contested", rules_.contested_max};
    }
    const bool denied = std::count(second.denied.begin(), second.denied.end(), GroupAt(a).name) > 0;
    if (denied || (decision.past == Past::kDenied && !fewer)) return Broken{"denied", 0};
    if (StayApart(a, b)) return Broken{"do_not_link", 0};
    const Summary &one = GroupAt(a).summary, &two = GroupAt(b).summary;
    if (arrived_[decision.second] && arrived_[decision.first]) {
      return CheckUnion(rules_, one, two, decision.at_us, true);
    }
    // A member takes in an identifier that was nobody's.
    const bool second_is_new = !arrived_[decision.second];
    const Summary &member = second_is_new ? one : two, &added = second_is_new ? two : one;
    if (member.edges >= kEdgesMax) return Broken{"max_edges", kEdgesMax};
    return CheckIdentifierFits(rules_, member.fragments, added.fragments.front(), decision.at_us);
  }

  void Stop(const Decision& decision, const Broken& broken) {
    const bool limit =
        broken.rule != "contested" && broken.rule != "denied" && broken.rule != "do_not_link";
    if (!limit) return;
    const bool is_link = arrived_[decision.first] && arrived_[decision.second];
    v1::Link link;
    *link.mutable_first()->mutable_identifier() = history_.fragments[decision.first].identifier();
    *link.mutable_second()->mutable_identifier() = history_.fragments[decision.second].identifier();
    const bool first_is_weaker = is_link && &WeakerEnd(rules_, link) == &link.first();
    Arrive(decision);  // what a member may not take in becomes a member of its own
    Trust& trust = trust_at_[IdentifierOf(first_is_weaker ? decision.first : decision.second)];
    ++trust.stopped;
    if (decision.past == Past::kStopped) return;
    ++trust.more;
    if (!is_link) return;
    if (trust.denied.size() >= kDenyMax) trust.denied.erase(trust.denied.begin());
    trust.denied.push_back(GroupAt(Find(first_is_weaker ? decision.second : decision.first)).name);
  }

  Verdict Decide(const Decision& decision) {
    if (decision.past == Past::kLeft) {
      Leave(decision.first);
      return {};
    }
    const size_t a = Find(decision.first), b = Find(decision.second);
    if (a == b) {
      ++GroupAt(a).summary.edges;
      return {};
    }
    // A weak identifier is taken in once, and joins nobody.
    if (decision.past == Past::kStopped && arrived_[decision.second] &&
        IsWeak(history_.fragments[decision.second].identifier())) {
      return {};
    }
    if (const auto broken = Check(decision, a, b); broken.has_value()) {
      Stop(decision, *broken);
      return {true, broken->rule, broken->limit};
    }
    if (decision.past != Past::kJoined && decision.past != Past::kCommand) {
      ++trust_at_[IdentifierOf(decision.first)].fewer;
      ++trust_at_[IdentifierOf(decision.second)].fewer;
    }
    const bool is_merge = arrived_[decision.first] && arrived_[decision.second];
    Unite(a, b, is_merge, decision.at_us);
    Arrive(decision);
    return {};
  }

  void Arrive(const Decision& decision) {
    arrived_[decision.first] = true;
    arrived_[decision.second] = true;
  }

  void Unite(size_t a, size_t b, bool is_merge, Micros at_us) {
    if (GroupAt(a).members.size() < GroupAt(b).members.size()) std::swap(a, b);
    Group& into = GroupAt(a);
    const std::unique_ptr<Group> from = std::move(groups_[b]);
    parent_[b] = a;
    const auto move = [](auto* to, auto& all) {
      to->insert(to->end(), std::make_move_iterator(all.begin()),
                 std::make_move_iterator(all.end()));
    };
    move(&into.members, from->members);
    move(&into.summary.fragments, from->summary.fragments);
    move(&into.summary.names, from->summary.names);
    move(&into.summary.merges_us, from->summary.merges_us);
    into.summary.edges += from->summary.edges + 1;
    if (IsOlder(history_.births[from->name], history_.births[into.name])) into.name = from->name;
    if (!is_merge) return;
    ++merges_;
    into.summary.names.emplace_back();  // only their number counts here
    into.summary.merges_us.push_back(at_us);
  }

  const History& history_;
  const LinkRules& then_;
  const LinkRules& rules_;
  std::vector<bool> arrived_;  // a member, or part of one
  std::vector<size_t> parent_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<std::vector<size_t>> apart_;
  std::set<size_t> left_;                  // identifiers of these fragments left already
  std::map<std::string, Trust> trust_at_;  // by identifier
  int64_t merges_ = 0;
};

}  // namespace

Replayed Replay(const History& history, const LinkRules& then, const LinkRules& rules,
                const StopAsked& stop) {
  return Replayer(history, then, rules).Run(stop);
}

}  // namespace regulars::identity::simulate
