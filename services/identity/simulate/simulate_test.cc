// Other rules over a log: held against a town that had those rules from the beginning, and against
// a union-find over the touches that knows nothing of the service.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "libs/base/status.h"
#include "services/identity/kernel/town.h"
#include "services/identity/simulate/difference.h"
#include "services/identity/simulate/replay.h"

namespace regulars::identity::simulate {
namespace {

using Groups = std::set<std::set<std::string>>;

History HistoryOf(const Town& town) {
  HistoryReader reader("tea", size_t{1} << 30);
  for (const auto& [entity, state] : town.states) {
    std::string from;
    while (const auto found = state.Next("", from)) {
      if (HistoryReader::Reads(found->first)) {
        EXPECT_TRUE(reader.Add(entity, found->first, found->second).ok()) << found->first;
      }
      from = found->first + '\0';
    }
  }
  return reader.Finish(town.rules.contested_max);
}

// The groups of the identifiers in `names` (texts of the town), as somebody computed them.
template <typename GroupOf>
Groups GroupsBy(const std::set<std::string>& names, GroupOf group_of) {
  std::map<std::string, std::set<std::string>> groups;
  for (const std::string& name : names) groups[group_of(name)].insert(name);
  Groups all;
  for (const auto& [group, members] : groups) all.insert(members);
  return all;
}

Groups GroupsIn(const Town& town, const std::set<std::string>& names) {
  return GroupsBy(names, [&](const std::string& name) { return town.Root(name); });
}

Groups GroupsIn(const History& history, const Replayed& replayed,
                const std::set<std::string>& names) {
  std::map<std::string, size_t> group;
  for (size_t i = 0; i < history.fragments.size(); ++i) {
    group[history.fragments[i].identifier().hmac()] = replayed.group[i];
  }
  return GroupsBy(names, [&](const std::string& name) { return Cat(group.at(IdOf(name).hmac())); });
}

// An identifier that only a contested pivot named was never anybody's: the log has no more than its
// key.
std::set<std::string> KnownTo(const History& history, const std::set<std::string>& names) {
  std::set<std::string> known, hmacs;
  for (const v1::MemberFragment& fragment : history.fragments) {
    hmacs.insert(fragment.identifier().hmac());
  }
  std::copy_if(names.begin(), names.end(), std::inserter(known, known.end()),
               [&](const std::string& name) { return hmacs.contains(IdOf(name).hmac()); });
  return known;
}

// Touches of people who share a phone now and then, each at rest before the next one.
struct Story {
  std::vector<std::string> touches;
  std::set<std::string> names;
};

Story StoryOf(uint64_t seed) {
  Story story;
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  const auto below = [&](uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % n;
  };
  const uint64_t people = 4 + below(8);
  for (int i = 0; i < 60; ++i) {
    const uint64_t person = below(people);
    std::vector<std::string> ids;
    if (below(3) > 0) ids.push_back(Cat("card:", person));
    const uint64_t more = 1 + below(2);
    for (uint64_t k = 0; k < more; ++k) {
      const char* type = std::array{"openid:", "phone:", "email:"}[below(3)];
      ids.push_back(below(6) == 0 ? Cat("phone:shared", below(2))
                                  : Cat(type, person, "/", below(4)));
    }
    // The order in which ingest writes them; each once.
    std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
      const auto place = [](const types::v1::Identifier& id) {
        return std::make_tuple(static_cast<int>(id.class_()), id.type(), id.hmac());
      };
      return place(IdOf(a)) < place(IdOf(b));
    });
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::string touch;
    for (const std::string& id : ids) {
      Append(&touch, touch.empty() ? "" : " ", id);
      story.names.insert(id);
    }
    story.touches.push_back(touch);
  }
  return story;
}

void Play(const Story& story, Town* town) {
  town->rules.tag = RulesTag(town->rules);
  for (const std::string& touch : story.touches) {
    town->Touch(touch);
    town->now_us += kMicrosPerDay / 4;
  }
}

LinkRules None() {
  LinkRules rules;
  rules.enabled = true;
  rules.unique_is_one = false;
  rules.limits.clear();
  rules.merge_rate.max = 0;
  rules.contested_max = 1'000'000;
  return rules;
}

LinkRules With(void (*change)(LinkRules*)) {
  LinkRules rules = None();
  change(&rules);
  return rules;
}

const std::vector<std::pair<std::string, LinkRules>>& Kinds() {
  static const std::vector<std::pair<std::string, LinkRules>> kinds = {
      {"none", None()},
      {"one card", With([](LinkRules* r) { r->unique_is_one = true; })},
      {"two phones", With([](LinkRules* r) {
         r->limits = {{"phone", 2, 0}};
       })},
      {"a phone a week", With([](LinkRules* r) {
         r->limits = {{"phone", 1, 7 * kMicrosPerDay}};
       })},
      {"four identifiers", With([](LinkRules* r) { r->identifiers_max = 4; })},
      {"one merge", With([](LinkRules* r) { r->merges_max = 1; })},
      {"a merge a week", With([](LinkRules* r) {
         r->merge_rate = {1, 7 * kMicrosPerDay};
       })},
      {"one card, soon contested", With([](LinkRules* r) {
         r->unique_is_one = true;
         r->contested_max = 2;
       })},
      {"all", With([](LinkRules* r) {
         r->unique_is_one = true;
         r->limits = {{"phone", 3, 0}, {"email", 2, 5 * kMicrosPerDay}};
         r->identifiers_max = 9;
         r->merge_rate = {2, 3 * kMicrosPerDay};
       })},
  };
  return kinds;
}

TEST(Replay, UnderTheRulesOfThenIsWhatHappened) {
  for (const auto& [name, rules] : Kinds()) {
    int64_t merges = 0, stopped = 0;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
      Town town;
      town.rules = rules;
      const Story story = StoryOf(seed);
      Play(story, &town);
      const History history = HistoryOf(town);
      const Difference difference = Compare(history, rules, rules, 10);
      EXPECT_TRUE(difference.none()) << name << seed;
      EXPECT_EQ(difference.members_not_reproduced, 0) << name << seed;
      EXPECT_EQ(difference.merges_now, static_cast<int64_t>(town.merges.size())) << name << seed;
      merges += difference.merges_now;
      stopped += static_cast<int64_t>(town.suppressed.size());
    }
    EXPECT_GT(merges, 0) << name;
    EXPECT_EQ(stopped > 0, name != "none") << name;
  }
}

// A log that was written without rules tells every link that was ever tried, so what other rules
// make of it is exact. One that was written under rules lacks what they kept from happening: what a
// stopped link would have led to, and the order of two links of one touch that were both stopped.
TEST(Replay, UnderOtherRulesIsATownThatHadThemFromTheBeginning) {
  for (const auto& [from, rules] : Kinds()) {
    for (const auto& [to, others] : Kinds()) {
      int same = 0, cases = 0;
      for (uint64_t seed = 1; seed <= 15; ++seed) {
        const Story story = StoryOf(seed);
        Town town, other;
        town.rules = rules;
        other.rules = others;
        Play(story, &town);
        Play(story, &other);
        const History history = HistoryOf(town);
        ++cases;
        const std::set<std::string> names = KnownTo(history, story.names);
        same += GroupsIn(history, Replay(history, rules, others), names) == GroupsIn(other, names)
                    ? 1
                    : 0;
      }
      EXPECT_GE(same, from == "none" ? cases : cases - 2) << from << " -> " << to;
    }
  }
}

TEST(Replay, WithoutRulesIsAUnionFindOverTheTouches) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Story story = StoryOf(seed);
    Town town;
    town.rules = Kinds()[1].second;  // one card: two cards of one phone were stopped
    Play(story, &town);
    std::map<std::string, std::string> parent;
    const auto find = [&](std::string name) {
      while (parent.try_emplace(name, name).first->second != name) name = parent[name];
      return name;
    };
    for (const std::string& touch : story.touches) {
      std::istringstream words(touch);
      std::string pivot, other;
      words >> pivot;
      while (words >> other) parent[find(other)] = find(pivot);
    }
    const History history = HistoryOf(town);
    EXPECT_EQ(GroupsIn(history, Replay(history, town.rules, None()), story.names),
              GroupsBy(story.names, find))
        << seed;
  }
}

TEST(Difference, SaysWhatARuleWouldUndoAndWhatItWouldJoin) {
  Town town;
  town.rules = With([](LinkRules* r) { r->unique_is_one = true; });
  for (const char* touch :
       {"card:ann phone:1", "card:bob phone:1", "card:cid email:1", "card:cid email:2"}) {
    town.Touch(touch);
    ++town.now_us;
  }
  const History history = HistoryOf(town);
  const Difference looser = Compare(history, town.rules, None(), 10);
  EXPECT_EQ(looser.members_now, 3);
  EXPECT_EQ(looser.members_then, 2);
  EXPECT_EQ(looser.merges_then - looser.merges_now, 1);
  EXPECT_EQ(looser.come_together, 2);
  EXPECT_EQ(looser.fall_apart, 0);
  EXPECT_EQ(looser.no_longer_stopped.at("unique:card"), 1);
  ASSERT_EQ(looser.examples.size(), 1u);
  EXPECT_TRUE(looser.examples[0].would_join);
  EXPECT_EQ(looser.examples[0].evidence.first().hmac(), IdOf("card:bob").hmac());
  EXPECT_EQ(looser.examples[0].evidence.second().hmac(), IdOf("phone:1").hmac());
  EXPECT_EQ(looser.examples[0].first_member, town.Root("card:bob"));
  EXPECT_EQ(looser.examples[0].second_member, town.Root("card:ann"));

  LinkRules strict = town.rules;
  strict.limits = {{"email", 1, 0}};
  const Difference stricter = Compare(history, town.rules, strict, 10);
  EXPECT_EQ(stricter.members_then, 4);
  EXPECT_EQ(stricter.fall_apart, 1);
  EXPECT_EQ(stricter.newly_stopped.at("max_per_type:email"), 1);
  EXPECT_EQ(Compare(history, town.rules, strict, 0).examples.size(), 0u);
}

TEST(Difference, LeavesPeoplesWordAlone) {
  Town town;
  town.rules = None();
  town.Touch("card:ann");
  town.Touch("card:bob phone:1");
  town.Touch("card:cid phone:2");
  town.Touch("openid:c phone:2");
  const std::string ann = town.Root("card:ann"), bob = town.Root("card:bob");
  ASSERT_EQ(town.Merge(ann, bob, "op1").outcome, CommandOutcome::kDone);
  ASSERT_EQ(town.Split(town.Root("card:cid"), {"openid:c"}, "op2").outcome, CommandOutcome::kDone);
  const History history = HistoryOf(town);
  EXPECT_TRUE(Compare(history, town.rules, town.rules, 10).none());
  LinkRules strict = None();
  strict.unique_is_one = true;
  strict.merges_max = 1;
  const Difference difference = Compare(history, town.rules, strict, 10);
  EXPECT_TRUE(difference.none());  // two cards by a person's word stay one
  EXPECT_EQ(difference.members_not_reproduced, 0);
}

TEST(Simulation, EndsAtTheNextDecisionWhenItIsAskedTo) {
  Town town;
  for (const char* touch : {"card:ann", "card:bob", "card:ann email:a", "card:bob email:b"}) {
    town.Touch(touch);
  }
  const History history = HistoryOf(town);
  ASSERT_GT(history.decisions.size(), 1u);
  int asked = 0;
  const StopAsked stop = [&] { return ++asked > 1; };
  EXPECT_EQ(Replay(history, town.rules, town.rules, stop).verdicts.size(), 1u);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(Compare(history, town.rules, town.rules, 10, stop).links, 0);
}

TEST(History, IsBounded) {
  HistoryReader reader("tea", 10);
  const absl::Status status = reader.Add("m_1", "member", std::string(20, 'x'));
  EXPECT_EQ(regulars::ReasonOf(status), "HISTORY_TOO_LARGE");
}

}  // namespace
}  // namespace regulars::identity::simulate
