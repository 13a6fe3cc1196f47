#include "services/identity/kernel/parted.h"

#include <algorithm>
#include <map>
#include <utility>

#include "services/identity/kernel/member_book.h"

namespace regulars::identity {
namespace {

// The tree of merges of one person.
class Merges {
 public:
  explicit Merges(const MemberBook& book) : root_(book.id()) {
    for (v1::AbsorbedMember& name : book.Names()) names_[name.member()] = std::move(name);
  }

  bool Has(const std::string& member) const { return member == root_ || names_.contains(member); }
  // Until when it was a root; the root of all is one still.
  Micros RootUntil(const std::string& member) const {
    return member == root_ ? kMicrosMax : names_.at(member).time_us();
  }
  // Since when the two are one person; 0 for the same member.
  Micros OneSince(const std::string& a, const std::string& b) const {
    const auto of_b = Upwards(b);
    for (const auto& [member, since_a] : Upwards(a)) {
      const auto met = std::find_if(of_b.begin(), of_b.end(),
                                    [&](const auto& step) { return step.first == member; });
      if (met != of_b.end()) return std::max(since_a, met->second);
    }
    return 0;
  }

 private:
  // The member and whom it became part of, each with the instant since when it is.
  std::vector<std::pair<std::string, Micros>> Upwards(std::string member) const {
    std::vector<std::pair<std::string, Micros>> way = {{member, 0}};
    for (auto name = names_.find(member); name != names_.end() && way.size() <= names_.size();
         name = names_.find(name->second.absorbed_by())) {
      way.emplace_back(name->second.absorbed_by(),
                       std::max(way.back().second, name->second.time_us()));
    }
    return way;
  }

  const std::string root_;
  std::map<std::string, v1::AbsorbedMember> names_;
};

// The members of a part that were somebody before. A part that was nobody's has those that its
// fragments came with.
std::vector<std::string> MembersOf(const v1::SplitPart& part, const Merges& merges,
                                   const MemberBook& before) {
  std::vector<std::string> members(part.absorbed_members().begin(), part.absorbed_members().end());
  if (merges.Has(part.member())) members.push_back(part.member());
  if (!members.empty()) return members;
  for (const std::string& id : part.fragment_ids()) {
    const auto fragment = before.Fragment(id);
    if (fragment.has_value() && merges.Has(fragment->home())) members.push_back(fragment->home());
  }
  return members;
}

}  // namespace

std::vector<Parted> PartedBy(const MemberBook& before, const v1::SplitCommitted& split) {
  const Merges merges(before);
  std::vector<std::vector<std::string>> members;
  for (const v1::SplitPart& part : split.parts()) {
    members.push_back(MembersOf(part, merges, before));
  }
  std::vector<Parted> parted;
  for (int own = 0; own < split.parts_size(); ++own) {
    if (!merges.Has(split.parts(own).member())) continue;  // was nobody, was told nothing
    for (const std::string& holder : members[static_cast<size_t>(own)]) {
      for (int other = 0; other < split.parts_size(); ++other) {
        if (other == own) continue;
        Micros since = kMicrosMax;
        for (const std::string& member : members[static_cast<size_t>(other)]) {
          since = std::min(since, merges.OneSince(holder, member));
        }
        if (since >= merges.RootUntil(holder)) continue;
        parted.push_back({holder, split.parts(other).member(), since});
      }
    }
  }
  return parted;
}

}  // namespace regulars::identity
