// Who is who, read like a ledger: what touches say, message by message where the order matters.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "services/identity/kernel/births.h"
#include "services/identity/kernel/guard_rails.h"
#include "services/identity/kernel/town.h"

namespace regulars::identity {
namespace {

struct Row {
  std::string touch;
  std::string same;   // two identifiers that are one person afterwards
  std::string other;  // two that are not
};

void Play(Town* town, const std::vector<Row>& rows) {
  const auto pair = [](const std::string& text) {
    const size_t space = text.find(' ');
    return std::make_pair(text.substr(0, space), text.substr(space + 1));
  };
  for (const Row& row : rows) {
    town->Touch(row.touch);
    ++town->now_us;
    if (!row.same.empty()) {
      EXPECT_TRUE(town->Same(pair(row.same).first, pair(row.same).second)) << row.touch;
    }
    if (!row.other.empty()) {
      EXPECT_FALSE(town->Same(pair(row.other).first, pair(row.other).second)) << row.touch;
    }
  }
}

TEST(Linking, JoinsWhatIsProvedAndNothingElse) {
  Town town;
  Play(&town, {
                  {"card:ann phone:1", "card:ann phone:1", ""},
                  {"openid:a phone:1", "card:ann openid:a", ""},  // through the phone
                  {"card:bob phone:2?", "", "card:bob phone:2"},  // a hint
                  {"card:cid phone:2", "", "card:bob phone:2"},   // proved, by somebody else
                  {"phone:9? card:dan", "", "phone:9 card:dan"},  // the pivot is not proved
                  {"card:eve shop:1 order:A1", "", "card:ann card:eve"},
              });
  EXPECT_TRUE(town.Same("card:cid", "phone:2"));
  EXPECT_EQ(town.merges.size(), 1u);
}

TEST(Linking, TheOlderMemberSurvivesWhoeverAsks) {
  for (const bool older_asks : {true, false}) {
    Town town;
    town.Touch("openid:old");
    town.now_us += 5;
    town.Touch("openid:young");
    const std::string old = town.Root("openid:old");
    town.Touch(older_asks ? "openid:old openid:young" : "openid:young openid:old");
    EXPECT_EQ(town.Root("openid:young"), old);
    ASSERT_EQ(town.merges.size(), 1u);
    EXPECT_EQ(town.merges[0].survivor(), old);
    EXPECT_EQ(town.merges[0].loser_epoch(), 0u);
    EXPECT_EQ(town.merges[0].survivor_epoch(), 1u);
    EXPECT_EQ(town.merges[0].merge_id(), MergeId(town.merges[0].loser(), 0));
    EXPECT_EQ(town.merges[0].fragment_ids_size(), 1);
    ASSERT_EQ(town.merges[0].first_fragment_ids_size(), 1);
    EXPECT_EQ(town.merges[0].first_fragment_ids(0), town.merges[0].fragment_ids(0));
    EXPECT_EQ(town.Anchor("openid:young").member(), old);
  }
}

TEST(Linking, AWarmTouchClaimsNothing) {
  Town town;
  town.Touch("card:ann phone:1 openid:a");
  const auto before = town.sent;
  EXPECT_EQ(town.Touch("card:ann phone:1 openid:a"), "known_member");
  EXPECT_EQ(town.Touch("phone:1 card:ann"), "known_member");
  EXPECT_EQ(town.sent, before);
  EXPECT_EQ(town.Touch("card:ann order:A1"), "asks_object");
  EXPECT_EQ(town.sent["object_touch"], 1);
}

TEST(Linking, AMessageThatOvertakesABirthWaits) {
  Town town;
  town.hold = true;
  town.Touch("card:ann phone:1");
  ASSERT_EQ(town.queue.size(), 1u);
  EXPECT_EQ(town.DeliverNext(), LinkOutcome::kAnchored);  // the claim
  EXPECT_EQ(town.DeliverNext(), LinkOutcome::kWaits);     // its `Own`
  town.BearAll();
  town.Deliver();
  EXPECT_TRUE(town.Same("card:ann", "phone:1"));
  EXPECT_EQ(ReadMember(town.states[town.Root("phone:1")])->identifier_count(), 2);
}

TEST(Linking, ReanchorsAreMonotone) {
  struct Line {
    uint32_t link_epoch;
    int64_t birth;
    LinkOutcome outcome;
  };
  // The anchor is of epoch 1, at a member born at 100.
  const Line lines[] = {
      {0, 50, LinkOutcome::kIgnored},     {1, 200, LinkOutcome::kIgnored},
      {1, 100, LinkOutcome::kIgnored},    {1, 99, LinkOutcome::kReanchored},
      {2, 300, LinkOutcome::kReanchored},
  };
  for (const Line& line : lines) {
    Town town;
    v1::IdentifierState anchor;
    anchor.set_member("m_now");
    anchor.set_fragment_id("f");
    anchor.set_link_epoch(1);
    anchor.mutable_birth()->set_birth_us(100);
    town.states["i"].Set(kAnchorSub, anchor.SerializeAsString());
    v1::LinkMessage message;
    message.mutable_reanchor()->set_fragment_id("f");
    message.mutable_reanchor()->set_link_epoch(line.link_epoch);
    message.mutable_reanchor()->set_member("m_next");
    message.mutable_reanchor()->mutable_birth()->set_birth_us(line.birth);
    EXPECT_EQ(town.DeliverOne("i", message), line.outcome) << line.link_epoch << " " << line.birth;
    message.mutable_reanchor()->set_fragment_id("another");
    EXPECT_EQ(town.DeliverOne("i", message), LinkOutcome::kIgnored);
  }
}

TEST(GuardRails, StopAUnionBeforeItHappens) {
  Town town;
  town.rules.limits = {{"openid", 2, 0}};
  Play(&town, {
                  {"card:ann phone:1", "card:ann phone:1", ""},
                  {"card:bob phone:1", "", "card:ann card:bob"},  // two cards are two people
                  {"card:cid openid:1", "", ""},
                  {"card:cid openid:2", "card:cid openid:2", ""},
                  {"card:cid openid:3", "", "card:cid openid:3"},  // the third one is expelled
              });
  ASSERT_GE(town.suppressed.size(), 2u);
  EXPECT_EQ(town.suppressed[0].rule(), "unique:card");
  EXPECT_EQ(town.suppressed.back().rule(), "max_per_type:openid");
  EXPECT_EQ(town.suppressed.back().limit(), 2);
  EXPECT_EQ(town.Anchor("phone:1").contested_count(), 1u);
  ASSERT_EQ(town.splits.size(), 1u);  // what came under the expelled one meanwhile follows it
  EXPECT_EQ(town.splits[0].parts(0).member(), town.Root("openid:3"));
}

TEST(GuardRails, AreInclusive) {
  LinkRules rules;
  Summary old, young;
  old.member = "m_old";
  young.member = "m_young";
  const auto fragment = [](const std::string& name, Micros added) {
    v1::MemberFragment out;
    out.set_fragment_id("f_" + name);
    *out.mutable_identifier() = IdOf(name);
    out.set_added_us(added);
    return out;
  };
  const Micros now = 400 * kMicrosPerDay;
  const auto rule = [&] {
    const auto broken = CheckUnion(rules, old, young, now, false);
    return broken.has_value() ? broken->rule : "";
  };
  rules.limits = {{"phone", 2, 365 * kMicrosPerDay}};
  old.fragments = {fragment("phone:1", now), fragment("phone:2", now)};
  EXPECT_EQ(rule(), "");
  young.fragments = {fragment("phone:3", now - 365 * kMicrosPerDay)};  // out of the window
  EXPECT_EQ(rule(), "");
  young.fragments[0].set_added_us(now - 365 * kMicrosPerDay + 1);
  EXPECT_EQ(rule(), "max_per_type:phone");
  young.fragments[0].set_detached(true);  // its phone is somebody else's by now
  EXPECT_EQ(rule(), "");
  rules.identifiers_max = 3;
  EXPECT_EQ(rule(), "");
  rules.identifiers_max = 2;
  EXPECT_EQ(rule(), "max_identifiers");
  rules.identifiers_max = 1000;
  young.names = {"m_a", "m_b"};
  rules.merges_max = 3;
  EXPECT_EQ(rule(), "");
  rules.merges_max = 2;
  EXPECT_EQ(rule(), "max_merges");
  rules.merges_max = 100;
  young.edges = kEdgesMax - 1;
  EXPECT_EQ(rule(), "");
  young.edges = kEdgesMax;
  EXPECT_EQ(rule(), "max_edges");
  // The most important one first.
  old.do_not_link.emplace_back().set_other("m_b");
  EXPECT_EQ(rule(), "do_not_link");
}

TEST(GuardRails, AnIdentifierCountsFromTheMomentItComes) {
  Town town;
  town.rules.limits = {{"phone", 2, 7 * kMicrosPerDay}};
  town.Touch("card:ann phone:1 phone:2 phone:3");
  EXPECT_TRUE(town.Same("card:ann", "phone:2"));
  EXPECT_FALSE(town.Same("card:ann", "phone:3"));
  town.now_us += 7 * kMicrosPerDay;
  town.Touch("card:ann phone:4");
  EXPECT_TRUE(town.Same("card:ann", "phone:4"));
  // Rules that became stricter stop what they are about and nothing else.
  town.rules.limits = {{"phone", 1, 0}};
  town.Touch("card:ann phone:5 openid:a");
  EXPECT_FALSE(town.Same("card:ann", "phone:5"));
  EXPECT_TRUE(town.Same("card:ann", "openid:a"));
}

TEST(GuardRails, MergesCountWithinTheirWindow) {
  struct Case {
    int64_t max;
    std::vector<int64_t> old_days_ago, young_days_ago;
    std::string rule;
  };
  const Case rows[] = {
      {1, {}, {}, ""},
      {1, {0}, {}, "merges_per_window"},
      {2, {0}, {}, ""},
      {2, {0}, {0}, "merges_per_window"},  // of either side
      {2, {6}, {0}, "merges_per_window"},
      {2, {7}, {0}, ""},  // out of the window
      {2, {7, 8, 9}, {30}, ""},
      {0, {0, 0, 0, 0}, {0, 0, 0}, ""},  // off
  };
  const Micros now = 400 * kMicrosPerDay;
  for (const Case& row : rows) {
    LinkRules rules;
    rules.merge_rate = {row.max, 7 * kMicrosPerDay};
    Summary old, young;
    for (const int64_t days : row.old_days_ago) old.merges_us.push_back(now - days * kMicrosPerDay);
    for (const int64_t days : row.young_days_ago) {
      young.merges_us.push_back(now - days * kMicrosPerDay);
    }
    const auto broken = CheckUnion(rules, old, young, now, false);
    EXPECT_EQ(broken.has_value() ? broken->rule : "", row.rule) << row.max;
    EXPECT_EQ(broken.has_value() ? broken->limit : row.max, row.max);
    // The more lasting limit is named first, the one of edges later.
    old.names.assign(static_cast<size_t>(rules.merges_max), "m_a");
    EXPECT_EQ(CheckUnion(rules, old, young, now, false)->rule, "max_merges");
    old.names.clear();
    old.edges = kEdgesMax;
    EXPECT_EQ(CheckUnion(rules, old, young, now, false)->rule,
              row.rule.empty() ? "max_edges" : row.rule);
  }
}

TEST(GuardRails, AMemberIsNotMergedFasterThanAPoolAllows) {
  Town town;
  town.rules.merge_rate = {2, kMicrosPerDay};
  town.rules.limits.clear();
  for (int i = 0; i < 3; ++i) town.Touch(Cat("openid:", i));
  town.Touch("card:ann");
  const auto join = [&](int i) {
    town.Touch(Cat("card:ann openid:", i));
    return town.Same("card:ann", Cat("openid:", i));
  };
  EXPECT_TRUE(join(0));
  town.now_us += kMicrosPerDay / 2;
  EXPECT_TRUE(join(1));
  EXPECT_FALSE(join(2));
  ASSERT_EQ(town.suppressed.size(), 2u);  // said to both
  EXPECT_EQ(town.suppressed[0].rule(), "merges_per_window");
  EXPECT_EQ(town.suppressed[0].limit(), 2);
  town.now_us += kMicrosPerDay / 2;  // the first merge left the window
  town.Touch("openid:2 email:new");  // taken in, which is no merge
  EXPECT_TRUE(town.Same("email:new", "openid:2"));
  town.Touch("email:new card:ann");
  EXPECT_TRUE(town.Same("openid:2", "card:ann"));
}

TEST(RulesTag, TellsRulesApartThatShareAVersion) {
  const LinkRules standard;
  std::vector<LinkRules> changed(8, standard);
  changed[0].unique_is_one = false;
  changed[1].limits[0].max = 6;
  changed[2].limits[0].window_us += 1;
  changed[3].identifiers_max = 999;
  changed[4].merges_max = 99;
  changed[5].merge_rate.max = 21;
  changed[6].contested_max = 5;
  changed[7].recycle_after_us += 1;
  std::set<std::string> tags{RulesTag(standard)};
  for (const LinkRules& rules : changed) {
    EXPECT_EQ(RulesTag(rules).rfind("1@", 0), 0u);
    EXPECT_TRUE(tags.insert(RulesTag(rules)).second);
  }
  EXPECT_EQ(RulesTag(standard), "1@3f89bf7b");  // it is on disk, with every edge
  LinkRules on = standard;
  on.enabled = true;
  EXPECT_EQ(RulesTag(on), RulesTag(standard));  // says nothing about links
}

TEST(Linking, WritesTheRulesWithEveryEdge) {
  Town town;
  town.rules.tag = RulesTag(town.rules);
  town.Touch("card:ann");
  town.Touch("openid:a");
  town.Touch("card:ann openid:a");
  town.Touch("card:bob openid:a");
  EXPECT_EQ(town.merges.at(0).evidence().rule_version(), town.rules.tag);
  EXPECT_EQ(town.suppressed.at(0).evidence().rule_version(), town.rules.tag);
}

TEST(Linking, TwoThatClaimEachOtherAtOnceAreOne) {
  // Each is the pivot of a touch that names the other one before it hears of the other touch.
  for (const bool known : {false, true}) {
    for (const bool births_late : {false, true}) {
      Town town;
      if (known) {
        town.Touch("openid:a");
        ++town.now_us;
        town.Touch("phone:1");
      }
      town.hold = true;
      town.Touch("openid:a phone:1");
      town.Touch("phone:1 openid:a");
      if (!births_late) town.BearAll();
      if (births_late) town.Deliver();
      town.BearAll();
      town.Deliver();
      EXPECT_TRUE(town.Same("openid:a", "phone:1")) << known << births_late;
      EXPECT_EQ(town.merges.size(), 1u);
      EXPECT_EQ(town.suppressed.size(), 0u);
    }
  }
}

TEST(Contested, AnIdentifierThatWasStoppedTooOftenNamesNobody) {
  Town town;
  town.rules.contested_max = 2;
  for (const char* card : {"card:1", "card:2", "card:3", "card:4"}) {
    town.Touch(std::string(card) + " phone:desk");
    ++town.now_us;
  }
  EXPECT_EQ(town.Anchor("phone:desk").contested_count(), 2u);
  EXPECT_EQ(town.sums["identifiers_contested"], 1);
  EXPECT_EQ(town.sent["propose"], 2);  // the fourth was not even tried
  EXPECT_EQ(town.suppressed.back().rule(), "contested");
}

// Two that a touch named together are two, and there is a reason on record.
TEST(Contested, AContestedPivotSaysOnceThatItClaimsNobody) {
  struct Line {
    std::string touch;
    size_t said;  // suppressions of the pivot's own, so far
  };
  const Line lines[] = {
      {"phone:desk email:a", 1},          {"phone:desk email:a", 1},  // known by now
      {"phone:desk email:b?", 1},                                     // a hint would join nobody
      {"phone:desk email:b", 2},          {"phone:desk? email:c", 2},
      {"phone:desk email:a device:d", 3}, {"phone:desk shop:1", 3},
  };
  Town town;
  town.rules.contested_max = 2;
  for (const char* card : {"card:1", "card:2", "card:3"}) {
    town.Touch(std::string(card) + " phone:desk");
    ++town.now_us;
  }
  const size_t before = town.suppressed.size();
  const int claims = town.sent["claim"];
  for (const Line& line : lines) {
    town.Touch(line.touch);
    ++town.now_us;
    EXPECT_EQ(town.suppressed.size() - before, line.said) << line.touch;
  }
  EXPECT_EQ(town.sent["claim"], claims);
  EXPECT_FALSE(town.Same("phone:desk", "email:a"));
  EXPECT_EQ(town.suppressed.back().rule(), "contested");
  EXPECT_EQ(town.suppressed.back().member(), town.Anchor("phone:desk").member());
  EXPECT_EQ(town.suppressed.back().other_member(), "");
}

TEST(Weak, AnIdentifierFollowsItsPersonUntilSomebodyElseHasIt) {
  Town town;
  town.Touch("card:ann device:tablet");
  EXPECT_TRUE(town.Same("card:ann", "device:tablet"));
  EXPECT_EQ(town.Touch("device:tablet"), "known_member");
  for (int i = 0; i < 20; ++i) {
    ++town.now_us;
    town.Touch(Cat("card:", i, " device:tablet"));
  }
  EXPECT_EQ(town.merges.size(), 0u);
  EXPECT_EQ(town.Root("device:tablet"), "");
  EXPECT_EQ(town.sums["identifiers_contested"], 0);
  EXPECT_EQ(town.Touch("device:tablet"), "new_member");  // nobody is guessed
  EXPECT_FALSE(town.Same("card:ann", "device:tablet"));
}

TEST(RecycledPhone, GoesToTheNewOwnerAfterASilence) {
  for (const int64_t days : {89, 91}) {
    Town town;
    town.Touch("card:ann phone:1");
    const std::string fragment = town.Anchor("phone:1").fragment_id();
    town.now_us += days * kMicrosPerDay;
    town.Touch("card:bob phone:1");
    EXPECT_EQ(town.merges.size(), 0u);
    EXPECT_EQ(town.Same("card:bob", "phone:1"), days == 91);
    EXPECT_EQ(town.Same("card:ann", "phone:1"), days == 89);
    EXPECT_EQ(town.Anchor("phone:1").anchor_epoch(), days == 91 ? 1u : 0u);
    // What came under the old number stays with Ann.
    v1::MemberFragment held;
    ASSERT_TRUE(held.ParseFromString(*town.states[town.Root("card:ann")].Get("frag/" + fragment)));
    EXPECT_EQ(held.detached(), days == 91);
  }
}

TEST(Objects, AnOrderCountsOnceWhoeverReportsIt) {
  Town town;
  town.Touch("card:ann");
  town.Touch("openid:shop");
  EXPECT_EQ(town.Touch("card:ann order:A1"), "asks_object");
  EXPECT_EQ(town.resolved, std::vector<std::string>{town.Root("card:ann")});
  town.Touch("openid:shop order:A1");  // the other channel
  EXPECT_EQ(town.resolved.size(), 1u);
  EXPECT_FALSE(town.Same("card:ann", "openid:shop"));  // an order joins nobody
  town.Touch("openid:new order:A2");                   // of somebody who was never seen
  EXPECT_EQ(town.resolved.size(), 2u);
  EXPECT_EQ(town.resolved[1], town.Root("openid:new"));
  EXPECT_EQ(town.sent["touch_returned"], 1);
}

TEST(Settling, ALargeMemberTellsItsIdentifiersInPortions) {
  Town town;
  town.rules.limits.clear();
  town.Touch("openid:old");
  ++town.now_us;
  for (int i = 0; i < 300; ++i) town.Touch(Cat("openid:young email:", i));
  town.Touch("openid:young openid:old");
  EXPECT_EQ(town.sent["reanchor"], 301);
  EXPECT_EQ(town.sent["settle"], 2);
  EXPECT_EQ(town.Anchor("email:299").member(), town.Root("openid:old"));
  EXPECT_EQ(ReadMember(town.states[town.Root("openid:old")])->identifier_count(), 302);
}

TEST(Births, AreInTheOrderOfPositionAndNeverOfIds) {
  v1::BirthOrder a, b;
  a.set_birth_us(1);
  b.set_birth_us(1);
  EXPECT_FALSE(IsOlder(a, b));
  b.set_part(1);
  EXPECT_TRUE(IsOlder(a, b));
  a.set_sequence(1);
  EXPECT_TRUE(IsOlder(b, a));
  b.set_shard(1);
  EXPECT_TRUE(IsOlder(a, b));
  a.set_birth_us(2);
  EXPECT_TRUE(IsOlder(b, a));
}

}  // namespace
}  // namespace regulars::identity
