// What is taken: everything up to its limit, and what looks bad but only loses an identifier.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "services/ingest/kernel/touch_edits.h"
#include "services/ingest/kernel/validate.h"
#include "services/ingest/testing/documented.h"

namespace regulars::ingest {
namespace {

TEST(GoodInputs, AreAcceptedUpToTheLimit) {
  const std::vector<std::function<void(Touch*)>> at_the_limit = {
      [](Touch*) {},
      [](Touch* t) { *t = GoodRefund(); },
      [](Touch* t) { *t = GoodScan(); },
      [](Touch* t) { *t = GoodChat(); },
      [](Touch* t) { t->set_source(Long(limits::kSourceNameMax)); },
      [](Touch* t) { t->set_native_id(Long(limits::kNativeIdMax)); },
      [](Touch* t) { t->set_channel(Long(kChannelMax)); },
      [](Touch* t) { t->mutable_occur_time()->set_seconds(0); },
      [](Touch* t) {
        t->mutable_occur_time()->set_seconds(kGoodSeconds + limits::kTouchFutureSecondsMax);
      },
      [](Touch* t) {
        while (t->identifiers_size() < static_cast<int>(limits::kTouchIdentifiersMax)) {
          *t->add_identifiers() = *Card(t);
        }
      },
      [](Touch* t) { Card(t)->set_value(Long(limits::kIdentifierValueMax)); },
      [](Touch* t) { Card(t)->set_scope(Long(limits::kIdentifierScopeMax)); },
      [](Touch* t) {
        Card(t)->set_verified(true);
        Card(t)->set_verified_by("sms_code");
      },
      [](Touch* t) { Order(t)->set_amount_minor(0); },
      [](Touch* t) { Order(t)->set_amount_minor(limits::kAmountMinorMax); },
      [](Touch* t) { Order(t)->set_order_id(Long(limits::kNativeIdMax)); },
      [](Touch* t) { Order(t)->set_order_scope(Long(kScopeMax)); },
      [](Touch* t) {
        while (Order(t)->lines_size() < static_cast<int>(limits::kOrderLinesMax)) {
          *Order(t)->add_lines() = *Line(t);
        }
      },
      [](Touch* t) { Line(t)->set_quantity(limits::kQuantityMax); },
      [](Touch* t) {
        Line(t)->set_quantity(static_cast<int64_t>(limits::kLineSerialsMax));
        for (size_t i = 0; i < limits::kLineSerialsMax; ++i) Line(t)->add_unit_serials("s");
      },
      [](Touch* t) { Line(t)->set_sku(Long(limits::kSkuMax)); },
      [](Touch* t) { t->set_text(Long(limits::kTextMax)); },
      [](Touch* t) { t->set_shop(Long(limits::kResourceIdMax)); },
      [](Touch* t) { t->mutable_body()->mutable_visit()->set_place(Long(kPlaceMax)); },
      [](Touch* t) {
        t->mutable_attribution()->set_search_term(Long(limits::kAttributionFieldMax));
      },
      [](Touch* t) {
        for (int i = 0; i < kAddressLinesMax; ++i) t->mutable_contact()->add_address_lines("x");
      },
      [](Touch* t) { t->mutable_body()->mutable_review()->set_stars(5); },
  };
  for (size_t i = 0; i < at_the_limit.size(); ++i) {
    Touch touch = GoodOrder();
    at_the_limit[i](&touch);
    NormalIdentifiers identifiers;
    const std::optional<Refusal> refusal = Validate(touch, PoolRules(), kNow, &identifiers);
    EXPECT_FALSE(refusal.has_value())
        << i << ": " << ReasonText(refusal->reason) << " at " << refusal->field;
  }
}

// docs/bad-inputs.md, section "Looks bad and is taken": what becomes of the identifiers.
TEST(GoodInputs, ThatLookBadLoseWhatNamesNobody) {
  struct Taken {
    std::string id;
    std::function<void(Touch*)> make;
    std::vector<std::string> kept;     // types
    std::vector<std::string> dropped;  // reasons
  };
  const Taken rows[] = {
      {"taken-unverified",
       [](Touch* t) { *Name(t, "phone") = "139 1234 5670"; },
       {"card", "phone"},
       {}},
      {"taken-blocked-beside-good",
       [](Touch* t) {
         *Name(t, "phone") = "138****8000";
         *Name(t, "email") = "null";
         *Name(t, "cookie") = "undefined";
       },
       {"card"},
       {"MASKED", "PLACEHOLDER", "PLACEHOLDER"}},
      {"taken-full-width",
       [](Touch* t) { *Only(t, "phone") = "１３９　１２３４　５６７０"; },
       {"phone"},
       {}},
      {"taken-64-identifiers",
       [](Touch* t) {
         while (t->identifiers_size() < static_cast<int>(limits::kTouchIdentifiersMax)) {
           *Name(t, "cookie") = Cat("c", t->identifiers_size());
         }
       },
       std::vector<std::string>(1, "card"),
       {}},
  };
  std::map<std::string, std::string> tested;
  for (const Taken& row : rows) {
    Touch touch = GoodOrder();
    row.make(&touch);
    NormalIdentifiers identifiers;
    ASSERT_FALSE(Validate(touch, PoolRules(), kNow, &identifiers).has_value()) << row.id;
    std::vector<std::string> kept, dropped;
    for (const KeptIdentifier& id : identifiers.kept) {
      kept.push_back(touch.identifiers(id.index).type());
    }
    for (const DroppedIdentifier& id : identifiers.dropped) dropped.emplace_back(id.reason);
    if (row.kept.size() == 1 && kept.size() > 1) kept.resize(1);  // 63 cookies more
    EXPECT_EQ(kept, row.kept) << row.id;
    EXPECT_EQ(dropped, row.dropped) << row.id;
    tested[row.id] = "none";
  }
  EXPECT_EQ(Documented("Looks bad and is taken"), tested);
}

TEST(GoodInputs, OfExactly64KiBPassTheSizeCheck) {
  Touch touch = GoodOrder();
  PadTo(&touch, limits::kTouchBytesMax);
  ASSERT_EQ(touch.ByteSizeLong(), limits::kTouchBytesMax);
  NormalIdentifiers identifiers;
  EXPECT_NE(Validate(touch, PoolRules(), kNow, &identifiers)->reason,
            RefusalReason::kTouchTooLarge);
}

}  // namespace
}  // namespace regulars::ingest
