#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "services/segmentation/codec/ledger_text.h"
#include "services/segmentation/codec/program.h"

namespace regulars::segmentation {
namespace {

struct Row {
  int day;
  std::string input;  // "buy ORDER AMOUNT", "refund ORDER ID AMOUNT", "whole ORDER ID", "wait"
  std::string outcome;
  std::string figures;
  std::string events;
};

struct Case {
  std::string name;
  std::vector<Row> rows;
};

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// An optional last word "@N": the touch happened on day N, and was reported on the row's day.
std::string Play(shard::ProgramHarness& harness, const Row& row) {
  std::vector<std::string> words = Words(row.input);
  const Micros now = row.day * kMicrosPerDay;
  harness.AdvanceTo(now);
  Micros at = now;
  if (words.back()[0] == '@') {
    at = std::stoll(words.back().substr(1)) * kMicrosPerDay;
    words.pop_back();
  }
  const std::string currency = words[0] == "buy_eur" || words[0] == "refund_eur" ? "EUR" : "USD";
  if (words[0] == "buy" || words[0] == "buy_eur") {
    return Feed(harness, Paid(words[1], std::stoll(words[2]), at, currency)).outcome;
  }
  if (words[0] == "refund" || words[0] == "refund_eur") {
    return Feed(harness, Refunded(words[1], words[2], std::stoll(words[3]), false, at, currency))
        .outcome;
  }
  if (words[0] == "whole") return Feed(harness, Refunded(words[1], words[2], 0, true, at)).outcome;
  return "";
}

class LedgerTest : public testing::TestWithParam<Case> {};

TEST_P(LedgerTest, EveryLineGivesItsOutcomeFiguresAndEvents) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  for (const Row& row : GetParam().rows) {
    const size_t events_before = harness.publishes().size();
    const std::string outcome = Play(harness, row);
    const std::string line = absl::StrCat("day ", row.day, ": ", row.input);
    EXPECT_EQ(outcome, row.outcome) << line;
    EXPECT_EQ(Figures(harness), row.figures) << line;
    EXPECT_EQ(Events(harness.publishes(), events_before), row.events) << line;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Segmentation, LedgerTest,
    testing::Values(
        Case{"CountsPurchases",
             {{0, "buy A 1000", "purchased", "1 USD 1000 d0..d0", ""},
              {0, "buy A 1000", "duplicate", "1 USD 1000 d0..d0", ""},
              {5, "buy B 0", "purchased", "2 USD 1000 d0..d5 repeat_buyer", "+repeat_buyer d5"},
              {7, "buy C 50", "purchased", "3 USD 1050 d0..d7 repeat_buyer", ""}}},
        Case{"LapsesByTimerOneMicrosecondAfterTheLastDay",
             {{0, "buy A 1000", "purchased", "1 USD 1000 d0..d0", ""},
              {180, "wait", "", "1 USD 1000 d0..d0", ""},
              {181, "wait", "", "1 USD 1000 d0..d0 lapsed", "+lapsed d180+1us"},
              {500, "wait", "", "1 USD 1000 d0..d0 lapsed", ""},
              {501, "buy B 1", "purchased", "2 USD 1001 d0..d501 repeat_buyer",
               "-lapsed d501, +repeat_buyer d501"},
              {682, "wait", "", "2 USD 1001 d0..d501 lapsed repeat_buyer", "+lapsed d681+1us"}}},
        Case{"APurchaseOnTheLastDayPreventsIt",
             {{0, "buy A 1000", "purchased", "1 USD 1000 d0..d0", ""},
              {180, "buy B 1", "purchased", "2 USD 1001 d0..d180 repeat_buyer",
               "+repeat_buyer d180"},
              {360, "wait", "", "2 USD 1001 d0..d180 repeat_buyer", ""},
              {361, "wait", "", "2 USD 1001 d0..d180 lapsed repeat_buyer", "+lapsed d360+1us"}}},
        Case{"RefundsLowerTheSumAndTheWholeTakesThePurchaseBack",
             {{0, "buy A 1000", "purchased", "1 USD 1000 d0..d0", ""},
              {5, "buy B 500", "purchased", "2 USD 1500 d0..d5 repeat_buyer", "+repeat_buyer d5"},
              {6, "refund B r1 200", "refunded_partly", "2 USD 1300 d0..d5 repeat_buyer", ""},
              {6, "refund B r1 200", "duplicate", "2 USD 1300 d0..d5 repeat_buyer", ""},
              {7, "refund B r2 300", "refunded_wholly", "1 USD 1000 d0..d0", "-repeat_buyer d7"},
              {8, "refund B r3 10", "refunded_already", "1 USD 1000 d0..d0", ""},
              {9, "whole A r4", "refunded_wholly", "0", ""},
              {400, "wait", "", "0", ""}}},
        Case{"ARefundOfTheFirstPurchaseMovesTheFirst",
             {{0, "buy A 10", "purchased", "1 USD 10 d0..d0", ""},
              {1, "buy B 20", "purchased", "2 USD 30 d0..d1 repeat_buyer", "+repeat_buyer d1"},
              {2, "buy C 30", "purchased", "3 USD 60 d0..d2 repeat_buyer", ""},
              {3, "whole A r1", "refunded_wholly", "2 USD 50 d1..d2 repeat_buyer", ""},
              {4, "whole C r2", "refunded_wholly", "1 USD 20 d1..d1", "-repeat_buyer d4"}}},
        Case{
            "ARefundOfTheLastPurchaseMayLapseAtOnce",
            {{0, "buy A 10", "purchased", "1 USD 10 d0..d0", ""},
             {170, "buy B 20", "purchased", "2 USD 30 d0..d170 repeat_buyer", "+repeat_buyer d170"},
             {200, "whole B r1", "refunded_wholly", "1 USD 10 d0..d0 lapsed",
              "-repeat_buyer d200, +lapsed d200"},
             {201, "whole A r2", "refunded_wholly", "0", "-lapsed d201"}}},
        Case{
            "AnEntryIsAlwaysLaterThanTheOneBefore",
            {{0, "buy A 10", "purchased", "1 USD 10 d0..d0", ""},
             {1, "buy B 10", "purchased", "2 USD 20 d0..d1 repeat_buyer", "+repeat_buyer d1"},
             {1, "whole B r1", "refunded_wholly", "1 USD 10 d0..d0", "-repeat_buyer d1"},
             {1, "buy C 10", "purchased", "2 USD 20 d0..d1 repeat_buyer", "+repeat_buyer d1+1us"}}},
        Case{"ARefundBeforeItsOrderWaits",
             {{0, "refund A r1 300", "refund_pending", "0", ""},
              {1, "buy A 1000", "purchased", "1 USD 700 d1..d1", ""},
              {2, "whole B r2", "refund_pending", "1 USD 700 d1..d1", ""},
              {3, "buy B 5", "purchased_refunded", "1 USD 700 d1..d1", ""},
              {4, "buy B 5", "duplicate", "1 USD 700 d1..d1", ""}}},
        Case{"AnOrderOfNothingIsOnlyTakenBackAsAWhole",
             {{0, "buy A 0", "purchased", "1 d0..d0", ""},
              {1, "refund A r1 0", "refunded_partly", "1 d0..d0", ""},
              {2, "whole A r2", "refunded_wholly", "0", ""}}},
        Case{"LatePurchasesCountAtTheirOwnTime",
             {{100, "buy A 10", "purchased", "1 USD 10 d100..d100", ""},
              {101, "buy B 10 @50", "purchased", "2 USD 20 d50..d100 repeat_buyer",
               "+repeat_buyer d101"},
              {281, "wait", "", "2 USD 20 d50..d100 lapsed repeat_buyer", "+lapsed d280+1us"},
              {300, "buy C 10 @110", "purchased", "3 USD 30 d50..d110 lapsed repeat_buyer", ""},
              {301, "buy D 10 @290", "purchased", "4 USD 40 d50..d290 repeat_buyer",
               "-lapsed d301"}}},
        Case{"APurchaseReportedTooLateLapsesAtTheReport",
             {{400, "buy A 10 @10", "purchased", "1 USD 10 d10..d10 lapsed", "+lapsed d400"}}},
        Case{"CurrenciesAreKeptApart",
             {{0, "buy A 10", "purchased", "1 USD 10 d0..d0", ""},
              {1, "buy_eur B 20", "purchased", "2 EUR 20 USD 10 d0..d1 repeat_buyer",
               "+repeat_buyer d1"},
              {2, "refund_eur A r1 5", "currency_mismatch", "2 EUR 20 USD 10 d0..d1 repeat_buyer",
               ""},
              {3, "refund_eur C r1 5", "refund_pending", "2 EUR 20 USD 10 d0..d1 repeat_buyer", ""},
              {4, "buy C 7", "purchased", "3 EUR 20 USD 17 d0..d4 repeat_buyer", ""},
              {5, "refund C r1 7", "refunded_wholly", "2 EUR 20 USD 10 d0..d1 repeat_buyer", ""}}}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(SegmentationProgramTest, BadTouchesAreSetAsideAndChangeNothing) {
  struct Bad {
    std::string reason;
    identity::v1::MemberResolved event;
  };
  std::vector<Bad> table = {
      {"AMOUNT_INVALID", Paid("A", -1, 0)},
      {"CURRENCY_INVALID", Paid("A", 1, 0, "usd")},
      {"CURRENCY_INVALID", Paid("A", 1, 0, "")},
      {"TIME_INVALID", Paid("A", 1, -1)},
      {"TIME_INVALID", Paid("A", 1, kMicrosMax + 1)},
      {"ORDER_INVALID", Paid("", 1, 0)},
      {"ORDER_INVALID", Paid(std::string(kOrderIdBytesMax + 1, 'a'), 1, 0)},
      {"ORDER_INVALID", Paid(std::string("a\0b", 3), 1, 0)},
      {"ORDER_INVALID", Refunded("A", "", 1, false, 0)},
      {"ORDER_INVALID", Refunded("A", std::string(kRefundIdBytesMax + 1, 'a'), 1, false, 0)},
      {"AMOUNT_INVALID", Refunded("A", "r", -1, false, 0)}};
  identity::v1::MemberResolved scoped = Paid("A", 1, 0);
  scoped.mutable_touch()->mutable_body()->mutable_order_paid()->set_order_scope(
      std::string(kOrderScopeBytesMax + 1, 's'));
  table.push_back({"ORDER_INVALID", scoped});
  identity::v1::MemberResolved nobody = Paid("A", 1, 0);
  nobody.clear_member();
  table.push_back({"EVENT_MALFORMED", nobody});
  identity::v1::MemberResolved other = Paid("A", 1, 0);
  other.set_member("m_2");  // not the member of the record's header
  table.push_back({"EVENT_MALFORMED", other});
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  for (const Bad& bad : table) {
    const shard::Effects effects = Feed(harness, bad.event);
    ASSERT_TRUE(effects.dead_letter.has_value()) << bad.reason;
    EXPECT_EQ(effects.dead_letter->reason, bad.reason);
  }
  EXPECT_EQ(harness.Record("io.regulars.identity.v1.MemberResolved", "x", "\xff\xff", 0)
                .dead_letter->reason,
            "EVENT_MALFORMED");
  EXPECT_TRUE(harness.states().empty());
}

TEST(SegmentationProgramTest, OtherTouchesAreSkipped) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  identity::v1::MemberResolved visit = Paid("A", 1, 0);
  visit.mutable_touch()->mutable_body()->mutable_visit()->set_place("shop");
  EXPECT_EQ(Feed(harness, visit).outcome, "skipped");
  EXPECT_EQ(harness.Record("io.regulars.identity.v1.MemberCreated", "x", "", 0).outcome, "skipped");
  EXPECT_TRUE(harness.states().empty());
}

TEST(SegmentationProgramTest, OneRefundAboveTheLimitOfAnOrderIsSetAside) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Feed(harness, Paid("A", 1'000'000, 0));
  for (int i = 0; i < kRefundsPerOrderMax; ++i) {
    EXPECT_EQ(Feed(harness, Refunded("A", absl::StrCat("r", i), 1, false, 1)).outcome,
              "refunded_partly");
  }
  const shard::Effects above = Feed(harness, Refunded("A", "above", 1, false, 1));
  EXPECT_EQ(above.dead_letter->reason, "TOO_MANY_REFUNDS");
  EXPECT_EQ(Figures(harness), "1 USD 999900 d0..d0");
}

TEST(SegmentationProgramTest, OnePendingOrderAboveTheLimitIsSetAside) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  for (int i = 0; i < kPendingOrdersMax; ++i) {
    EXPECT_EQ(Feed(harness, Refunded(absl::StrCat("o", i), "r", 1, false, 1)).outcome,
              "refund_pending");
  }
  EXPECT_EQ(Feed(harness, Refunded("above", "r", 1, false, 1)).dead_letter->reason,
            "TOO_MANY_PENDING_REFUNDS");
  EXPECT_EQ(Feed(harness, Refunded("o1", "r2", 1, false, 1)).outcome, "refund_pending");
  EXPECT_EQ(Feed(harness, Paid("o1", 5, 1)).outcome, "purchased");
  EXPECT_EQ(Feed(harness, Refunded("above", "r", 1, false, 1)).outcome, "refund_pending");
}

TEST(SegmentationProgramTest, SumsThatDoNotFitAreSetAside) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  EXPECT_EQ(Feed(harness, Paid("A", INT64_MAX - 1, 0)).outcome, "purchased");
  EXPECT_EQ(Feed(harness, Paid("B", 2, 0)).dead_letter->reason, "PURCHASE_FIGURES_EXCEEDED");
  EXPECT_EQ(Feed(harness, Paid("C", 1, 0)).outcome, "purchased");
  for (char c = 'A'; c < 'A' + kCurrenciesPerMemberMax - 1; ++c) {
    const std::string currency = {'X', 'X', c};
    EXPECT_EQ(Feed(harness, Paid(currency, 1, 0, currency)).outcome, "purchased");
  }
  EXPECT_EQ(Feed(harness, Paid("Z", 1, 0, "ZZZ")).dead_letter->reason, "PURCHASE_FIGURES_EXCEEDED");
  EXPECT_EQ(Feed(harness, Paid("Z0", 0, 0, "ZZZ")).outcome, "purchased");
}

TEST(SegmentationProgramTest, TheRootStaysBelowOneKibibyteAndAPurchaseCostsTheSameForEver) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  size_t after_ten = 0;
  for (int i = 0; i < 2000; ++i) {
    Feed(harness, Paid(absl::StrCat(100'000 + i), 1000, i * kMicrosPerHour));
    if (i == 9) after_ten = harness.state_bytes();
  }
  EXPECT_LE(harness.Get("")->size(), 1024U);
  EXPECT_LE(harness.state_bytes() / 2000, after_ten / 10 * 12 / 10);
}

TEST(SegmentationProgramTest, ControlSumsAreTheSumsOfTheMember) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Feed(harness, Paid("A", 1000, 0));
  Feed(harness, Paid("B", 500, kMicrosPerDay));
  harness.AdvanceTo(200 * kMicrosPerDay);
  const std::map<std::string, int64_t> expected = {{"buyers", 1},
                                                   {"purchases", 2},
                                                   {"repeat_members", 1},
                                                   {"purchase_minor/USD", 1500},
                                                   {"segment/lapsed/members", 1},
                                                   {"segment/lapsed/entries", 1},
                                                   {"segment/repeat_buyer/members", 1},
                                                   {"segment/repeat_buyer/entries", 1}};
  EXPECT_EQ(harness.sums(), expected);
}

TEST(SegmentationProgramTest, AnEntrySaysWhyAndHasANaturalId) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  Feed(harness, Paid("A", 1000, 0));
  harness.AdvanceTo(181 * kMicrosPerDay);
  ASSERT_EQ(harness.publishes().size(), 1U);
  const shard::Publish& publish = harness.publishes()[0];
  EXPECT_EQ(publish.id, "m_1/lapsed/15552000000001");
  EXPECT_EQ(publish.time_us, 180 * kMicrosPerDay + 1);
  v1::SegmentEntered event;
  ASSERT_TRUE(event.ParseFromString(publish.payload));
  EXPECT_EQ(event.reason().rule(), "lapsed@1");
  EXPECT_EQ(event.reason().text(), "no purchase for more than 180 days");
  EXPECT_EQ(event.reason().purchases(), 1);
}

TEST(SegmentationProgramTest, GetMembershipExplainsEverySegment) {
  const SegmentationProgram program{{}};
  shard::ProgramHarness harness(program, "cofco", "m_1");
  EXPECT_EQ(harness.Query("GetMembership", "", 0).reason, "MEMBER_UNKNOWN");
  EXPECT_EQ(harness.Query("GetNothing", "", 0).reason, "QUERY_UNKNOWN");
  Feed(harness, Paid("A", 1000, 0));
  Feed(harness, Paid("B", 500, kMicrosPerDay));
  v1::Membership membership;
  ASSERT_TRUE(membership.ParseFromString(harness.Query("GetMembership", "", 0).payload));
  EXPECT_EQ(membership.name(), "pools/cofco/members/m_1/membership");
  EXPECT_EQ(membership.purchase_count(), 2);
  ASSERT_EQ(membership.segments_size(), 1);
  EXPECT_EQ(membership.segments(0).segment(), "pools/cofco/segments/repeat_buyer");
  ASSERT_EQ(membership.explanations_size(), 2);
  EXPECT_EQ(membership.explanations(0).text(),
            "last purchase 1970-01-02T00:00:00Z, lapses at 1970-07-01T00:00:00.000001Z unless "
            "another follows");
  EXPECT_EQ(membership.explanations(0).deadline_time().seconds(), 181 * 86'400);
  EXPECT_EQ(membership.explanations(1).text(), "2 purchases count, 2 needed");
}

TEST(SegmentationProgramTest, ATimerThatCameEarlyUnderNewRulesIsMoved) {
  const SegmentationProgram short_rules{{{.lapsed_after_days = 10}, {}}};
  const SegmentationProgram long_rules{{{.lapsed_after_days = 20}, {}}};
  shard::ProgramHarness harness(short_rules, "cofco", "m_1");
  Feed(harness, Paid("A", 1000, 0));
  shard::Input timer;
  timer.kind = shard::InputKind::kTimer;
  timer.pool = "cofco";
  timer.entity = "m_1";
  timer.type = "lapsed";
  timer.time_us = timer.now_us = 10 * kMicrosPerDay + 1;
  const shard::Effects effects = long_rules.Apply(harness, timer);
  EXPECT_EQ(effects.outcome, "timer_moved");
  ASSERT_EQ(effects.set_timers.size(), 1U);
  EXPECT_EQ(effects.set_timers[0].at_us, 20 * kMicrosPerDay + 1);
  EXPECT_TRUE(effects.publishes.empty());
}

}  // namespace
}  // namespace regulars::segmentation
