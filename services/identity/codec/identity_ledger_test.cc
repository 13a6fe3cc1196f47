// Each table reads like a ledger: what came in, day by day, and what identity made of it.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "regulars/identity/v1/identity_service.pb.h"
#include "services/identity/codec/program_harness.h"

namespace regulars::identity {
namespace {

struct Row {
  int64_t day;  // when it happened; it arrives at `now_day`
  int64_t now_day;
  std::string person;
  std::string native_id;
  std::string what;  // "order A1 500 CNY", "refund A1 R1 200 CNY", "whole-refund A1 R1 0 CNY",
                     // "code X", "visit hall"
  std::string outcome;
};

ingest::v1::Touch Make(const Row& row, const std::string& source = "till") {
  ingest::v1::Touch touch = TouchOf(row.person, source, row.native_id, row.day * kMicrosPerDay);
  std::vector<std::string> words;
  std::string word;
  for (const char c : row.what + " ") {
    if (c == ' ') {
      words.push_back(word);
      word.clear();
    } else {
      word.push_back(c);
    }
  }
  ingest::v1::TouchBody* body = touch.mutable_body();
  if (words[0] == "order") {
    body->mutable_order_paid()->set_order_id(words[1]);
    body->mutable_order_paid()->set_amount_minor(std::stoll(words[2]));
    body->mutable_order_paid()->set_currency_code(words[3]);
  } else if (words[0] == "refund" || words[0] == "whole-refund") {
    body->mutable_order_refunded()->set_order_id(words[1]);
    body->mutable_order_refunded()->set_refund_id(words[2]);
    body->mutable_order_refunded()->set_amount_minor(std::stoll(words[3]));
    body->mutable_order_refunded()->set_currency_code(words[4]);
    body->mutable_order_refunded()->set_whole_order(words[0] == "whole-refund");
  } else if (words[0] == "code") {
    body->mutable_code_scanned()->set_code_hmac((words[1] + std::string(32, '.')).substr(0, 32));
  } else {
    body->mutable_visit()->set_place(words[1]);
  }
  return touch;
}

void Play(Harness* harness, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Harness::Step step = harness->Feed(Make(row), row.now_day * kMicrosPerDay);
    EXPECT_EQ(step.outcome, row.outcome) << row.person << " " << row.native_id << " " << row.what;
    const bool is_new = row.outcome == "new_member" || row.outcome == "known_member";
    EXPECT_EQ(step.resolved.size(), is_new ? 1u : 0u);
  }
  EXPECT_EQ(harness->consumed(), harness->sum("touches_new") + harness->sum("touches_duplicate") +
                                     harness->sum("touches_dead_lettered"));
}

TEST(IdentityLedger, AMemberIsMintedOnceAndRepeatsEndHere) {
  Harness harness;
  Play(&harness, {
                     {1, 1, "ann", "n1", "visit hall", "new_member"},
                     {1, 1, "ann", "n1", "visit hall", "duplicate"},
                     {2, 2, "ann", "n2", "visit hall", "known_member"},
                     {2, 2, "bob", "n3", "visit hall", "new_member"},
                     {2, 3, "ann", "n2", "visit hall", "duplicate"},
                     {2, 3, "ann", "n2", "visit cellar", "duplicate_with_other_content"},
                     {2, 3, "ann", "n4", "visit cellar", "known_member"},
                 });
  EXPECT_EQ(harness.sum("members_created"), 2);
  EXPECT_EQ(harness.sum("touches_new"), 4);
  EXPECT_EQ(harness.sum("touches_duplicate"), 3);
  EXPECT_EQ(harness.sum("touches_duplicate_with_other_content"), 1);
}

TEST(IdentityLedger, OrdersRefundsAndCodesCountOnceForEver) {
  Harness harness;
  Play(&harness,
       {
           {1, 1, "ann", "n1", "order A1 500 CNY", "new_member"},
           {1, 1, "ann", "n1", "order A1 500 CNY", "duplicate"},
           // The same order under another touch id, years later.
           {1, 2000, "ann", "n9", "order A1 500 CNY", "duplicate"},
           {1, 2000, "ann", "n9", "order A1 501 CNY", "duplicate_with_other_content"},
           {1, 2000, "ann", "n9", "order A1 500 USD", "duplicate_with_other_content"},
           {1, 2000, "ann", "n10", "order A2 0 CNY", "known_member"},
           {2, 2000, "ann", "n11", "refund A1 R1 200 CNY", "known_member"},
           {2, 2000, "ann", "n12", "refund A1 R1 200 CNY", "duplicate"},
           {2, 2000, "ann", "n12", "whole-refund A1 R1 200 CNY", "duplicate_with_other_content"},
           {2, 2000, "ann", "n13", "refund A1 R2 200 CNY", "known_member"},
           {2, 2000, "ann", "n14", "code X", "known_member"},
           {3, 2001, "ann", "n15", "code X", "duplicate"},
           {3, 2001, "ann", "n15", "code Y", "known_member"},
       });
}

TEST(IdentityLedger, WhatCannotBeToldFromARepeatIsSetAside) {
  Harness harness;
  Play(&harness, {
                     {1, 1, "ann", "n1", "visit hall", "new_member"},
                     {1, 401, "ann", "n1", "visit hall", "duplicate"},
                     {1, 402, "ann", "n1", "visit hall", "too_old"},
                     {1, 402, "ann", "n2", "visit hall", "too_old"},
                     {403, 402, "ann", "n3", "visit hall", "known_member"},
                     {404, 402, "ann", "n4", "visit hall", "in_future"},
                     {404, 402, "ann", "n5", "order A9 1 CNY", "in_future"},
                 });
  EXPECT_EQ(harness.sum("touches_dead_lettered"), 4);
}

TEST(IdentityLedger, TheScopeOfAnOrderIsItsReporterUnlessItNamesOne) {
  Harness harness;
  const Row order{1, 1, "ann", "n1", "order A1 500 CNY", ""};
  ingest::v1::Touch named = Make(order, "tmall");
  EXPECT_EQ(harness.Feed(Make(order, "till"), kMicrosPerDay).outcome, "new_member");
  EXPECT_EQ(harness.Feed(named, kMicrosPerDay).outcome, "known_member");
  named.mutable_body()->mutable_order_paid()->set_order_scope("till");
  EXPECT_EQ(harness.Feed(named, kMicrosPerDay).outcome, "duplicate");
}

TEST(IdentityEvents, ANewMemberIsAnnouncedBeforeItsFirstTouchAndAKnownOneCostsOneRecord) {
  Harness harness;
  const Harness::Step first = harness.Feed(Make({1, 1, "ann", "n1", "visit hall", ""}), 5);
  EXPECT_EQ(first.types,
            (std::vector<std::string>{"MemberCreated", "IdentifierAnchored", "MemberResolved"}));
  EXPECT_TRUE(first.resolved[0].is_new_member());
  const Harness::Step second = harness.Feed(Make({1, 1, "ann", "n2", "visit hall", ""}), 5);
  EXPECT_EQ(second.types, std::vector<std::string>{"MemberResolved"});
  EXPECT_FALSE(second.resolved[0].is_new_member());
  EXPECT_EQ(second.resolved[0].member(), first.resolved[0].member());
  EXPECT_EQ(second.resolved[0].fragment_id(), first.resolved[0].fragment_id());
}

TEST(IdentityEvents, CarryTheTouchWithoutWhoAndContact) {
  Harness harness;
  const ingest::v1::Touch touch = Make({1, 1, "ann", "n1", "order A1 500 CNY", ""});
  const v1::MemberResolved resolved = harness.Feed(touch, kMicrosPerDay).resolved.at(0);
  EXPECT_EQ(resolved.touch().body().SerializeAsString(), touch.body().SerializeAsString());
  EXPECT_EQ(resolved.touch().touch_id(), touch.touch_id());
  EXPECT_EQ(resolved.touch().identifiers_size(), 0);
  EXPECT_FALSE(resolved.touch().has_contact());
  EXPECT_EQ(resolved.pivot().hmac(), touch.identifiers(0).hmac());
}

TEST(IdentityRecords, ThatAreNoTouchBecomeCountedDeadLetters) {
  const ingest::v1::Touch good = Make({1, 1, "ann", "n1", "order A1 500 CNY", ""});
  std::vector<ingest::v1::Touch> bad(13, good);
  bad[0].set_touch_id("short");
  bad[1].clear_source();
  bad[2].clear_native_id();
  bad[3].set_occurred_us(-1);
  bad[4].set_pivot_index(1);
  bad[5].mutable_identifiers(0)->set_hmac("short");
  bad[6].clear_body();
  bad[7].mutable_body()->mutable_order_paid()->clear_order_id();
  bad[8].mutable_body()->mutable_order_paid()->set_amount_minor(-1);
  bad[9].mutable_body()->mutable_order_refunded()->set_order_id("A1");
  bad[10].mutable_body()->mutable_order_paid()->set_order_id("A\n1");
  bad[11].mutable_body()->mutable_order_paid()->set_order_scope("a\x1F");
  bad[12].set_source("a\n");
  for (const ingest::v1::Touch& touch : bad) {
    Harness harness;
    ingest::v1::TouchReceived received;
    *received.mutable_touch() = touch;
    shard::Input input;
    input.pool = "tea";
    input.type = events::kTouchReceived;
    input.entity = model::IdentifierKey(good.identifiers(0).hmac());
    input.payload = received.SerializeAsString();
    input.now_us = kMicrosPerDay;
    const Harness::Step step = harness.Run(input);
    EXPECT_EQ(step.dead_letter, "TOUCH_MALFORMED") << touch.ShortDebugString();
    EXPECT_EQ(step.outcome, "unreadable");
    EXPECT_EQ(harness.sum("touches_dead_lettered"), 1);
    EXPECT_EQ(harness.states().begin()->second.size(), 0u);
  }
}

TEST(IdentityRecords, UnderAnotherKeyOrUnparsableAreSetAside) {
  Harness harness;
  shard::Input input;
  input.pool = "tea";
  input.type = events::kTouchReceived;
  input.entity = "i_someone_else";
  input.now_us = kMicrosPerDay;
  ingest::v1::TouchReceived received;
  *received.mutable_touch() = Make({1, 1, "ann", "n1", "visit hall", ""});
  input.payload = received.SerializeAsString();
  EXPECT_EQ(harness.Run(input).dead_letter, "TOUCH_MALFORMED");
  input.payload = "\xFF\xFF\xFF";
  EXPECT_EQ(harness.Run(input).dead_letter, "TOUCH_MALFORMED");
}

TEST(IdentityRecords, OfOtherTypesAreSkipped) {
  IdentityProgram program;
  shard::Input input;
  input.type = "io.regulars.ingest.v1.SomethingNew";
  bool skip = false;
  EXPECT_TRUE(program.Decode(&input, &skip).ok());
  EXPECT_TRUE(skip);
}

TEST(IdentityQueries, FindAMemberByIdentifierAndById) {
  Harness harness;
  const std::string key = model::IdentifierKey(Person("ann").hmac());
  EXPECT_EQ(harness.Ask(kLookupMember, key).reason, "IDENTIFIER_UNKNOWN");
  EXPECT_EQ(harness.Ask(kGetMember, "m_nobody").reason, "MEMBER_UNKNOWN");

  const auto resolved = harness.Feed(Make({1, 1, "ann", "n1", "visit hall", ""}), kMicrosPerDay);
  v1::LookupMemberResponse found;
  ASSERT_TRUE(found.ParseFromString(harness.Ask(kLookupMember, key).payload));
  const std::string member = resolved.resolved[0].member();
  EXPECT_EQ(found.member(), Cat("pools/tea/members/", member));
  EXPECT_EQ(found.fragment_id(), resolved.resolved[0].fragment_id());

  v1::Member shown;
  ASSERT_TRUE(shown.ParseFromString(harness.Ask(kGetMember, member).payload));
  EXPECT_EQ(shown.name(), found.member());
  EXPECT_EQ(shown.create_time().seconds(), kMicrosPerDay / kMicrosPerSecond);
  EXPECT_EQ(shown.identifier_count(), 1);
  ASSERT_EQ(shown.identifiers_size(), 1);
  EXPECT_EQ(shown.identifiers(0).type(), "card");
  EXPECT_EQ(shown.identifiers(0).fragment_id(), found.fragment_id());
}

TEST(IdentityState, OfAWarmTouchIsOneSmallExpiringKey) {
  IdentityProgram program;
  MapState state;
  Harness harness;
  harness.Feed(Make({1, 1, "ann", "n1", "visit hall", ""}), kMicrosPerDay);
  const std::string key = model::IdentifierKey(Person("ann").hmac());
  const size_t before = harness.states()[key].Dump().size();
  harness.Feed(Make({1, 1, "ann", "n2", "visit hall", ""}), kMicrosPerDay);
  const size_t bytes = harness.states()[key].Dump().size() - before;
  EXPECT_LE(bytes, 80u);
}

}  // namespace
}  // namespace regulars::identity
