// The five rules of merge and split downstream for messaging, each by its name. A follower delivers
// nothing by itself: a test says what arrives when.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "tests/property_handoff/send_histories.h"
#include "tests/property_handoff/send_world.h"

namespace regulars::property_handoff {
namespace {

// l lapsed at 10 and 20, s at 10; what the sender reports is on its way.
Follower Begun(uint64_t reports = kNoReports) {
  Follower world = SendMembers(1, reports);
  world.Begin("m_l", "fl");
  world.Begin("m_s", "fs");
  Lapse(&world, "m_l", 10);
  Lapse(&world, "m_l", 20);
  Lapse(&world, "m_s", 10);
  for (const char* channel : {"entry/m_l", "entry/m_l", "entry/m_s"}) world.Deliver(channel);
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
  EXPECT_EQ(SendEnding().wrong(world), "");
}

// "m_l:win-back-20 DELIVERED", or why not.
std::string Get(Follower* world, const std::string& member, const std::string& send_id) {
  messaging::v1::GetSendRequest request;
  request.set_name(Cat("pools/cofco/members/", member, "/sends/", send_id));
  const shard::Reply reply =
      world->Ask(shard::InputKind::kQuery, member, "GetSend", "", request.SerializeAsString());
  messaging::v1::Send send;
  if (reply.code != absl::StatusCode::kOk || !send.ParseFromString(reply.payload)) {
    return reply.reason;
  }
  return Cat(send.name().substr(std::string_view("pools/cofco/members/").size()), " ",
             messaging::v1::SendStatus_Name(send.status()).substr(12));
}

// Names of the first page of sends.
std::string List(Follower* world, const std::string& member) {
  messaging::v1::ListSendsRequest request;
  request.set_parent(Cat("pools/cofco/members/", member));
  const shard::Reply reply =
      world->Ask(shard::InputKind::kQuery, member, "ListSends", "", request.SerializeAsString());
  messaging::v1::ListSendsResponse page;
  EXPECT_TRUE(page.ParseFromString(reply.payload));
  std::string text;
  for (const messaging::v1::Send& send : page.sends()) {
    Append(&text, text.empty() ? "" : " ", send.name().substr(20));
  }
  return text;
}

std::string Tell(Follower* world, const std::string& name, const std::string& owner) {
  messaging::v1::ReportDeliveryRequest request;
  request.set_name(Cat("pools/cofco/members/", name));
  request.set_outcome(messaging::v1::DELIVERY_OUTCOME_DELIVERED);
  const shard::Reply reply = world->Ask(shard::InputKind::kCommand, owner, "ReportDelivery", "r",
                                        request.SerializeAsString());
  return reply.code == absl::StatusCode::kOk ? "yes" : reply.reason;
}

int64_t Decisions(const Follower& world) {
  int64_t count = 0;
  for (const shard::Publish& event : world.published) {
    count += event.kind == "events" && event.type == events::kSendDecided ? 1 : 0;
  }
  return count;
}

TEST(SendRule1, AHandoffIsAMessageToItselfAndEachPageIsAppliedOnce) {
  Follower world = Begun();
  EXPECT_EQ(LiveJobs(world), "m_l m_l:10, m_l m_l:20, m_s m_s:10");
  Merge(&world);
  world.Deliver("link/m_l");
  // The send is neither here nor there, nor is its job; the next page waits.
  EXPECT_EQ(world.channels.at("handoff/m_l/m_s").size(), 1U);
  EXPECT_EQ(SendsOf(world, "m_l"), "m_l:20");
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10");
  EXPECT_EQ(LiveJobs(world), "m_l m_l:20, m_s m_s:10");
  world.Deliver("handoff/m_l/m_s", /*keep=*/true);
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10");
  EXPECT_EQ(LiveJobs(world), "m_l m_l:20, m_s m_l:10, m_s m_s:10");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s page_again");
  EXPECT_EQ(LiveJobs(world), "m_l m_l:20, m_s m_l:10, m_s m_s:10");
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20");
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_l:20, m_s m_s:10");
  ExpectSound(world);
}

TEST(SendRule2, ASendKeepsItsNameAndIsFoundUnderItWhereverItIs) {
  Follower world = Begun();
  MergeAll(&world);
  EXPECT_EQ(Get(&world, "m_l", "win-back-20"), "m_l/sends/win-back-20 DECIDED");
  // Of one instant: two sends, two names.
  EXPECT_EQ(Get(&world, "m_l", "win-back-10"), "m_l/sends/win-back-10 DECIDED");
  EXPECT_EQ(Get(&world, "m_s", "win-back-10"), "m_s/sends/win-back-10 DECIDED");
  EXPECT_EQ(Get(&world, "m_s", "win-back-20"), "SEND_UNKNOWN");
  const std::string all = "m_l/sends/win-back-20 m_l/sends/win-back-10 m_s/sends/win-back-10";
  EXPECT_EQ(List(&world, "m_l"), all);
  EXPECT_EQ(List(&world, "m_s"), all);
  SplitAll(&world);
  EXPECT_EQ(List(&world, "m_l"), "m_l/sends/win-back-20 m_l/sends/win-back-10");
  EXPECT_EQ(List(&world, "m_s"), "m_s/sends/win-back-10");
}

TEST(SendRule2, ACommandWaitsWhileSendsMoveAndIsTheSurvivorsAfterwards) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  EXPECT_EQ(Tell(&world, "m_l/sends/win-back-20", "m_l"), "MEMBER_MOVING");
  EXPECT_EQ(Tell(&world, "m_l/sends/win-back-20", "m_s"), "MEMBER_MOVING");  // nobody told s yet
  EXPECT_EQ(Tell(&world, "m_s/sends/win-back-10", "m_s"), "yes");
  world.Settle();
  EXPECT_EQ(Tell(&world, "m_l/sends/win-back-20", "m_l"), "yes");
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10+ m_l:10 m_l:20+");
  // Who knows the survivor only may ask for any of its sends there.
  SplitAll(&world);
  EXPECT_EQ(Tell(&world, "m_l/sends/win-back-10", "m_s"), "yes");
  EXPECT_EQ(SendsOf(world, "m_l"), "m_l:10+ m_l:20+");
}

TEST(SendRule2, EntriesOfTheLoserAreDecidedOnceAndUnderItsName) {
  Follower world = Begun();
  MergeAll(&world);
  Lapse(&world, "m_l", 30);
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20 m_l:30");
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_l:20, m_s m_l:30, m_s m_s:10");
  const int64_t before = Decisions(world);
  Lapse(&world, "m_l", 30);
  Lapse(&world, "m_l", 20);
  Lapse(&world, "m_s", 10);
  Lapse(&world, "m_s", 50, /*continues=*/true);
  world.Settle();
  EXPECT_EQ(Decisions(world), before);
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20 m_l:30");
  ExpectSound(world);
}

TEST(SendRule2, ChainsAreShortened) {
  Follower world = Begun();
  MergeAll(&world);
  world.Merge("m2", "m_s", "m_t", {{"fs", 0}, {"fl", 0}});
  world.Settle();
  EXPECT_EQ(SendRoot(world, "m_l").survivor(), "m_s");
  Lapse(&world, "m_l", 30);
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_t"), "m_l:10 m_s:10 m_l:20 m_l:30");
  EXPECT_EQ(SendRoot(world, "m_l").survivor(), "m_t");
  ExpectSound(world);
}

TEST(SendRule3, AReportThatOvertakesItsSendWaitsForIt) {
  Follower world = Begun(kFirstJobs);  // 20 was posted for l
  Merge(&world);
  world.Deliver("link/m_l");  // 20 is on the second page
  world.Deliver("report/m_l");
  EXPECT_EQ(world.outcomes.back(), "m_l forwarded");
  world.Deliver("handoff/m_l/m_s");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s report_pending");
  EXPECT_EQ(SendRoot(world, "m_s").pending_reports(), 1);
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20+");
  // It needs no job any more.
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_s:10");
  ExpectSound(world);
}

TEST(SendRule3, AReportOfTheJobThatWasWithdrawnCountsAndTakesTheNewOneBack) {
  Follower world = Begun(kFirstJobs);
  Merge(&world);
  while (world.channels.size() > 1) {
    for (const std::string& channel : world.Ready()) {
      if (!channel.starts_with("report/")) {
        world.Deliver(channel);
        break;
      }
    }
  }
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_l:20, m_s m_s:10");
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20+");
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_s:10");
  ExpectSound(world);
}

TEST(SendRule3, ReportsOfNothingAreKeptUpToALimit) {
  Follower world = Begun();
  MergeAll(&world);
  messaging::v1::DeliveryReported report;
  report.set_member("m_s");
  report.set_delivered(true);
  report.set_attempts(1);
  for (int i = 0; i <= messaging::kPendingReportsMax; ++i) {
    report.set_send_id(messaging::SendId("win-back", 100 + i));
    world.Record("report", "m_s", events::kDeliveryReported, "r", report.SerializeAsString());
  }
  report.set_send_id("no send id");
  world.Record("report", "m_s", events::kDeliveryReported, "r", report.SerializeAsString());
  world.Settle();
  EXPECT_EQ(SendRoot(world, "m_s").pending_reports(), messaging::kPendingReportsMax);
  EXPECT_EQ(world.violations, (std::vector<std::string>{"m_s dead letter PENDING_REPORTS_FULL",
                                                        "m_s dead letter SEND_UNKNOWN"}));
}

TEST(SendRule4, ASplitTakesHomeWhatHasThatOriginAndRestoresBothSides) {
  Follower world = Begun();
  const std::string before = SendEnding().final(world);
  const std::string list = List(&world, "m_l");
  MergeAll(&world);
  Lapse(&world, "m_s", 40);
  world.Settle();
  SplitAll(&world);
  EXPECT_EQ(SendsOf(world, "m_l"), "m_l:10 m_l:20");
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_s:40");
  EXPECT_EQ(List(&world, "m_l"), list);
  EXPECT_EQ(LiveJobs(world), "m_l m_l:10, m_l m_l:20, m_s m_s:10, m_s m_s:40");
  EXPECT_EQ(Decisions(world), 4);
  ExpectSound(world);
}

TEST(SendRule4, APageOfAnUndoneMergeThatComesLateGoesStraightBack) {
  Follower world = Begun();
  Merge(&world);
  world.Deliver("link/m_l");
  Split(&world);
  world.Deliver("link/m_s");
  world.Deliver("link/m_s");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(world.outcomes.back(), "m_s page_sent_on");
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_l"), "m_l:10 m_l:20");
  EXPECT_EQ(LiveJobs(world), "m_l m_l:10, m_l m_l:20, m_s m_s:10");
  ExpectSound(world);
}

TEST(SendRule4, WhatIsDecidedTwiceIsOneSendWhenItMeets) {
  Follower world = Begun();
  world.ids_may_repeat = true;
  Merge(&world);
  world.Deliver("link/m_l");
  Lapse(&world, "m_l", 20);  // told again, while 20 is on its way
  world.Deliver("entry/m_l");
  world.Deliver("handoff/m_l/m_s");
  world.Deliver("handoff/m_l/m_s");
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20");
  world.Settle();
  EXPECT_EQ(SendsOf(world, "m_s"), "m_s:10 m_l:10 m_l:20");
  EXPECT_EQ(LiveJobs(world), "m_s m_l:10, m_s m_l:20, m_s m_s:10");
  ExpectSound(world);  // under one key
}

TEST(SendRule5, EveryInterleavingOfInputsPagesReportsAndSplitEndsInTheSameState) {
  Follower world = Begun(kEveryJob);
  Merge(&world);
  Split(&world);
  const FollowerFound found = EveryWay(world, SendEnding(), /*repeats=*/false);
  EXPECT_TRUE(found.violations.empty()) << found.violations.front();
  EXPECT_FALSE(found.cut);
  EXPECT_GT(found.interleavings, 1'000'000);
}

TEST(SendRule5, MovedInAndMovedOutAreEqualWhenQuiet) {
  Follower world = Begun();
  MergeAll(&world);
  EXPECT_EQ(world.Sum("sends_moved_in"), 2);
  EXPECT_EQ(world.Sum("sends_decided"), 3);
  SplitAll(&world);
  EXPECT_EQ(world.Sum("sends_moved_in"), 4);
  EXPECT_EQ(world.Sum("sends_moved_out"), 4);
  EXPECT_EQ(world.Sum("sends_decided"), 3);
  ExpectSound(world);
}

TEST(SendRandom, LargeHistoriesEndWithEverythingInItsPlace) {
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(RunSendHistory(seed), "") << seed;
}

}  // namespace
}  // namespace regulars::property_handoff
