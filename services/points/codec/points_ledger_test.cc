// The rules as tables that read like a ledger. A row is `<day> <what> -> <outcome> <figures>`; days
// count from the book's first day; amounts are cents; lots are `points@day of expiry`, earliest
// first. A program gives 1 point per whole dollar, and lots live 365 days, unless the table says
// otherwise. After every row the book's invariants hold and the shard's sums equal the root's
// figures.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/points/codec/book.h"
#include "services/points/kernel/keys.h"
#include "services/points/kernel/outcomes.h"

namespace regulars::points {
namespace {

constexpr int64_t kFirstDay = 10'000;  // days after 1970-01-01

int64_t Day(double day) {
  return kFirstDay * kMicrosPerDay + static_cast<int64_t>(day * static_cast<double>(kMicrosPerDay));
}

std::map<std::string, std::string> Arguments(std::istringstream* in) {
  std::map<std::string, std::string> arguments;
  for (std::string word; *in >> word;) {
    const size_t equals = word.find('=');
    arguments[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return arguments;
}

std::string Lots(const Book& book) {
  std::string text;
  for (const auto& [sub, value] : book.state.values) {
    if (!sub.starts_with(kLotPrefix)) continue;
    v1::LotState lot;
    EXPECT_TRUE(lot.ParseFromString(value));
    Append(&text, text.empty() ? "" : ",", lot.remaining(), "@",
           ParseLotSub(sub).expires_at_us / kMicrosPerDay - kFirstDay);
  }
  return text.empty() ? "none" : text;
}

std::string Figure(const Book& book, const std::string& name) {
  const v1::PointsRoot root = book.Root();
  if (name == "balance") return Cat(root.balance());
  if (name == "issued") return Cat(root.issued());
  if (name == "redeemed") return Cat(root.redeemed());
  if (name == "expired") return Cat(root.expired());
  if (name == "reversed") return Cat(root.reversed());
  if (name == "debt") return Cat(root.debt());
  if (name == "entries") return Cat(root.next_entry_sequence() - 1);
  if (name == "lots") return Lots(book);
  if (name == "timer") {
    return Cat(book.state.Timer(kExpireTimer).value_or(Day(-1)) / kMicrosPerDay - kFirstDay);
  }
  ADD_FAILURE() << "no figure is called " << name;
  return "";
}

void ExpectBalanced(Book& book) {
  EXPECT_EQ(book.program.CheckInvariants(book.state), "");
  const v1::PointsRoot root = book.Root();
  EXPECT_EQ(book.sums["loyalty/issued"], root.issued());
  EXPECT_EQ(book.sums["loyalty/outstanding"], root.balance());
  EXPECT_EQ(book.sums["loyalty/redeemed"], root.redeemed());
  EXPECT_EQ(book.sums["loyalty/expired"], root.expired());
  EXPECT_EQ(book.sums["loyalty/reversed"], root.reversed());
  EXPECT_EQ(book.sums["loyalty/debt"], root.debt());
}

std::string Do(Book* book, double day, const std::string& verb,
               std::map<std::string, std::string> a) {
  const int64_t now = Day(day);
  const int64_t at = a.contains("at") ? Day(std::stod(a["at"])) : now;
  const std::string currency = a.contains("currency") ? a["currency"] : "USD";
  if (verb == "earn") return book->Paid(a["order"], std::stoll(a["amount"]), at, now, currency);
  if (verb == "refund") {
    const int64_t amount = a.contains("amount") ? std::stoll(a["amount"]) : 0;
    return book->Refunded(a["order"], a["id"], amount, a.contains("whole"), at, now, currency);
  }
  if (verb == "redeem") return book->Redeem(a["id"], std::stoll(a["points"]), now, a["reason"]);
  if (verb == "reverse") return book->Reverse(a["id"], now, a["reason"]);
  if (verb == "wait") {
    book->effects.outcome = "quiet";
    book->Advance(now);
    return book->effects.outcome;
  }
  ADD_FAILURE() << "no verb " << verb;
  return "";
}

using Rows = std::vector<std::string>;

Book Keep(const Rows& rows, const ProgramConfig& config = {}) {
  Book book(config);
  for (const std::string& row : rows) {
    SCOPED_TRACE(row);
    const size_t arrow = row.find("->");
    std::istringstream left(row.substr(0, arrow));
    std::istringstream right(row.substr(arrow + 2));
    double day = 0;
    std::string verb;
    std::string outcome;
    left >> day >> verb;
    right >> outcome;
    const auto before = book.state.values;
    EXPECT_EQ(Do(&book, day, verb, Arguments(&left)), outcome);
    for (const auto& [name, value] : Arguments(&right)) {
      if (name == "unchanged") {
        EXPECT_EQ(book.state.values, before);
      } else {
        EXPECT_EQ(Figure(book, name), value) << name;
      }
    }
    ExpectBalanced(book);
  }
  return book;
}

TEST(Ledger, EarnsOnePointPerWholeDollarOnceForEver) {
  Keep({
      "0   earn order=A1 amount=10050               -> earned balance=100 lots=100@365 timer=365",
      "1   earn order=A1 amount=10050               -> already_earned unchanged",
      "1   earn order=A1 amount=10051               -> exists_with_different_amount unchanged",
      "1   earn order=A1 amount=10050 currency=EUR  -> exists_with_different_currency unchanged",
      "1   earn order=A1 amount=1     currency=EUR  -> exists_with_different_currency unchanged",
      "2   earn order=A2 amount=99                  -> earned_nothing balance=100 entries=1",
      "2   earn order=A3 amount=0                   -> earned_nothing balance=100 entries=1",
      "3   earn order=A3 amount=0                   -> already_earned unchanged",
      "3   earn order=A3 amount=100                 -> exists_with_different_amount unchanged",
      "4   earn order=A4 amount=5000                -> earned balance=150 lots=100@365,50@369",
      "9e3 earn order=A1 amount=10050               -> already_earned balance=0 expired=150",
  });
}

TEST(Ledger, AnExistingOrderIsComparedBeforeItIsRepeated) {
  const Book book = Keep({"0 earn order=A1 amount=100 -> earned",
                          "0 earn order=A1 amount=200 -> exists_with_different_amount unchanged"});
  ASSERT_TRUE(book.effects.dead_letter.has_value());
  EXPECT_EQ(book.effects.dead_letter->reason, "ORDER_EXISTS_WITH_DIFFERENT_AMOUNT");
}

TEST(Ledger, RateIsARationalAndRoundsDown) {
  const ProgramConfig three_for_two{.points_numerator = 3, .points_denominator = 2};
  Keep(
      {
          "0 earn order=A1 amount=100 -> earned balance=1",
          "0 earn order=A2 amount=133 -> earned balance=2",
          "0 earn order=A3 amount=134 -> earned balance=4",
          "0 earn order=A4 amount=100 currency=JPY -> earned balance=154",
          "0 earn order=A5 amount=2000 currency=KWD -> earned balance=157",
      },
      three_for_two);
}

TEST(Ledger, AnOrderMayNotEarnWithoutBound) {
  const ProgramConfig generous{.points_numerator = 10'000, .points_denominator = 1};
  Keep({"0 earn order=A1 amount=10000000000   -> earned balance=1000000000000",
        "0 earn order=A2 amount=10000000100   -> points_too_many unchanged"},
       generous);
}

TEST(Ledger, AMembersLedgerMayNotGrowWithoutBound) {
  Book book({});
  EXPECT_EQ(book.Paid("A1", 100, Day(0), Day(0)), "earned");
  v1::PointsRoot root = book.Root();
  root.set_issued(4'000'000'000'000'000'000);
  book.state.values[""] = root.SerializeAsString();
  EXPECT_EQ(book.Paid("A2", 99, Day(0), Day(0)), "earned_nothing");
  EXPECT_EQ(book.Paid("A3", 100, Day(0), Day(0)), "ledger_full");
  EXPECT_EQ(book.effects.dead_letter->reason, "LEDGER_FULL");
  EXPECT_TRUE(book.effects.puts.empty());
}

TEST(Ledger, ALotExpiresAtItsInstantBeforeAnythingElseThen) {
  Keep({
      "0          earn order=A1 amount=10000 -> earned balance=100 timer=365",
      "100        earn order=A2 amount=5000  -> earned balance=150 timer=365",
      "364.99999  redeem id=x points=10      -> redeemed balance=140 lots=90@365,50@465",
      "365        redeem id=y points=51      -> insufficient_points balance=50 expired=90 "
      "timer=465",
      "365        redeem id=z points=50      -> redeemed balance=0 lots=none timer=-1",
      "500        wait                       -> quiet balance=0 expired=90",
  });
}

TEST(Ledger, ALateOrderWhoseLotIsPastItsExpiryExpiresAtOnce) {
  Keep(
      {"400 earn order=A1 amount=10000 at=35   -> earned balance=0 expired=100 entries=2 lots=none",
       "400 earn order=A2 amount=10000 at=35.5 -> earned balance=100 lots=100@400 timer=400",
       "401 wait                               -> expired balance=0 expired=200 entries=4"});
}

TEST(Ledger, ManyLotsThatAreDueExpireInSteps) {
  Book book({});
  for (int i = 0; i < 250; ++i) book.Paid(Cat("A", i), 100, Day(0), Day(0));
  book.Advance(Day(365), true);
  EXPECT_EQ(book.effects.outcome, "expired");
  EXPECT_EQ(book.Root().expired(), 250);
  ExpectBalanced(book);
}

TEST(Ledger, TheTimerSaysWhenItStoppedHalfway) {
  Book book({});
  for (int i = 0; i < 101; ++i) book.Paid(Cat("A", i), 100, Day(0), Day(0));
  shard::Input timer;
  timer.kind = shard::InputKind::kTimer;
  timer.pool = Book::kPool;
  timer.entity = book.member;
  timer.type = kExpireTimer;
  timer.now_us = Day(365);
  book.state.timers.clear();
  EXPECT_EQ(book.Apply(timer), "expired_in_part");
  EXPECT_EQ(book.state.Timer(kExpireTimer), Day(365));
  book.state.timers.clear();
  EXPECT_EQ(book.Apply(timer), "expired");
  EXPECT_EQ(book.state.Timer(kExpireTimer), std::nullopt);
  EXPECT_EQ(book.Apply(timer), "nothing_due");
}

TEST(Ledger, ARefundTakesBackFromExactlyTheLotOfItsOrder) {
  Keep({
      "0 earn order=A1 amount=10000             -> earned lots=100@365",
      "1 earn order=A2 amount=20000             -> earned lots=100@365,200@366",
      "2 refund order=A2 id=r1 amount=5000      -> refunded lots=100@365,150@366 reversed=50",
      "2 refund order=A2 id=r1 amount=5000      -> already_refunded unchanged",
      "2 refund order=A2 id=r1 amount=5001      -> exists_with_different_amount unchanged",
      "2 refund order=A2 id=r1 amount=5000 whole -> exists_with_different_extent unchanged",
      "2 refund order=A2 id=r1 amount=5000 currency=EUR -> exists_with_different_currency "
      "unchanged",
      "2 refund order=A2 id=r2 amount=1 currency=EUR    -> currency_mismatch unchanged",
      "3 refund order=A2 id=r3 whole            -> refunded lots=100@365 reversed=200 debt=0",
      "3 refund order=A2 id=r4 amount=20000     -> refunded_nothing balance=100 reversed=200",
  });
}

TEST(Ledger, AnOrderKeepsWhatAnOrderOfTheRestWouldHaveEarned) {
  Keep({
      "0 earn order=A1 amount=1050              -> earned balance=10",
      "1 refund order=A1 id=r1 amount=50        -> refunded_nothing balance=10",
      "1 refund order=A1 id=r2 amount=1         -> refunded balance=9",
      "1 refund order=A1 id=r3 amount=99        -> refunded_nothing balance=9",
      "1 refund order=A1 id=r4 amount=0         -> refunded_nothing balance=9",
      "1 refund order=A1 id=r5 amount=999999    -> refunded balance=0 reversed=10 debt=0",
      "1 refund order=A1 id=r6 amount=1         -> refunded_nothing balance=0",
  });
}

TEST(Ledger, AnOrderWithoutPointsIsRefundedWithoutPoints) {
  Keep({"0 earn order=A1 amount=0      -> earned_nothing",
        "0 refund order=A1 id=r1 whole -> refunded_nothing entries=0 balance=0",
        "0 refund order=A1 id=r1 whole -> already_refunded unchanged"});
}

TEST(Ledger, SpentPointsThatAreTakenBackAreDebtAndLaterPointsPayItFirst) {
  Keep({
      "0 earn order=A1 amount=10000       -> earned balance=100",
      "1 redeem id=x points=80            -> redeemed balance=20 lots=20@365",
      "2 refund order=A1 id=r1 whole      -> refunded balance=-80 debt=80 lots=none reversed=100",
      "3 redeem id=y points=1             -> insufficient_points unchanged",
      "4 earn order=A2 amount=5000        -> earned balance=-30 debt=30 lots=none issued=150",
      "5 earn order=A3 amount=10000       -> earned balance=70 debt=0 lots=70@370",
      "6 redeem id=y points=71            -> insufficient_points unchanged",
      "6 redeem id=y points=70            -> redeemed balance=0 timer=-1",
  });
}

TEST(Ledger, DebtLeavesOtherLotsAloneButCannotBeSpentPast) {
  Keep({
      "0 earn order=A1 amount=10000       -> earned",
      "1 redeem id=x points=100           -> redeemed",
      "2 earn order=A2 amount=15000       -> earned balance=150",
      "3 refund order=A1 id=r1 whole      -> refunded balance=50 debt=100 lots=150@367",
      "4 redeem id=y points=51            -> insufficient_points unchanged",
      "4 redeem id=y points=50            -> redeemed balance=0 debt=100 lots=100@367",
  });
}

TEST(Ledger, PointsThatExpiredAreNotTakenASecondTime) {
  Keep({
      "0   earn order=A1 amount=10000        -> earned",
      "1   redeem id=x points=40             -> redeemed lots=60@365",
      "365 wait                              -> expired balance=0 expired=60",
      "366 refund order=A1 id=r1 amount=5000 -> refunded_nothing balance=0 debt=0",
      "367 refund order=A1 id=r2 whole       -> refunded balance=-40 debt=40 reversed=40",
  });
}

TEST(Ledger, ARefundBeforeItsOrderWaitsForIt) {
  Keep({
      "0 refund order=A1 id=r1 amount=3000 -> pending balance=0 entries=0",
      "0 refund order=A1 id=r1 amount=3000 -> already_refunded unchanged",
      "0 refund order=A1 id=r1 amount=3001 -> exists_with_different_amount unchanged",
      "0 refund order=A1 id=r2 amount=2000 -> pending",
      "5 earn order=A1 amount=10000 at=0   -> earned balance=50 issued=100 reversed=50 entries=3",
      "6 refund order=A1 id=r2 amount=2000 -> already_refunded unchanged",
      "6 earn order=A1 amount=10000        -> already_earned unchanged",
      "7 refund order=A1 id=r3 whole       -> refunded balance=0 reversed=100 debt=0",
  });
}

TEST(Ledger, ARefundThatCameFirstInAnotherCurrencyIsVoid) {
  Keep({
      "0 refund order=A1 id=r1 amount=3000 currency=EUR -> pending",
      "5 earn order=A1 amount=10000                     -> earned_refund_void balance=100",
      "6 refund order=A1 id=r1 amount=3000 currency=EUR -> already_refunded unchanged",
  });
}

TEST(Ledger, OnlySoManyRefundsWaitForOneOrder) {
  Book book({});
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(book.Refunded("A1", Cat("r", i), 100, false, Day(0), Day(0)), "pending");
  }
  EXPECT_EQ(book.Refunded("A1", "r32", 100, false, Day(0), Day(0)), "pending_full");
  EXPECT_EQ(book.effects.dead_letter->reason, "PENDING_REFUNDS_FULL");
  EXPECT_EQ(book.Paid("A1", 10'000, Day(0), Day(1)), "earned");
  EXPECT_EQ(book.Root().balance(), 68);
  ExpectBalanced(book);
}

TEST(Ledger, RedeemsEarliestExpiryFirst) {
  Keep({
      "9 earn order=B amount=3000 at=9  -> earned lots=30@374",
      "9 earn order=A amount=2000 at=2  -> earned lots=20@367,30@374 timer=367",
      "9 earn order=C amount=1000 at=9  -> earned lots=20@367,30@374,10@374",
      "9 redeem id=x points=5           -> redeemed lots=15@367,30@374,10@374",
      "9 redeem id=y points=30          -> redeemed lots=15@374,10@374 timer=374",
      "9 redeem id=z points=25          -> redeemed lots=none timer=-1",
  });
}

TEST(Ledger, RefusalsOfRedeemHaveAnOrder) {
  const std::string long_id(129, 'x');
  const std::string long_reason(257, 'x');
  Keep({
      "0 redeem id=/ points=0 reason=" + long_reason + " -> points_not_positive unchanged",
      "0 redeem id=x points=-5                          -> points_not_positive unchanged",
      "0 redeem id=/ points=1000000000001               -> points_too_many unchanged",
      "0 redeem id=/ points=1 reason=" + long_reason + " -> redemption_id_invalid unchanged",
      "0 redeem id=" + long_id + " points=1             -> redemption_id_invalid unchanged",
      "0 redeem id= points=1                            -> redemption_id_invalid unchanged",
      "0 redeem id=x points=1 reason=" + long_reason + " -> reason_invalid unchanged",
      "0 redeem id=x points=1                           -> member_unknown unchanged",
      "0 earn order=A1 amount=1000                      -> earned balance=10",
      "0 redeem id=x points=4                           -> redeemed balance=6",
      "0 redeem id=x points=4                           -> already_redeemed unchanged",
      "0 redeem id=x points=40                          -> exists_with_different_points unchanged",
      "0 redeem id=y points=7                           -> insufficient_points unchanged",
  });
}

TEST(Ledger, ReversingARedemptionReturnsExactlyItsLots) {
  const std::string long_reason(257, 'x');
  Keep({
      "0 reverse id=x reason=" + long_reason + " -> reason_invalid unchanged",
      "0 reverse id=x                            -> member_unknown unchanged",
      "0 earn order=A amount=2000                -> earned",
      "1 earn order=B amount=3000                -> earned lots=20@365,30@366",
      "2 redeem id=x points=25                   -> redeemed lots=25@366",
      "3 redeem id=y points=10                   -> redeemed lots=15@366",
      "4 reverse id=q                            -> redemption_unknown unchanged",
      "4 reverse id=x                            -> reversed lots=20@365,20@366 redeemed=10 "
      "timer=365",
      "4 reverse id=x                            -> already_reversed unchanged",
      "4 redeem id=x points=25                   -> already_redeemed unchanged",
  });
}

TEST(Ledger, WhatReturnsToALotPastItsExpiryExpiresAtOnce) {
  Keep({
      "0   earn order=A amount=2000      -> earned",
      "10  earn order=B amount=3000      -> earned",
      "11  redeem id=x points=25         -> redeemed lots=25@375",
      "370 reverse id=x                  -> reversed balance=30 lots=30@375 expired=20 redeemed=0",
      "371 refund order=A id=r1 whole    -> refunded_nothing balance=30 debt=0",
  });
}

TEST(Ledger, WhatReturnsPaysDebtFirst) {
  Keep({
      "0 earn order=A amount=10000       -> earned",
      "1 redeem id=x points=100          -> redeemed",
      "2 refund order=A id=r1 amount=6000 -> refunded balance=-60 debt=60",
      "3 reverse id=x                    -> reversed balance=40 debt=0 lots=40@365",
  });
}

TEST(Ledger, ARedemptionMayBeWideButNotWithoutBound) {
  Book book({});
  constexpr int kLots = 16'385;
  for (int i = 0; i < kLots; ++i) book.Paid(Cat("A", i), 100, Day(0), Day(0));
  EXPECT_EQ(book.Redeem("x", kLots, Day(1)), "too_wide");
  EXPECT_TRUE(book.effects.puts.empty());
  EXPECT_EQ(book.Redeem("x", kLots - 1, Day(1)), "redeemed");
  ExpectBalanced(book);
  EXPECT_EQ(book.Reverse("x", Day(2)), "reversed");
  EXPECT_EQ(book.Root().balance(), kLots);
  ExpectBalanced(book);
  EXPECT_EQ(book.Redeem("y", kLots - 1, Day(3)), "redeemed");
  EXPECT_EQ(book.Reverse("y", Day(366)), "reversed");
  EXPECT_EQ(book.Root().expired(), kLots);
  ExpectBalanced(book);
}

TEST(Ledger, EveryOutcomeHasItsOwnLabelReasonAndSentence) {
  for (const auto& table :
       {EarnOutcomes(), RefundOutcomes(), RedeemOutcomes(), ReverseOutcomes(), ExpireOutcomes()}) {
    std::map<std::string_view, int> seen;
    for (const OutcomeInfo& info : table) {
      EXPECT_EQ(++seen[info.label], 1) << info.label;
      EXPECT_FALSE(info.sentence.empty()) << info.label;
      EXPECT_FALSE(info.reason.empty()) << info.label;
    }
  }
}

}  // namespace
}  // namespace regulars::points
