#include "tests/property_handoff/links.h"

#include <algorithm>

#include "libs/base/text.h"

namespace regulars::property_handoff {
namespace {

std::string MemberName(int i) { return Cat("m_", std::string(1, static_cast<char>('a' + i))); }

std::string FragmentName(int member, int which) {
  return Cat("f", std::string(1, static_cast<char>('a' + member)), which);
}

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

Links::Links(uint64_t seed, int members) : random_(seed), members_(members) {
  for (int i = 0; i < members; ++i) {
    first_[MemberName(i)] = FragmentName(i, 0);
    for (const int which : {0, 1}) {
      const std::string fragment = FragmentName(i, which);
      home_[fragment] = MemberName(i);
      epoch_[fragment] = 0;
      if (which == 0 || Pick(2) == 0) continue;
      unlisted_[fragment] = MemberName(i);
      late_[fragment] = MemberName(i);
    }
  }
}

void Links::Begin(Follower* world) const {
  for (const auto& [member, fragment] : first_) world->Begin(member, fragment);
}

std::string Links::AnyMember() { return MemberName(Pick(members_)); }

std::string Links::AnyFragment() { return FragmentName(Pick(members_), Pick(2)); }

std::string Links::Target(const std::string& fragment) {
  if (const auto via = unlisted_.find(fragment); via != unlisted_.end()) return via->second;
  const auto& past = past_[fragment];
  if (!past.empty() && Pick(4) == 0) return past.back();
  return home_[fragment];
}

std::set<std::string> Links::Everybody() const {
  std::set<std::string> all;
  for (const auto& [member, fragment] : first_) all.insert(member);
  return all;
}

void Links::Listed() {
  if (unlisted_.empty()) return;
  auto chosen = unlisted_.begin();
  std::advance(chosen, Pick(static_cast<int>(unlisted_.size())));
  past_[chosen->first].push_back(chosen->second);
  unlisted_.erase(chosen);
}

std::vector<std::string> Links::FragmentsOf(const std::string& member) const {
  std::vector<std::string> all;
  for (const auto& [fragment, home] : home_) {
    if (home == member && !unlisted_.contains(fragment)) all.push_back(fragment);
  }
  return all;
}

Part Links::PartOf(const std::string& member) const {
  Part part{.member = member, .fragments = {}};
  for (const std::string& fragment : FragmentsOf(member)) {
    part.fragments.emplace_back(fragment, epoch_.at(fragment));
  }
  return part;
}

void Links::MoveTo(const std::string& fragment, const std::string& member) {
  past_[fragment].push_back(home_[fragment]);
  home_[fragment] = member;
}

void Links::MoveUnlisted() {
  for (const auto& [fragment, via] : unlisted_) home_[fragment] = Root(via);
}

std::optional<Happens> Links::Join() {
  const std::string a = Root(AnyMember());
  const std::string b = Root(AnyMember());
  if (a == b) return std::nullopt;
  const std::string survivor = std::min(a, b);  // the older one
  const std::string loser = std::max(a, b);
  const Part joining = PartOf(loser);
  const std::string id = Cat("merge", ++merges_);
  joined_[loser] = {.merge_id = id, .fragments = FragmentsOf(loser)};
  for (const auto& [fragment, epoch] : joining.fragments) MoveTo(fragment, survivor);
  MoveUnlisted();
  return [=](Follower* world) { world->Merge(id, loser, survivor, joining.fragments); };
}

std::optional<Happens> Links::Undo() {
  if (joined_.empty()) return std::nullopt;
  auto chosen = joined_.begin();
  std::advance(chosen, Pick(static_cast<int>(joined_.size())));
  const std::string loser = chosen->first;
  const std::string root = Root(loser);
  const std::string merge_id = chosen->second.merge_id;
  std::vector<std::string> leaving;
  for (const std::string& fragment : chosen->second.fragments) {
    if (home_[fragment] == root) leaving.push_back(fragment);
  }
  // What was named with one of them goes where that goes.
  for (const auto& [fragment, via] : late_) {
    if (home_[fragment] != root || unlisted_.contains(fragment)) continue;
    if (!Contains(leaving, fragment) && Contains(leaving, first_.at(via))) {
      leaving.push_back(fragment);
    }
  }
  joined_.erase(chosen);
  return Separate(root, loser, leaving, {merge_id});
}

std::optional<Happens> Links::Cut() {
  const std::string root = Root(AnyMember());
  std::vector<std::string> may;  // what no member began with
  for (const std::string& fragment : FragmentsOf(root)) {
    const bool first = std::any_of(first_.begin(), first_.end(),
                                   [&](const auto& entry) { return entry.second == fragment; });
    if (!first && !late_.contains(fragment)) may.push_back(fragment);
  }
  if (may.empty()) return std::nullopt;
  const std::string fragment = may[static_cast<size_t>(Pick(static_cast<int>(may.size())))];
  const std::string fresh = Cat("m_z", ++splits_);
  first_[fresh] = fragment;
  return Separate(root, fresh, {fragment}, {});
}

Happens Links::Separate(const std::string& root, const std::string& member,
                        const std::vector<std::string>& leaving,
                        const std::vector<std::string>& merge_ids) {
  for (const std::string& fragment : leaving) {
    MoveTo(fragment, member);
    ++epoch_[fragment];
  }
  MoveUnlisted();
  std::vector<Part> parts = {PartOf(root), PartOf(member)};
  if (merge_ids.empty() && Pick(2) == 0) parts.erase(parts.begin());  // as an expulsion does
  const std::string id = Cat("split", ++splits_);
  return [=](Follower* world) { world->Split(id, root, parts, merge_ids); };
}

}  // namespace regulars::property_handoff
