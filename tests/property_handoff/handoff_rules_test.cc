// The five rules of merge and split downstream, each by its name. A world delivers nothing by
// itself: a test says what arrives when.
#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "tests/property_handoff/histories.h"
#include "tests/property_handoff/search.h"
#include "tests/property_handoff/world.h"

namespace regulars::property_handoff {
namespace {

// l earned 100 and 50, s earned 100; nothing is on its way.
World Begun(int page = 1) {
  World world(page);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  world.Touch("m_l", "fl", "A1", 10'000);
  world.Touch("m_l", "fl", "A2", 5'000);
  world.Touch("m_s", "fs", "B1", 10'000);
  world.Settle();
  return world;
}

void MergeAll(World* world) {
  world->Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world->Settle();
}

void SplitAll(World* world) {
  world->Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
  world->Settle();
}

void ExpectSound(const World& world) {
  EXPECT_TRUE(world.violations.empty()) << world.violations.front();
  EXPECT_EQ(world.CheckQuiet(), "");
}

std::string Newest(const World& world) { return world.outcomes.back(); }

// Inside a shard the runtime applies it in the same transaction (worker_local_test).
TEST(Rule1, AHandoffIsAMessageOfTheServiceToItself) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  // The state is neither here nor there: it is a record.
  EXPECT_EQ(world.channels.at("handoff/m_l/m_s").size(), 1U);
  EXPECT_EQ(world.Sum("moved_out"), 100);  // a page is one fact here: A1
  EXPECT_EQ(world.Sum("moved_in"), 0);
}

TEST(Rule1, EachPageIsAppliedOnceAndTheNextOneWaitsForItsAcknowledgement) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  EXPECT_EQ(world.channels.at("handoff/m_l/m_s").size(), 1U);
  world.Deliver("handoff/m_l/m_s", /*keep=*/true);
  const int64_t once = world.Root("m_s").balance();
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(Newest(world), "m_s page_again");
  EXPECT_EQ(world.Root("m_s").balance(), once);
  EXPECT_FALSE(world.channels.contains("handoff/m_l/m_s"));
  world.Deliver("handoff/m_s/m_l", /*keep=*/true);
  EXPECT_EQ(world.channels.at("handoff/m_l/m_s").size(), 1U);
  world.Deliver("handoff/m_s/m_l");
  EXPECT_EQ(Newest(world), "m_l acknowledged_again");
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 250);
}

TEST(Rule2, ACommandThatMeetsAMovingStubIsUnavailableAndLaterAnsweredByTheSurvivor) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  points::v1::RedeemPointsRequest request;
  request.set_name("pools/cofco/members/m_l/balances/loyalty");
  request.set_redemption_id("x1");
  request.set_points(120);
  std::string outcome;
  const shard::Reply moving =
      world.Ask("m_l", "RedeemPoints", "id", request.SerializeAsString(), &outcome);
  EXPECT_EQ(moving.code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(moving.reason, "MEMBER_MOVING");
  world.Settle();
  const shard::Reply merged =
      world.Ask("m_l", "RedeemPoints", "id", request.SerializeAsString(), &outcome);
  EXPECT_EQ(merged.code, absl::StatusCode::kOk);
  EXPECT_EQ(outcome, "redeemed");
  EXPECT_EQ(world.Root("m_s").balance(), 130);
  EXPECT_EQ(world.Root("m_l").survivor(), "m_s");
  ExpectSound(world);
}

TEST(Rule2, RecordsForTheLoserAreForwardedInOrder) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  world.Touch("m_l", "fl", "A3", 100);
  world.Touch("m_l", "fl", "A4", 200);
  world.Deliver("touch/m_l");
  world.Deliver("touch/m_l");
  EXPECT_EQ(Newest(world), "m_l forwarded");
  const auto& queue = world.channels.at("handoff/m_l/m_s");
  ASSERT_EQ(queue.size(), 3U);  // behind the page
  EXPECT_NE(queue[1].payload.find("A3"), std::string::npos);
  EXPECT_NE(queue[2].payload.find("A4"), std::string::npos);
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 253);
}

TEST(Rule2, ChainsAreShortened) {
  World world = Begun();
  MergeAll(&world);
  world.Merge("m2", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
  world.Settle();
  EXPECT_EQ(world.Root("m_l").survivor(), "m_s");
  world.Touch("m_l", "fl", "A3", 100);
  world.Settle();
  EXPECT_EQ(world.Root("m_l").survivor(), "m_t");
  EXPECT_EQ(world.Root("m_t").balance(), 251);
  ExpectSound(world);
}

TEST(Rule2, AShortcutThatCameTooLateDoesNotLetRecordsOvertakeEachOther) {
  World world = Begun();
  MergeAll(&world);
  world.Merge("m2", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
  world.Settle();
  world.Touch("m_l", "fl", "A3", 100);
  world.Deliver("touch/m_l");
  world.Deliver("handoff/m_l/m_s");
  world.Deliver("handoff/m_s/m_t");
  world.Touch("m_l", "fl", "A4", 200);
  world.Deliver("touch/m_l");  // it goes the long way, so the shortcut must not count yet
  world.Deliver("handoff/m_t/m_l");
  EXPECT_EQ(Newest(world), "m_l shortcut_late");
  EXPECT_EQ(world.Root("m_l").survivor(), "m_s");
  world.Settle();
  EXPECT_EQ(world.Root("m_l").survivor(), "m_t");
  ExpectSound(world);
}

TEST(Rule3, AReversalWhoseTargetHasNotComeWaitsForIt) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  world.RefundTouch("m_s", "fl", "A2", "r1", 5'000);  // A2 is still with l or on its way
  world.Deliver("touch/m_s");
  EXPECT_EQ(Newest(world), "m_s pending");
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 200);
  EXPECT_EQ(world.Root("m_s").reversed(), 50);
}

TEST(Rule3, AnIdOnBothSidesIsVoidedOnTheYoungerSideAndASplitUndoesThat) {
  World world = Begun();
  world.Touch("m_s", "fs", "A1", 10'000);
  world.Settle();
  EXPECT_EQ(world.Root("m_s").balance(), 200);
  MergeAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 250);  // A1 once, A2, B1
  EXPECT_EQ(world.Root("m_s").doubles(), 1);
  SplitAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 200);
  EXPECT_EQ(world.Root("m_l").balance(), 150);
  EXPECT_EQ(world.Root("m_s").doubles(), 0);
}

TEST(Rule3, ARedemptionOnBothSidesIsVoidedOnce) {
  World world = Begun();
  world.Redeem("m_l", "m_l", "x", 30);
  world.Redeem("m_s", "m_s", "x", 30);
  world.Settle();
  MergeAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 220);
  SplitAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 70);
  EXPECT_EQ(world.Root("m_l").balance(), 120);
}

TEST(Rule4, ASplitTakesHomeWhatHasThatOriginAndRestoresBothSides) {
  World world = Begun();
  world.Redeem("m_l", "m_l", "x1", 30);
  world.Settle();
  const std::string before = world.Final(true);
  MergeAll(&world);
  EXPECT_EQ(world.Root("m_s").balance(), 220);
  SplitAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Final(true), before);
}

TEST(Rule4, OverspentPointsBecomeVisibleDebtOnTheSideThatSpent) {
  World world = Begun();
  MergeAll(&world);
  world.Redeem("m_s", "m_s", "x1", 180);  // 80 more than s ever earned
  world.Settle();
  SplitAll(&world);
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_l").balance(), 150);
  EXPECT_EQ(world.Root("m_l").debt(), 0);
  EXPECT_EQ(world.Root("m_s").balance(), -80);
  EXPECT_EQ(world.Root("m_s").debt(), 80);
}

TEST(Rule4, APageOfAnUndoneMergeThatComesLateGoesStraightBack) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  world.Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
  world.Deliver("link/m_s");
  world.Deliver("link/m_s");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(Newest(world), "m_s page_sent_on");
  EXPECT_EQ(world.Root("m_s").balance(), 100);
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_l").balance(), 150);
  EXPECT_EQ(world.Root("m_s").balance(), 100);
}

TEST(Rule4, LateRecordsFollowTheirFragmentHome) {
  World world = Begun();
  MergeAll(&world);
  SplitAll(&world);
  world.Touch("m_s", "fl", "A3", 100);
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_l").balance(), 151);
  EXPECT_EQ(world.Root("m_s").balance(), 100);
}

TEST(Rule5, EveryInterleavingOfInputsPagesAndSplitEndsInTheSameState) {
  World world = Begun();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
  world.Touch("m_l", "fl", "A3", 4'000);
  const Found found = EveryInterleaving(world, {.lots = true, .repeats = true});
  EXPECT_TRUE(found.violations.empty()) << found.violations.front();
  EXPECT_FALSE(found.cut);
  EXPECT_GT(found.interleavings, 1'000);
}

TEST(Rule5, MovedInAndMovedOutAreEqualWhenQuiet) {
  World world = Begun();
  MergeAll(&world);
  EXPECT_EQ(world.Sum("moved_in"), 150);
  EXPECT_EQ(world.Sum("moved_out"), 150);
  SplitAll(&world);
  EXPECT_EQ(world.Sum("moved_in"), 300);
  EXPECT_EQ(world.Sum("moved_out"), 300);
  EXPECT_EQ(world.Sum("issued"), 250);
  ExpectSound(world);
}

TEST(Timers, ALotThatMovesExpiresOnceAndNotBeforeItsMoveHasEnded) {
  World world(1, /*expiry_days=*/1);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  world.Touch("m_l", "fl", "A1", 10'000);
  world.Touch("m_l", "fl", "A2", 5'000);
  world.Settle();
  world.Redeem("m_l", "m_l", "x1", 60);
  world.Settle();
  world.Merge("m1", "m_l", "m_s", {{"fl", 0}});
  world.Deliver("link/m_l");
  world.Deliver("handoff/m_l/m_s");
  world.Advance(kStartUs + 2 * 86'400'000'000);
  world.Settle();
  world.Advance(world.now_us);
  world.Settle();
  ExpectSound(world);
  EXPECT_EQ(world.Root("m_s").balance(), 0);
  EXPECT_EQ(world.Root("m_s").debt(), 0);
  EXPECT_EQ(world.Root("m_s").expired(), 90);
}

TEST(Random, LargeHistoriesEndWithEverythingInItsPlace) {
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(RunRandomHistory(seed), "") << seed;
}

}  // namespace
}  // namespace regulars::property_handoff
