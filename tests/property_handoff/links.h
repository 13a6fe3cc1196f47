// Identity in small, for random histories: which member has which fragment, and what identity
// publishes when it joins members, undoes a merge or cuts a fragment off. Members are "m_a", "m_b",
// ..., the smaller name is the older one. Each begins with one fragment and has a second one, of
// which identity's member may not have heard yet, while touches already come under it.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_LINKS_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_LINKS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/property_handoff/follower.h"

namespace regulars::property_handoff {

using Happens = std::function<void(Follower*)>;

class Links {
 public:
  Links(uint64_t seed, int members);

  // Tells a fresh world which fragments the members began with.
  void Begin(Follower* world) const;

  // What is decided, to be put on its channels; nullopt: there is nothing of the kind to decide.
  std::optional<Happens> Join();
  std::optional<Happens> Undo();
  std::optional<Happens> Cut();
  // Identity's member hears of a fragment that is its own; nothing is published.
  void Listed();

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::string AnyMember();
  std::string AnyFragment();
  // The member that identity names, or named a while ago, with a fragment.
  std::string Target(const std::string& fragment);
  [[nodiscard]] const std::string& HomeOf(const std::string& fragment) const {
    return home_.at(fragment);
  }
  // Who answers for a member: whoever has the fragment that it began with.
  [[nodiscard]] const std::string& Root(const std::string& member) const {
    return home_.at(first_.at(member));
  }
  [[nodiscard]] std::set<std::string> Everybody() const;

 private:
  struct Joined {
    std::string merge_id;
    std::vector<std::string> fragments;
  };

  [[nodiscard]] std::vector<std::string> FragmentsOf(const std::string& member) const;
  [[nodiscard]] Part PartOf(const std::string& member) const;
  void MoveTo(const std::string& fragment, const std::string& member);
  // What nobody listed is where the name is that it was heard of under.
  void MoveUnlisted();
  Happens Separate(const std::string& root, const std::string& member,
                   const std::vector<std::string>& leaving,
                   const std::vector<std::string>& merge_ids);

  std::mt19937_64 random_;
  const int members_;
  std::map<std::string, std::string> first_;     // by member
  std::map<std::string, std::string> home_;      // by fragment
  std::map<std::string, std::string> unlisted_;  // by fragment: the member it is heard of under
  std::map<std::string, std::string> late_;      // was unlisted at the beginning
  std::map<std::string, uint32_t> epoch_;
  std::map<std::string, std::vector<std::string>> past_;
  std::map<std::string, Joined> joined_;  // by loser
  int merges_ = 0, splits_ = 0;
};

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_LINKS_H_
