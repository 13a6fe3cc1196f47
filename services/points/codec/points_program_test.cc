// The codec: which bytes are refused and why, what replies and events say, and what an earn costs.
#include "services/points/codec/points_program.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/time.h"
#include "regulars/points/v1/points_events.pb.h"
#include "services/points/codec/book.h"
#include "services/points/codec/inputs.h"
#include "services/points/kernel/keys.h"

namespace regulars::points {
namespace {

using identity::v1::MemberResolved;

constexpr int64_t kNow = 10'000 * kMicrosPerDay;
constexpr int64_t kEarnBytesMax = 300;  // keys with pool and member, and values; 10th earn

MemberResolved ValidOrder() {
  MemberResolved event = Book::Resolved("t1", kNow);
  auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
  paid->set_order_id("A1");
  paid->set_amount_minor(1'000);
  paid->set_currency_code("USD");
  return event;
}

MemberResolved ValidRefund() {
  MemberResolved event = Book::Resolved("t2", kNow);
  auto* refunded = event.mutable_touch()->mutable_body()->mutable_order_refunded();
  refunded->set_order_id("A1");
  refunded->set_refund_id("r1");
  refunded->set_amount_minor(500);
  refunded->set_currency_code("USD");
  return event;
}

TEST(Decode, RefusesRecordsOutOfTheirLimitsOneAbove) {
  struct Row {
    std::string reason;  // of the refusal, or the outcome
    std::function<void(MemberResolved*)> spoil;
  };
  const auto order = [](MemberResolved* event) {
    return event->mutable_touch()->mutable_body()->mutable_order_paid();
  };
  const std::vector<Row> rows = {
      {"earned", [](MemberResolved*) {}},
      {"MEMBER_INVALID", [](MemberResolved* e) { e->set_member("m_other"); }},
      {"MEMBER_INVALID", [](MemberResolved* e) { e->clear_member(); }},
      {"TIME_INVALID", [](MemberResolved* e) { e->mutable_touch()->set_occurred_us(-1); }},
      {"TIME_INVALID",
       [](MemberResolved* e) { e->mutable_touch()->set_occurred_us(kMicrosMax + 1); }},
      {"TOUCH_INVALID", [](MemberResolved* e) { e->set_fragment_id(std::string(64, 'f')); }},
      {"TOUCH_INVALID",
       [](MemberResolved* e) { e->mutable_touch()->set_touch_id(std::string(129, 't')); }},
      {"earned", [&](MemberResolved* e) { order(e)->set_order_scope(std::string(64, 's')); }},
      {"ORDER_SCOPE_INVALID",
       [&](MemberResolved* e) { order(e)->set_order_scope(std::string(65, 's')); }},
      {"ORDER_SCOPE_INVALID", [](MemberResolved* e) { e->mutable_touch()->clear_source(); }},
      {"ORDER_ID_INVALID", [&](MemberResolved* e) { order(e)->clear_order_id(); }},
      {"earned", [&](MemberResolved* e) { order(e)->set_order_id(std::string(128, 'o')); }},
      {"ORDER_ID_INVALID",
       [&](MemberResolved* e) { order(e)->set_order_id(std::string(129, 'o')); }},
      {"ORDER_ID_INVALID", [&](MemberResolved* e) { order(e)->set_order_id("a\nb"); }},
      {"ORDER_ID_INVALID",
       [&](MemberResolved* e) { order(e)->set_order_id(std::string("a\0b", 3)); }},
      {"ORDER_ID_INVALID",
       [&](MemberResolved* e) { order(e)->set_order_id(std::string(128, '/')); }},
      {"AMOUNT_OUT_OF_RANGE", [&](MemberResolved* e) { order(e)->set_amount_minor(-1); }},
      {"earned", [&](MemberResolved* e) { order(e)->set_amount_minor(kAmountMinorMax); }},
      {"AMOUNT_OUT_OF_RANGE",
       [&](MemberResolved* e) { order(e)->set_amount_minor(kAmountMinorMax + 1); }},
      {"CURRENCY_INVALID", [&](MemberResolved* e) { order(e)->set_currency_code("usd"); }},
      {"CURRENCY_INVALID", [&](MemberResolved* e) { order(e)->set_currency_code("USDT"); }},
      {"REFUND_ID_INVALID",
       [](MemberResolved* e) {
         *e = ValidRefund();
         e->mutable_touch()->mutable_body()->mutable_order_refunded()->clear_refund_id();
       }},
      {"REFUND_ID_INVALID",
       [](MemberResolved* e) {
         *e = ValidRefund();
         e->mutable_touch()->mutable_body()->mutable_order_refunded()->set_refund_id(
             std::string(129, 'r'));
       }},
      {"skip", [](MemberResolved* e) { e->mutable_touch()->mutable_body()->mutable_visit(); }},
      {"member_seen",
       [](MemberResolved* e) {
         e->mutable_touch()->mutable_body()->mutable_visit();
         e->set_is_new_member(true);
       }},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    Book book({});
    MemberResolved event = ValidOrder();
    rows[i].spoil(&event);
    EXPECT_EQ(book.Touched(event, kNow), rows[i].reason) << "row " << i;
    EXPECT_EQ(book.program.CheckInvariants(book.state), "") << "row " << i;
  }
}

TEST(Decode, RefusesBytesThatAreNoEvent) {
  Book book({});
  shard::Input input = book.Record(ValidOrder(), kNow);
  input.payload = "\xff\xff garbage";
  EXPECT_EQ(book.Apply(input), "PAYLOAD_MALFORMED");
  input = book.Record(ValidOrder(), kNow);
  input.type = "io.regulars.identity.v1.MemberCreated";
  EXPECT_EQ(book.Apply(input), "skip");
  input = book.Record(ValidOrder(), kNow);
  input.pool = "without-a-program";
  EXPECT_EQ(book.Apply(input), "skip");
}

TEST(Decode, RefusesCommandsThatNameSomethingElse) {
  Book book({});
  book.Touched(ValidOrder(), kNow);
  const auto send = [&](const std::string& type, const std::string& name) {
    v1::RedeemPointsRequest request;
    request.set_name(name);
    request.set_redemption_id("x");
    request.set_points(1);
    shard::Input input;
    input.kind = shard::InputKind::kCommand;
    input.pool = Book::kPool;
    input.entity = book.member;
    input.type = type;
    input.payload = request.SerializeAsString();
    input.time_us = input.now_us = kNow;
    return book.Apply(input);
  };
  const std::string member = Cat("pools/cofco/members/", Book::kMember);
  EXPECT_EQ(send("RedeemPoints", "nonsense"), "NAME_MALFORMED");
  EXPECT_EQ(send("RedeemPoints", member + "/balances/loyalty/redemptions/x"), "NAME_MALFORMED");
  EXPECT_EQ(send("RedeemPoints", member + "/balances/loyalty/"), "NAME_MALFORMED");
  EXPECT_EQ(send("RedeemPoints", Cat("pools/other/members/", Book::kMember, "/balances/loyalty")),
            "POOL_MISMATCH");
  EXPECT_EQ(send("RedeemPoints", member + "/balances/other"), "PROGRAM_UNKNOWN");
  EXPECT_EQ(send("GivePoints", member + "/balances/loyalty"), "TYPE_UNKNOWN");
  EXPECT_EQ(send("ReversePoints", member + "/balances/loyalty"), "NAME_MALFORMED");
  EXPECT_EQ(send("RedeemPoints", member + "/balances/loyalty"), "redeemed");
}

TEST(Query, BalanceShowsTotalsDebtAndTheNextExpiry) {
  Book book({});
  v1::GetBalanceRequest request;
  request.set_name(Book::BalanceName());
  EXPECT_EQ(book.Query("GetBalance", request).reason, "MEMBER_UNKNOWN");
  book.Paid("A1", 10'000, kNow, kNow);
  book.Paid("A2", 5'000, kNow, kNow);
  book.Redeem("x", 30, kNow);
  const v1::Balance balance = book.Balance();
  EXPECT_EQ(balance.name(), Book::BalanceName());
  EXPECT_EQ(balance.points(), 120);
  EXPECT_EQ(balance.issued_points(), 150);
  EXPECT_EQ(balance.redeemed_points(), 30);
  EXPECT_EQ(balance.entry_count(), 3);
  EXPECT_EQ(balance.next_expiring_points(), 120);
  EXPECT_EQ(balance.next_expire_time().seconds(), (kNow + 365 * kMicrosPerDay) / kMicrosPerSecond);
  book.Redeem("y", 120, kNow);
  book.Refunded("A1", "r", 0, true, kNow, kNow);
  EXPECT_EQ(book.Balance().debt_points(), 100);
  EXPECT_EQ(book.Balance().points(), -100);
  EXPECT_FALSE(book.Balance().has_next_expire_time());
}

TEST(Query, EntriesComeNewestFirstInPagesThatDoNotShift) {
  Book book({});
  for (int i = 1; i <= 300; ++i) book.Paid(Cat("A", i), 100, kNow, kNow);
  v1::ListEntriesResponse page = book.Entries(0);
  ASSERT_EQ(page.entries_size(), 50);
  EXPECT_EQ(page.entries(0).natural_id(), "order/tmall/A300");
  EXPECT_EQ(page.entries(0).points(), 1);
  EXPECT_EQ(page.entries(0).balance_after(), 300);
  EXPECT_EQ(page.entries(0).lots(0).lot_id(), "300");
  book.Redeem("x", 3, kNow);
  int64_t last = 301;
  int seen = 0;
  std::string token;
  do {
    page = book.Entries(7, token);
    for (const v1::Entry& entry : page.entries()) {
      EXPECT_EQ(entry.name(), Cat(Book::BalanceName(), "/entries/", last));
      --last;
      ++seen;
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_EQ(seen, 301);
  EXPECT_EQ(book.Entries(5'000).entries_size(), 301);
  page = book.Entries(1);
  EXPECT_EQ(page.entries(0).kind(), v1::ENTRY_KIND_REDEEMED);
  EXPECT_EQ(page.entries(0).points(), -3);
  EXPECT_EQ(page.entries(0).lots_size(), 3);
}

TEST(Query, EntriesRefuseOtherPagesThanTheirOwn) {
  Book book({});
  book.Paid("A1", 100, kNow, kNow);
  v1::ListEntriesRequest request;
  request.set_parent(Book::BalanceName());
  request.set_page_size(-1);
  EXPECT_EQ(book.Query("ListEntries", request).reason, "PAGE_SIZE_INVALID");
  request.set_page_size(10);
  for (const std::string& token :
       {std::string("x"), std::string("!!"), std::string(513, '0'), PageToken("pools/other", 1)}) {
    request.set_page_token(token);
    EXPECT_EQ(book.Query("ListEntries", request).reason, "PAGE_TOKEN_INVALID") << token;
  }
  request.set_page_token(PageToken(Book::BalanceName(), 1));
  EXPECT_EQ(book.Query("ListEntries", request).code, absl::StatusCode::kOk);
}

TEST(Reply, ARepeatedCommandGetsTheFirstAnswer) {
  Book book({});
  book.Paid("A1", 10'000, kNow, kNow);
  ASSERT_EQ(book.Redeem("x", 30, kNow), "redeemed");
  const std::string first = book.effects.reply->payload;
  v1::RedeemPointsResponse response;
  ASSERT_TRUE(response.ParseFromString(first));
  EXPECT_EQ(response.balance().points(), 70);
  EXPECT_EQ(response.balance().next_expiring_points(), 70);
  EXPECT_EQ(response.redemption().name(), Cat(Book::BalanceName(), "/redemptions/x"));
  EXPECT_EQ(response.redemption().lots(0).points(), 30);
  book.Paid("A2", 10'000, kNow, kNow);
  ASSERT_EQ(book.Redeem("x", 30, kNow), "already_redeemed");
  EXPECT_EQ(book.effects.reply->payload, first);
  EXPECT_TRUE(book.effects.puts.empty() && book.effects.publishes.empty());

  ASSERT_EQ(book.Reverse("x", kNow), "reversed");
  const std::string undone = book.effects.reply->payload;
  ASSERT_EQ(book.Reverse("x", kNow + 1), "already_reversed");
  EXPECT_EQ(book.effects.reply->payload, undone);
}

TEST(Events, SayWhatWhyWhenAndFromWhichLots) {
  Book book({});
  book.Paid("A1", 10'050, kNow - 5, kNow);
  const shard::Publish& publish = book.published.back();
  EXPECT_EQ(publish.type, "io.regulars.points.v1.PointsEarned");
  EXPECT_EQ(publish.entity, Book::kMember);
  EXPECT_EQ(publish.id, Cat(Book::kMember, "/loyalty/order/tmall/A1"));
  v1::PointsEarned earned;
  ASSERT_TRUE(earned.ParseFromString(publish.payload));
  const v1::Posting& posting = earned.posting();
  EXPECT_EQ(posting.balance_after(), 100);
  EXPECT_EQ(posting.natural_id(), "order/tmall/A1");
  EXPECT_EQ(posting.cause().order(), "tmall/A1");
  EXPECT_EQ(posting.cause().rule(), "earn_per_amount@1");
  EXPECT_FALSE(posting.cause().touch_id().empty());
  EXPECT_EQ(posting.fragment_id(), "f_3m9kq0v3n8c1xw5zt4ydg6pb28");
  EXPECT_EQ(book.Entries(1).entries(0).fragment_id(), posting.fragment_id());
  EXPECT_EQ(posting.effective_us(), kNow - 5);
  EXPECT_EQ(posting.recorded_us(), kNow);
  ASSERT_EQ(posting.lots_size(), 1);
  EXPECT_EQ(posting.lots(0).expires_at_us(), kNow - 5 + 365 * kMicrosPerDay);

  book.Redeem("x", 60, kNow);
  v1::PointsRedeemed redeemed;
  ASSERT_TRUE(redeemed.ParseFromString(book.published.back().payload));
  EXPECT_EQ(redeemed.posting().lots(0).lot_id(), posting.lots(0).lot_id());
  EXPECT_FALSE(redeemed.posting().cause().request_id().empty());

  book.Refunded("A1", "r1", 0, true, kNow, kNow);
  v1::PointsReversed reversed;
  ASSERT_TRUE(reversed.ParseFromString(book.published.back().payload));
  EXPECT_EQ(reversed.debt_points(), 60);
  EXPECT_EQ(reversed.posting().points(), 100);
  EXPECT_EQ(reversed.posting().lots(0).points(), 40);
  EXPECT_EQ(reversed.posting().natural_id(), "refund/tmall/A1/r1");
}

TEST(State, AnEarnReadsTwoKeysAndCostsTheSameAtAnyAge) {
  Book book({});
  book.Paid("A1", 5'000, kNow, kNow);
  int64_t young = 0;
  for (int i = 2; i <= 20'000; ++i) {
    book.state.gets = 0;
    book.state.seeks = 0;
    const int64_t at = kNow + i * kMicrosPerSecond;
    ASSERT_EQ(book.Paid(Cat("9", 100'000 + i), 2'999, at, at), "earned");
    EXPECT_EQ(book.state.gets, 2);
    EXPECT_EQ(book.state.seeks, 0);
    EXPECT_EQ(book.effects.puts.size(), 4);
    if (i == 10) young = book.changelog_bytes;
  }
  EXPECT_LE(young, kEarnBytesMax);
  EXPECT_LE(book.changelog_bytes * 100, young * 105);
  EXPECT_LE(book.state.values.at("").size(), 64U);
  RecordProperty("earn_bytes", static_cast<int>(book.changelog_bytes));
  std::printf("[ MEASURED ] changelog bytes per earn: %d (10th: %d)\n",
              static_cast<int>(book.changelog_bytes), static_cast<int>(young));
}

TEST(State, IdsOfAnyFormComeBackAsTheyWere) {
  for (const std::string& fragment :
       {std::string("f_3m9kq0v3n8c1xw5zt4ydg6pb28"), std::string("f_"), std::string("f_UPPER"),
        std::string(), std::string("other")}) {
    Book book({});
    MemberResolved event = ValidOrder();
    event.set_fragment_id(fragment);
    ASSERT_EQ(book.Touched(event, kNow), "earned");
    EXPECT_EQ(book.Entries(1).entries(0).fragment_id(), fragment);
    book.Advance(kNow + 365 * kMicrosPerDay);
    EXPECT_EQ(book.Entries(1).entries(0).kind(), v1::ENTRY_KIND_EXPIRED);
    EXPECT_EQ(book.Entries(1).entries(0).fragment_id(), fragment);
  }
}

TEST(State, FieldsOfALaterVersionSurviveARewrite) {
  Book book({});
  book.Paid("A1", 5'000, kNow, kNow);
  const std::string unknown =
      "\xfa\x3e\x03"
      "new";  // field 1007
  book.state.values.at("") += unknown;
  book.state.values.at(OrderSub("tmall/A1")) += unknown;
  book.Refunded("A1", "r1", 100, false, kNow, kNow);
  EXPECT_NE(book.state.values.at("").find("new"), std::string::npos);
  EXPECT_NE(book.state.values.at(OrderSub("tmall/A1")).find("new"), std::string::npos);
}

TEST(Keys, SortLikeWhatTheyName) {
  EXPECT_EQ(SequenceText(5), "15");
  EXPECT_EQ(SequenceText(255), "2ff");
  EXPECT_EQ(SequenceText(4096), "41000");
  std::string before;
  for (const int64_t n : {int64_t{1}, int64_t{9}, int64_t{15}, int64_t{16}, int64_t{255},
                          int64_t{256}, int64_t{1} << 40, INT64_MAX}) {
    EXPECT_LT(before, SequenceText(n));
    before = SequenceText(n);
    EXPECT_EQ(ParseLotSub(LotSub({kMicrosMax, n})), (LotKey{kMicrosMax, n}));
  }
  EXPECT_EQ(OrderKey("a/b", "c"), "a%2Fb/c");
  EXPECT_EQ(OrderKey("a", "b/c"), "a/b%2Fc");
  EXPECT_EQ(OrderKey("a%2Fb", "c"), "a%252Fb/c");
}

TEST(Config, NamesTheFieldThatIsOutOfItsLimits) {
  EXPECT_TRUE(ProgramConfig{}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.program = ""}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.program = "Loyalty"}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.points_numerator = 0}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.points_numerator = kRatePointsMax + 1}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.points_denominator = 0}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.points_denominator = kRateUnitsMax + 1}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.expiry_days = 0}.Validate().ok());
  EXPECT_FALSE(ProgramConfig{.expiry_days = kExpiryDaysMax + 1}.Validate().ok());
}

}  // namespace
}  // namespace regulars::points
