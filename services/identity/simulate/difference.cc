#include "services/identity/simulate/difference.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "services/identity/simulate/replay.h"

namespace regulars::identity::simulate {
namespace {

// Two ways to put the same things into groups, and which groups meet.
struct Meetings {
  std::map<size_t, std::set<size_t>> of_first, of_second;

  Meetings(const std::vector<size_t>& first, const std::vector<size_t>& second) {
    for (size_t i = 0; i < first.size(); ++i) {
      of_first[first[i]].insert(second[i]);
      of_second[second[i]].insert(first[i]);
    }
  }
  // Groups of the first that are several in the second.
  [[nodiscard]] int64_t Fallen() const {
    return std::count_if(of_first.begin(), of_first.end(),
                         [](const auto& group) { return group.second.size() > 1; });
  }
  // Groups of the first that share one of the second with others.
  [[nodiscard]] int64_t Joined() const {
    std::set<size_t> joined;
    for (const auto& [group, met] : of_second) {
      if (met.size() > 1) joined.insert(met.begin(), met.end());
    }
    return static_cast<int64_t>(joined.size());
  }
  // Groups of the first that are not exactly one of the second.
  [[nodiscard]] int64_t Changed() const {
    return std::count_if(of_first.begin(), of_first.end(), [&](const auto& group) {
      return group.second.size() != 1 || of_second.at(*group.second.begin()).size() != 1;
    });
  }
};

std::vector<size_t> GroupsOfNow(const History& history) {
  std::map<std::string_view, size_t> smallest;
  std::vector<size_t> groups;
  for (size_t i = 0; i < history.held_by.size(); ++i) {
    groups.push_back(smallest.try_emplace(history.held_by[i], i).first->second);
  }
  return groups;
}

Example ExampleOf(const History& history, const Decision& decision, const LinkRules& now,
                  const Verdict& verdict, bool would_join) {
  Example example;
  example.would_join = would_join;
  example.rule = verdict.rule;
  example.limit = verdict.limit;
  *example.evidence.mutable_first() = history.fragments[decision.first].identifier();
  *example.evidence.mutable_second() = history.fragments[decision.second].identifier();
  example.evidence.set_touch_id(decision.touch_id);
  example.evidence.set_rule_version(RulesTag(now));
  example.evidence.set_occurred_us(decision.occurred_us);
  example.decided_us = decision.at_us;
  example.first_member = history.held_by[decision.first];
  example.second_member = history.held_by[decision.second];
  return example;
}

}  // namespace

Difference Compare(const History& history, const LinkRules& now, const LinkRules& then,
                   size_t examples_max, const StopAsked& stop) {
  const Replayed today = Replay(history, now, now, stop), other = Replay(history, now, then, stop);
  const auto asked = [&] { return stop && stop(); };
  Difference difference;
  if (asked()) return difference;
  size_t joining = 0, parting = 0;
  for (size_t i = 0; i < history.decisions.size(); ++i) {
    const Decision& decision = history.decisions[i];
    if (decision.past == Past::kLeft) continue;
    ++difference.links;
    if (decision.past == Past::kUnknown) ++difference.links_undecided;
    const Verdict &before = today.verdicts[i], &after = other.verdicts[i];
    if (before.stopped == after.stopped) continue;
    const Verdict& said = before.stopped ? before : after;
    ++(before.stopped ? difference.no_longer_stopped : difference.newly_stopped)[said.rule];
    if (++(before.stopped ? joining : parting) > examples_max) continue;
    difference.examples.push_back(ExampleOf(history, decision, now, said, before.stopped));
  }
  if (asked()) return difference;
  const Meetings meetings(today.group, other.group);
  difference.members_now = static_cast<int64_t>(meetings.of_first.size());
  difference.members_then = static_cast<int64_t>(meetings.of_second.size());
  difference.merges_now = today.merges;
  difference.merges_then = other.merges;
  difference.come_together = meetings.Joined();
  difference.fall_apart = meetings.Fallen();
  if (asked()) return difference;
  difference.members_not_reproduced = Meetings(GroupsOfNow(history), today.group).Changed();
  return difference;
}

}  // namespace regulars::identity::simulate
