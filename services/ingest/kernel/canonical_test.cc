#include "services/ingest/kernel/canonical.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "services/ingest/kernel/good_touches.h"
#include "services/ingest/kernel/validate.h"

namespace regulars::ingest {
namespace {

// 32 bytes that show what was hashed.
std::string FakeHmac(std::string_view type, std::string_view scope, std::string_view normal) {
  return model::HashedId({type, scope, normal}) + std::string(32 - model::kHashedIdBytes, '.');
}

CanonicalTouch Canonical(v1::TouchInput input) {
  NormalIdentifiers identifiers;
  EXPECT_FALSE(
      Validate(input, PoolRules(), kGoodSeconds * kMicrosPerSecond, &identifiers).has_value());
  return Canonicalize(&input, identifiers, 77, FakeHmac);
}

void Add(v1::TouchInput* touch, std::string type, std::string value, bool verified = false) {
  types::v1::ClearIdentifier* id = touch->add_identifiers();
  id->set_type(std::move(type));
  id->set_value(std::move(value));
  if (verified) {
    id->set_verified(true);
    id->set_verified_by("sms_code");
    id->mutable_verify_time()->set_seconds(5);
  }
}

std::vector<std::string> Types(const v1::Touch& touch) {
  std::vector<std::string> types;
  for (const types::v1::Identifier& id : touch.identifiers()) types.push_back(id.type());
  return types;
}

TEST(Pivot, IsTheStrongestIdentifierWhateverTheOrder) {
  v1::TouchInput one = GoodOrder();
  one.clear_identifiers();
  v1::TouchInput other = one;
  Add(&one, "cookie", "k"), Add(&one, "phone", "13912345670"), Add(&one, "card", "c1");
  Add(&other, "card", "c1"), Add(&other, "phone", "13912345670"), Add(&other, "cookie", "k");
  const CanonicalTouch a = Canonical(one);
  const CanonicalTouch b = Canonical(other);
  EXPECT_EQ(Types(a.received.touch()),
            (std::vector<std::string>{"card", "phone", "cookie", "order"}));
  EXPECT_EQ(a.received.touch().SerializeAsString(), b.received.touch().SerializeAsString());
  EXPECT_EQ(a.pivot_key, b.pivot_key);
  EXPECT_EQ(a.pivot_key, model::IdentifierKey(a.received.touch().identifiers(0).hmac()));
  EXPECT_EQ(a.received.touch().pivot_index(), 0u);
}

TEST(Identifiers, AreOneAfterNormalisationAndTheVerifiedOneStays) {
  v1::TouchInput input = GoodOrder();
  input.clear_identifiers();
  Add(&input, "phone", "139-1234 5670");
  Add(&input, "phone", "+8613912345670", true);
  const v1::Touch touch = Canonical(input).received.touch();
  ASSERT_EQ(Types(touch), (std::vector<std::string>{"phone", "order"}));
  EXPECT_TRUE(touch.identifiers(0).verified());
  EXPECT_EQ(touch.identifiers(0).verified_by(), "sms_code");
  EXPECT_EQ(touch.identifiers(0).verify_time_us(), 5 * kMicrosPerSecond);
}

TEST(Identifiers, ThatAreBlockedAreDropped) {
  PoolRules rules;
  rules.classes["fax"] = types::v1::IDENTIFIER_CLASS_BLOCKED;
  v1::TouchInput input = GoodOrder();
  Add(&input, "fax", "1");
  Add(&input, "phone", "138****8000");
  NormalIdentifiers identifiers;
  ASSERT_FALSE(Validate(input, rules, kGoodSeconds * kMicrosPerSecond, &identifiers).has_value());
  ASSERT_EQ(identifiers.dropped.size(), 2u);
  EXPECT_EQ(identifiers.dropped[0].type, "fax");
  EXPECT_EQ(identifiers.dropped[0].reason, kTypeBlocked);
  EXPECT_EQ(identifiers.dropped[1].type, "phone");
  EXPECT_EQ(identifiers.dropped[1].reason, "MASKED");
  const CanonicalTouch out = Canonicalize(&input, identifiers, 77, FakeHmac);
  EXPECT_EQ(Types(out.received.touch()), (std::vector<std::string>{"card", "order"}));
}

// The strongest that is left, not the strongest that was named.
TEST(Pivot, IsNeverABlockedValue) {
  v1::TouchInput input = GoodOrder();
  input.mutable_identifiers(0)->set_value("null");
  Add(&input, "phone", "139 1234 5670");
  const v1::Touch touch = Canonical(input).received.touch();
  EXPECT_EQ(Types(touch), (std::vector<std::string>{"phone", "order"}));
  EXPECT_EQ(touch.identifiers(0).hmac(), FakeHmac("phone", "", "+8613912345670"));
}

TEST(Objects, OfARefundAndItsOrderAreTheSame) {
  v1::TouchInput refund = GoodRefund();
  refund.mutable_body()->mutable_order_refunded()->set_order_scope("till:shop7");
  const v1::Touch a = Canonical(GoodOrder()).received.touch();
  const v1::Touch b = Canonical(refund).received.touch();
  ASSERT_EQ(a.identifiers_size(), 2);
  ASSERT_EQ(b.identifiers_size(), 2);
  EXPECT_EQ(a.identifiers(1).hmac(), b.identifiers(1).hmac());
  EXPECT_EQ(a.identifiers(1).class_(), types::v1::IDENTIFIER_CLASS_OBJECT);
}

TEST(Objects, AreOneWhateverTheSpelling) {
  v1::TouchInput input = GoodOrder();
  input.mutable_body()->mutable_order_paid()->set_order_id(" Ａ1 ");
  Add(&input, "order", "A1");
  input.mutable_identifiers(1)->set_scope("till:shop7");
  const v1::Touch touch = Canonical(input).received.touch();
  EXPECT_EQ(Types(touch), (std::vector<std::string>{"card", "order"}));
  EXPECT_EQ(touch.body().order_paid().order_id(), "A1");
  input = GoodScan();
  const std::string code = Canonical(input).received.touch().body().code_scanned().code_hmac();
  input.mutable_body()->mutable_code_scanned()->set_code(" code-under-the-lid");
  EXPECT_EQ(Canonical(input).received.touch().body().code_scanned().code_hmac(), code);
}

TEST(Codes, TravelAsHmacOnly) {
  const v1::Touch touch = Canonical(GoodScan()).received.touch();
  EXPECT_EQ(touch.body().code_scanned().code(), "");
  EXPECT_EQ(touch.body().code_scanned().code_hmac().size(), 32u);
  EXPECT_EQ(touch.SerializeAsString().find("code-under-the-lid"), std::string::npos);
}

TEST(Canonical, HoldsNothingPersonalInTheClear) {
  v1::TouchInput input = GoodChat();
  Add(&input, "phone", "13912345670");
  input.mutable_contact()->set_full_name("Ann Lee");
  // A field of a newer client.
  input.mutable_body()
      ->GetReflection()
      ->MutableUnknownFields(input.mutable_body())
      ->AddLengthDelimited(999, "Ann Lee");
  const std::string bytes = Canonical(input).received.touch().SerializeAsString();
  for (const char* clear : {"13912345670", "Ann Lee", "card-of-ann", "好评"}) {
    EXPECT_EQ(bytes.find(clear), std::string::npos) << clear;
  }
}

TEST(Canonical, KeepsWhatHappened) {
  const v1::Touch touch = Canonical(GoodOrder()).received.touch();
  EXPECT_EQ(touch.touch_id(), model::TouchId("till:shop7", "n1"));
  EXPECT_EQ(touch.source(), "till:shop7");
  EXPECT_EQ(touch.native_id(), "n1");
  EXPECT_EQ(touch.occurred_us(), kGoodSeconds * kMicrosPerSecond);
  EXPECT_EQ(touch.received_us(), 77);
  EXPECT_EQ(touch.channel(), "store");
  EXPECT_EQ(touch.body().order_paid().amount_minor(), 1234);
  EXPECT_EQ(touch.body().order_paid().lines_size(), 1);
}

TEST(Canonical, TakesOddIdsOfObjectsAsTheyAre) {
  v1::TouchInput input = GoodOrder();
  input.mutable_body()->mutable_order_paid()->set_order_id("   ");
  EXPECT_EQ(Canonical(input).received.touch().body().order_paid().order_id(), "   ");
  input = GoodScan();
  input.mutable_body()->mutable_code_scanned()->set_code(" ");
  EXPECT_EQ(Canonical(input).received.touch().body().code_scanned().code_hmac().size(), 32u);
}

}  // namespace
}  // namespace regulars::ingest
