// The five rules of merge and split downstream for segmentation, each by its name. A follower
// delivers nothing by itself: a test says what arrives when.
#include <gtest/gtest.h>

#include <string>

#include "libs/base/time.h"
#include "libs/events/types.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "tests/property_handoff/segment_histories.h"
#include "tests/property_handoff/segment_world.h"

namespace regulars::property_handoff {
namespace {

// l bought twice, s once; nothing is on its way.
Follower Begun(int64_t days_ago = 1) {
  Follower world = SegmentMembers(1);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  Buy(&world, "m_l", "fl", "A1", 100, days_ago);
  Buy(&world, "m_l", "fl", "A2", 50, days_ago + 1);
  Buy(&world, "m_s", "fs", "B1", 100, 5);
  world.Settle();
  return world;
}

void Merge(Follower* world) { world->Merge("m1", "m_l", "m_s", {{"fl", 0}}); }

void Split(Follower* world) {
  world->Split("p1", "m_s", {{"m_l", {{"fl", 1}}}, {"m_s", {{"fs", 0}}}}, {"m1"});
}

void MergeAll(Follower* world) {
  Merge(world);
  world->Settle();
}

void SplitAll(Follower* world) {
  Split(world);
  world->Settle();
}

void ExpectSound(const Follower& world) {
  EXPECT_TRUE(world.violations.empty()) << world.violations.front();
  EXPECT_EQ(SegmentEnding().wrong(world), "");
}

// "-m_l repeat_buyer (merged); +m_s lapsed", "+m_s lapsed ~m_l" for one that continues.
std::string EventsSince(const Follower& world, size_t from) {
  std::string text;
  for (size_t i = from; i < world.published.size(); ++i) {
    const shard::Publish& event = world.published[i];
    if (!text.empty()) text += "; ";
    if (event.type == events::kSegmentEntered) {
      segmentation::v1::SegmentEntered entered;
      EXPECT_TRUE(entered.ParseFromString(event.payload));
      text += "+" + entered.member() + " " + entered.segment();
      if (entered.continues_occurrence_us() > 0) text += " ~" + entered.continues_member();
    } else {
      segmentation::v1::SegmentExited exited;
      EXPECT_TRUE(exited.ParseFromString(event.payload));
      text += "-" + exited.member() + " " + exited.segment();
      if (exited.reason().rule() == "merged") text += " (merged)";
    }
  }
  return text;
}

std::string Membership(Follower* world, const std::string& member) {
  const shard::Reply reply = world->Ask(shard::InputKind::kQuery, member, "GetMembership", "", "");
  segmentation::v1::Membership membership;
  if (reply.code != absl::StatusCode::kOk || !membership.ParseFromString(reply.payload)) {
    return reply.reason;
  }
  return membership.name() + " " + std::to_string(membership.purchase_count());
}

TEST(SegmentRule1, AHandoffIsAMessageToItselfAndEachPageIsAppliedOnce) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  // The order is neither here nor there: it is a record, and the next page waits.
  EXPECT_EQ(world.channels.at("handoff/m_l/m_s").size(), 1U);
  EXPECT_EQ(FiguresOf(world, "m_l"), "1 purchases 50USD 2..2 days ago");
  EXPECT_EQ(FiguresOf(world, "m_s"), "1 purchases 100USD 5..5 days ago");
  world.Deliver("handoff/m_l/m_s", /*keep=*/true);
  EXPECT_EQ(FiguresOf(world, "m_s"), "2 purchases 200USD 5..1 days ago");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s page_again");
  EXPECT_EQ(FiguresOf(world, "m_s"), "2 purchases 200USD 5..1 days ago");
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_s"), "3 purchases 250USD 5..1 days ago repeat_buyer");
  ExpectSound(world);
}

TEST(SegmentRule2, TheLosersMembershipsEndAndTheSurvivorsAreJudgedWhenAllHasCome) {
  Follower world = Begun();
  const size_t before = world.published.size();
  Merge(&world);
  world.Deliver("link/m_l");
  EXPECT_EQ(EventsSince(world, before), "-m_l repeat_buyer (merged)");
  world.Deliver("handoff/m_l/m_s");
  // Two purchases, but more may come: nobody enters yet.
  EXPECT_EQ(EventsSince(world, before), "-m_l repeat_buyer (merged)");
  world.Settle();
  EXPECT_EQ(EventsSince(world, before), "-m_l repeat_buyer (merged); +m_s repeat_buyer ~m_l");
  ExpectSound(world);
}

TEST(SegmentRule2, AQueryForTheLoserIsAnsweredByTheSurvivor) {
  Follower world = Begun();
  EXPECT_EQ(Membership(&world, "m_l"), "pools/cofco/members/m_l/membership 2");
  MergeAll(&world);
  EXPECT_EQ(Membership(&world, "m_l"), "pools/cofco/members/m_s/membership 3");
  SplitAll(&world);
  EXPECT_EQ(Membership(&world, "m_l"), "pools/cofco/members/m_l/membership 2");
}

TEST(SegmentRule2, RecordsForTheLoserAreForwardedInOrderAndChainsAreShortened) {
  Follower world = Begun();
  MergeAll(&world);
  world.Merge("m2", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
  world.Settle();
  EXPECT_EQ(SegmentRoot(world, "m_l").survivor(), "m_s");
  Buy(&world, "m_l", "fl", "A3", 10);
  Refund(&world, "m_l", "fl", "A3", "r", 4);
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_t"), "4 purchases 256USD 5..0 days ago repeat_buyer");
  Buy(&world, "m_l", "fl", "A4", 10);
  world.Settle();
  EXPECT_EQ(SegmentRoot(world, "m_l").survivor(), "m_t");
  ExpectSound(world);
}

TEST(SegmentRule3, ARefundWhoseOrderHasNotComeWaitsForIt) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  Refund(&world, "m_s", "fl", "A2", "r1", 50);  // A2 is still with l
  world.Deliver("touch/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s refund_pending");
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_s"), "2 purchases 200USD 5..1 days ago repeat_buyer");
  ExpectSound(world);
}

TEST(SegmentRule3, AnOrderOnBothSidesCountsOnceAndASplitUndoesThat) {
  Follower world = Begun();
  Buy(&world, "m_s", "fs", "A1", 100, 3);
  world.Settle();
  MergeAll(&world);
  // Paid 3 days ago by the report that came with s, so that one stands.
  EXPECT_EQ(FiguresOf(world, "m_s"), "3 purchases 250USD 5..2 days ago repeat_buyer");
  EXPECT_TRUE(world.State("m_s").Get("double/tmall/A1/fl").has_value());
  Refund(&world, "m_s", "fl", "A1", "r1", 100);
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_s"), "2 purchases 150USD 5..2 days ago repeat_buyer");
  ExpectSound(world);
  SplitAll(&world);
  EXPECT_EQ(FiguresOf(world, "m_s"), "2 purchases 200USD 5..3 days ago repeat_buyer");
  EXPECT_EQ(FiguresOf(world, "m_l"), "1 purchases 50USD 2..2 days ago");
  ExpectSound(world);
}

TEST(SegmentRule3, AnOrderThatDoesNotFitIsKeptAndCountsAgainAtHome) {
  Follower world = SegmentMembers(10);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  Buy(&world, "m_l", "fl", "A1", INT64_MAX - 1, 1);
  Buy(&world, "m_s", "fs", "B1", 2, 5);
  world.Settle();
  MergeAll(&world);
  EXPECT_EQ(FiguresOf(world, "m_s"), "1 purchases 2USD 5..5 days ago");
  ExpectSound(world);
  SplitAll(&world);
  EXPECT_EQ(FiguresOf(world, "m_l"), "1 purchases 9223372036854775806USD 1..1 days ago");
  ExpectSound(world);
}

TEST(SegmentRule4, ASplitTakesHomeWhatHasThatOriginAndRestoresBothSides) {
  Follower world = Begun();
  Refund(&world, "m_l", "fl", "A9", "r9", 10);  // its order has not come
  world.Settle();
  const std::string before = SegmentEnding().final(world);
  MergeAll(&world);
  SplitAll(&world);
  EXPECT_EQ(SegmentEnding().final(world), before);
  ExpectSound(world);
  Buy(&world, "m_s", "fl", "A9", 30);  // a late record follows its fragment home
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_l"), "3 purchases 170USD 2..0 days ago repeat_buyer");
  ExpectSound(world);
}

TEST(SegmentRule4, APageOfAnUndoneMergeThatComesLateGoesStraightBack) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  Split(&world);
  world.Deliver("link/m_s");
  world.Deliver("link/m_s");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s page_sent_on");
  world.Settle();
  EXPECT_EQ(FiguresOf(world, "m_l"), "2 purchases 150USD 2..1 days ago repeat_buyer");
  EXPECT_EQ(FiguresOf(world, "m_s"), "1 purchases 100USD 5..5 days ago");
  ExpectSound(world);
}

TEST(SegmentRule4, WhoWasToldIsNotToldAgain) {
  Follower world = Begun(/*days_ago=*/200);
  EXPECT_EQ(Occasions(world, "lapsed"), 1);
  const size_t before = world.published.size();
  MergeAll(&world);  // s bought 5 days ago
  EXPECT_EQ(EventsSince(world, before),
            "-m_l lapsed (merged); -m_l repeat_buyer (merged); +m_s repeat_buyer ~m_l");
  const size_t merged = world.published.size();
  SplitAll(&world);
  EXPECT_EQ(EventsSince(world, merged),
            "+m_l lapsed ~m_l; +m_l repeat_buyer ~m_l; -m_s repeat_buyer");
  EXPECT_EQ(Occasions(world, "lapsed"), 1);
  EXPECT_EQ(Occasions(world, "repeat_buyer"), 1);
  ExpectSound(world);
}

TEST(SegmentRule4, WhoLapsedIsNotLostAgainBecauseSomebodyElseBoughtMeanwhile) {
  Follower world = SegmentMembers(10);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  Buy(&world, "m_l", "fl", "A1", 100, 250);
  Buy(&world, "m_s", "fs", "B1", 100, 300);
  world.Settle();
  EXPECT_EQ(Occasions(world, "lapsed"), 2);
  MergeAll(&world);
  Buy(&world, "m_l", "fl", "A2", 40, 0);
  world.Settle();
  const size_t before = world.published.size();
  SplitAll(&world);
  EXPECT_EQ(EventsSince(world, before),
            "+m_l repeat_buyer ~m_s; -m_s repeat_buyer; +m_s lapsed ~m_s");
  EXPECT_EQ(Occasions(world, "lapsed"), 2);
  ExpectSound(world);
}

TEST(SegmentRule5, EveryInterleavingOfInputsPagesAndSplitEndsInTheSameState) {
  Follower world = Begun();
  Merge(&world);
  Split(&world);
  Buy(&world, "m_l", "fl", "A3", 40);
  const FollowerFound found = EveryWay(world, SegmentEnding(), /*repeats=*/true);
  EXPECT_TRUE(found.violations.empty()) << found.violations.front();
  EXPECT_FALSE(found.cut);
  EXPECT_GT(found.interleavings, 1'000);
}

TEST(SegmentRule5, MovedInAndMovedOutAreEqualWhenQuiet) {
  Follower world = Begun();
  MergeAll(&world);
  EXPECT_EQ(world.Sum("orders_moved_in"), 2);
  SplitAll(&world);
  EXPECT_EQ(world.Sum("orders_moved_in"), 4);
  EXPECT_EQ(world.Sum("orders_moved_out"), 4);
  ExpectSound(world);
}

TEST(SegmentTimers, ATimerThatIsDueWhilePagesComeIsJudgedWhenTheyHaveCome) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  EXPECT_TRUE(world.State("m_l").timers.empty());
  world.Deliver("handoff/m_l/m_s");
  const size_t before = world.published.size();
  world.Advance(kStartUs + 200 * kMicrosPerDay);
  EXPECT_EQ(world.outcomes.back(), "m_s timer_held");
  EXPECT_EQ(EventsSince(world, before), "");
  world.Settle();
  EXPECT_EQ(EventsSince(world, before), "+m_s lapsed; +m_s repeat_buyer ~m_l");
  ExpectSound(world);
}

TEST(SegmentRandom, LargeHistoriesEndWithEverythingInItsPlace) {
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(RunSegmentHistory(seed), "") << seed;
}

}  // namespace
}  // namespace regulars::property_handoff
