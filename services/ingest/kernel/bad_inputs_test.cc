// docs/bad-inputs.md, section "Content of a touch", row by row.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/ingest/kernel/currency.h"
#include "services/ingest/kernel/touch_edits.h"
#include "services/ingest/kernel/validate.h"
#include "services/ingest/testing/documented.h"

namespace regulars::ingest {
namespace {

struct Row {
  std::string id;
  std::string reason;
  std::function<void(Touch*)> spoil;
};

const std::vector<Row>& Rows() {
  static const auto* rows = new std::vector<Row>{
      {"touch-empty", "TOUCH_MISSING", [](Touch* t) { t->Clear(); }},
      {"touch-too-big", "TOUCH_TOO_LARGE", [](Touch* t) { PadTo(t, limits::kTouchBytesMax + 1); }},
      {"source-missing", "SOURCE_INVALID", [](Touch* t) { t->clear_source(); }},
      {"source-too-long", "SOURCE_INVALID",
       [](Touch* t) { t->set_source(Long(limits::kSourceNameMax + 1)); }},
      {"source-control", "SOURCE_INVALID", [](Touch* t) { t->set_source("a\nb"); }},
      {"native-id-missing", "NATIVE_ID_INVALID", [](Touch* t) { t->clear_native_id(); }},
      {"native-id-too-long", "NATIVE_ID_INVALID",
       [](Touch* t) { t->set_native_id(Long(limits::kNativeIdMax + 1)); }},
      {"time-missing", "TIME_MISSING", [](Touch* t) { t->clear_occur_time(); }},
      {"time-invalid", "TIME_INVALID",
       [](Touch* t) { t->mutable_occur_time()->set_nanos(2'000'000'000); }},
      {"time-year-10000", "TIME_INVALID",
       [](Touch* t) { t->mutable_occur_time()->set_seconds(253'402'300'800); }},
      {"time-ancient", "TIME_TOO_OLD",
       [](Touch* t) {
         t->mutable_occur_time()->set_seconds(-1);
         t->mutable_occur_time()->set_nanos(999'999'000);
       }},
      {"time-future", "TIME_IN_FUTURE",
       [](Touch* t) {
         t->mutable_occur_time()->set_seconds(kGoodSeconds + limits::kTouchFutureSecondsMax);
         t->mutable_occur_time()->set_nanos(1000);
       }},
      {"channel-missing", "CHANNEL_INVALID", [](Touch* t) { t->clear_channel(); }},
      {"channel-too-long", "CHANNEL_INVALID",
       [](Touch* t) { t->set_channel(Long(kChannelMax + 1)); }},
      {"identifiers-missing", "IDENTIFIERS_MISSING", [](Touch* t) { t->clear_identifiers(); }},
      {"identifiers-only-objects", "IDENTIFIERS_MISSING",
       [](Touch* t) { Card(t)->set_type("order"); }},
      {"identifiers-too-many", "IDENTIFIERS_TOO_MANY",
       [](Touch* t) {
         while (t->identifiers_size() <= static_cast<int>(limits::kTouchIdentifiersMax)) {
           *t->add_identifiers() = *Card(t);
         }
       }},
      {"identifiers-10000", "TOUCH_TOO_LARGE",
       [](Touch* t) {
         while (t->identifiers_size() < 10'000) *t->add_identifiers() = *Card(t);
       }},
      {"identifiers-10000-empty", "IDENTIFIERS_TOO_MANY",
       [](Touch* t) {
         while (t->identifiers_size() < 10'000) t->add_identifiers();
       }},
      {"identifiers-all-blocked", "IDENTIFIERS_BLOCKED",
       [](Touch* t) {
         Card(t)->set_value("0000");
         *Name(t, "phone") = "138****8000";
         *Name(t, "email") = "test@test.com";
       }},
      {"identifier-zeros", "IDENTIFIERS_BLOCKED", [](Touch* t) { Card(t)->set_value("0000"); }},
      {"identifier-null", "IDENTIFIERS_BLOCKED", [](Touch* t) { Card(t)->set_value("null"); }},
      {"identifier-null-hidden", "IDENTIFIERS_BLOCKED",
       [](Touch* t) { Card(t)->set_value("\u202E NU\u200BLL"); }},
      {"identifier-masked", "IDENTIFIERS_BLOCKED",
       [](Touch* t) { *Only(t, "phone") = "138****8000"; }},
      {"identifier-relay-number", "IDENTIFIERS_BLOCKED",
       [](Touch* t) { *Only(t, "phone") = "18877771111-123"; }},
      {"identifier-hotline", "IDENTIFIERS_BLOCKED",
       [](Touch* t) { *Only(t, "phone") = "400-820-8820"; }},
      {"identifier-ciphertext", "IDENTIFIERS_BLOCKED",
       [](Touch* t) {
         *Only(t, "phone") =
             "d9F2aQ/kZ0mXr7Yw3tB1uVc8LpHsN6eGjI4oKxT5yRzAqWbCdEfGhJkLmNpQrStUvWxYz+8=";
       }},
      {"identifier-placeholder-phone", "IDENTIFIERS_BLOCKED",
       [](Touch* t) { *Only(t, "phone") = "13800138000"; }},
      {"identifier-1mb", "TOUCH_TOO_LARGE", [](Touch* t) { Card(t)->set_value(Long(1'000'000)); }},
      {"identifier-phone-short", "IDENTIFIER_INVALID",
       [](Touch* t) { *Only(t, "phone") = "1391234567"; }},
      {"identifier-email-malformed", "IDENTIFIER_INVALID",
       [](Touch* t) { *Only(t, "email") = "ann@localhost"; }},
      {"identifier-openid-short", "IDENTIFIER_INVALID",
       [](Touch* t) {
         *Only(t, "openid") = "o6_bmjrPTlm6_2sgVt7hMZOPfL2";
         Card(t)->set_scope("wx:app7");
       }},
      {"identifier-scope-missing", "IDENTIFIER_INVALID",
       [](Touch* t) { *Only(t, "openid") = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"; }},
      {"identifier-line-break", "IDENTIFIER_INVALID", [](Touch* t) { Card(t)->set_value("a\n"); }},
      {"identifier-invisible", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_value("\u200B\u200F\u202E"); }},
      {"identifier-empty", "IDENTIFIER_INVALID", [](Touch* t) { Card(t)->set_value("  "); }},
      {"identifier-too-long", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_value(Long(limits::kIdentifierValueMax + 1)); }},
      {"identifier-control", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_value(std::string("a\0b", 3)); }},
      {"identifier-type-malformed", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_type("Phone!"); }},
      {"identifier-scope-too-long", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_scope(Long(limits::kIdentifierScopeMax + 1)); }},
      {"identifier-proof-missing", "IDENTIFIER_INVALID",
       [](Touch* t) { Card(t)->set_verified(true); }},
      {"identifier-type-unknown", "IDENTIFIER_TYPE_UNKNOWN",
       [](Touch* t) { Card(t)->set_type("horoscope"); }},
      {"body-missing", "BODY_MISSING", [](Touch* t) { t->clear_body(); }},
      {"order-id-missing", "ORDER_ID_MISSING", [](Touch* t) { Order(t)->clear_order_id(); }},
      {"order-id-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { Order(t)->set_order_id(Long(limits::kNativeIdMax + 1)); }},
      {"order-scope-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { Order(t)->set_order_scope(Long(kScopeMax + 1)); }},
      {"refund-id-missing", "REFUND_ID_MISSING", [](Touch* t) { Refund(t)->clear_refund_id(); }},
      {"code-missing", "CODE_MISSING",
       [](Touch* t) { t->mutable_body()->mutable_code_scanned()->clear_code(); }},
      {"code-hmac-forged", "FIELD_INVALID",
       [](Touch* t) {
         *t = GoodScan();
         t->mutable_body()->mutable_code_scanned()->set_code_hmac(Long(32));
       }},
      {"amount-negative", "AMOUNT_NEGATIVE", [](Touch* t) { Order(t)->set_amount_minor(-1); }},
      {"refund-negative", "AMOUNT_NEGATIVE", [](Touch* t) { Refund(t)->set_amount_minor(-1); }},
      {"amount-too-large", "AMOUNT_TOO_LARGE",
       [](Touch* t) { Order(t)->set_amount_minor(limits::kAmountMinorMax + 1); }},
      {"unit-price-negative", "AMOUNT_NEGATIVE",
       [](Touch* t) { Line(t)->set_unit_price_minor(-1); }},
      {"currency-unknown", "CURRENCY_UNKNOWN",
       [](Touch* t) { Order(t)->set_currency_code("ABC"); }},
      {"currency-lower-case", "CURRENCY_UNKNOWN",
       [](Touch* t) { Order(t)->set_currency_code("cny"); }},
      {"currency-missing", "CURRENCY_UNKNOWN", [](Touch* t) { Order(t)->clear_currency_code(); }},
      {"lines-too-many", "LINES_TOO_MANY",
       [](Touch* t) {
         while (Order(t)->lines_size() <= static_cast<int>(limits::kOrderLinesMax)) {
           *Order(t)->add_lines() = *Line(t);
         }
       }},
      {"quantity-zero", "QUANTITY_INVALID", [](Touch* t) { Line(t)->set_quantity(0); }},
      {"quantity-too-large", "QUANTITY_INVALID",
       [](Touch* t) { Line(t)->set_quantity(limits::kQuantityMax + 1); }},
      {"serials-above-quantity", "SERIALS_TOO_MANY",
       [](Touch* t) {
         Line(t)->add_unit_serials("s1");
         Line(t)->add_unit_serials("s2");
       }},
      {"serials-too-many", "SERIALS_TOO_MANY",
       [](Touch* t) {
         Line(t)->set_quantity(1000);
         for (size_t i = 0; i <= limits::kLineSerialsMax; ++i) Line(t)->add_unit_serials("s");
       }},
      {"cart-without-article", "FIELD_MISSING",
       [](Touch* t) { t->mutable_body()->mutable_carted()->set_quantity(1); }},
      {"stars-six", "FIELD_INVALID",
       [](Touch* t) { t->mutable_body()->mutable_review()->set_stars(6); }},
      {"dwell-negative", "FIELD_INVALID",
       [](Touch* t) { t->mutable_body()->mutable_viewed()->set_dwell_ms(-1); }},
      {"sku-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { Line(t)->set_sku(Long(limits::kSkuMax + 1)); }},
      {"place-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { t->mutable_body()->mutable_visit()->set_place(Long(kPlaceMax + 1)); }},
      {"shop-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { t->set_shop(Long(limits::kResourceIdMax + 1)); }},
      {"search-term-too-long", "FIELD_TOO_LONG",
       [](Touch* t) {
         t->mutable_attribution()->set_search_term(Long(limits::kAttributionFieldMax + 1));
       }},
      {"contact-address-too-long", "FIELD_TOO_LONG",
       [](Touch* t) {
         for (int i = 0; i <= kAddressLinesMax; ++i) t->mutable_contact()->add_address_lines("x");
       }},
      {"text-too-long", "FIELD_TOO_LONG",
       [](Touch* t) { t->set_text(Long(limits::kTextMax + 1)); }},
      {"place-control", "TEXT_INVALID",
       [](Touch* t) { t->mutable_body()->mutable_visit()->set_place("a\x1B[31m"); }},
  };
  return *rows;
}

TEST(BadInputs, AreRefusedWithTheirReason) {
  for (const Row& row : Rows()) {
    Touch touch = GoodOrder();
    row.spoil(&touch);
    NormalIdentifiers identifiers;
    const std::optional<Refusal> refusal = Validate(touch, PoolRules(), kNow, &identifiers);
    ASSERT_TRUE(refusal.has_value()) << row.id;
    EXPECT_EQ(ReasonText(refusal->reason), row.reason) << row.id << " at " << refusal->field;
    const absl::Status status = ToStatus(*refusal);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), row.reason);
    EXPECT_EQ(refusal->field.substr(0, 5), "touch") << row.id;
  }
}

TEST(BadInputs, OfTheDocumentAreThoseOfTheTest) {
  std::map<std::string, std::string> tested;
  for (const Row& row : Rows()) tested[row.id] = row.reason;
  EXPECT_EQ(tested.size(), Rows().size()) << "an id stands twice";
  EXPECT_EQ(Documented("Content of a touch"), tested);
}

TEST(Refusals, HaveDistinctReasonsThatAreStableWords) {
  std::map<std::string_view, int> seen;
  for (size_t i = 0; i < kRefusalReasons; ++i) {
    const auto reason = static_cast<RefusalReason>(i);
    EXPECT_TRUE(IsValidReason(ReasonText(reason)));
    EXPECT_FALSE(Sentence(reason).empty());
    EXPECT_EQ(++seen[ReasonText(reason)], 1);
  }
}

TEST(Refusals, EachHasARow) {
  std::map<std::string, int> rows;
  for (const Row& row : Rows()) ++rows[row.reason];
  EXPECT_EQ(rows.size(), kRefusalReasons);
}

TEST(Currencies, AreThoseOfIso4217) {
  for (const char* code : {"CNY", "USD", "EUR", "JPY", "AED", "ZWG"}) EXPECT_TRUE(IsCurrency(code));
  for (const char* code : {"", "CN", "CNYY", "XXX", "XAU", "XTS", "RMB"}) {
    EXPECT_FALSE(IsCurrency(code)) << code;
  }
}

}  // namespace
}  // namespace regulars::ingest
