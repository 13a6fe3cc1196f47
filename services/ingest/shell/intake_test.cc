#include "services/ingest/shell/intake.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "services/ingest/shell/intake_harness.h"

namespace regulars::ingest {
namespace {

// Law 5, at this very moment.
void ExpectNothingLost(const TouchCounts& counts) {
  const TouchCounts::Snapshot now = counts.Read();
  EXPECT_EQ(now.received, now.acknowledged + now.refused_total() + now.quarantined + now.in_flight);
}

TEST(Intake, WritesATouchToThePartitionOfItsPivotAndThenAnswers) {
  IntakeHarness h;
  const absl::StatusOr<Receipt> receipt = h.Record("tea", GoodChat());
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_FALSE(receipt->quarantined);
  const std::vector<kafka::Record> records = h.Written(kTouchesTopic);
  ASSERT_EQ(records.size(), 1u);
  const kafka::Record& record = records[0];
  EXPECT_EQ(record.partition, ShardOf(Bucket("tea", record.key), kShards));
  const auto headers = events::FromHeaders(record.headers);
  ASSERT_TRUE(headers.ok()) << headers.status();
  EXPECT_EQ(headers->type, events::kTouchReceived);
  EXPECT_EQ(headers->id, receipt->touch_id);
  EXPECT_EQ(headers->subject, record.key);
  EXPECT_EQ(headers->pool, "tea");
  EXPECT_EQ(headers->time_us, kGoodSeconds * kMicrosPerSecond);
  v1::TouchReceived received;
  ASSERT_TRUE(received.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
  EXPECT_EQ(received.touch().touch_id(), receipt->touch_id);
  EXPECT_EQ(IntakeHarness::Open(received.touch().text()), GoodChat().text());
  EXPECT_EQ(h.counts.Read().acknowledged, 1);
  ExpectNothingLost(h.counts);
}

TEST(Intake, SealsContactAndTextAndLeavesNothingClear) {
  IntakeHarness h;
  v1::TouchInput touch = GoodChat();
  touch.mutable_contact()->set_full_name("Ann Lee");
  ASSERT_TRUE(h.Record("tea", touch).ok());
  const kafka::Record record = h.Written(kTouchesTopic).at(0);
  for (const char* clear : {"Ann Lee", "好评", "card-of-ann"}) {
    EXPECT_EQ(record.value.find(clear), std::string::npos) << clear;
  }
  v1::TouchReceived received;
  ASSERT_TRUE(received.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
  v1::ContactDetails contact;
  ASSERT_TRUE(contact.ParseFromString(IntakeHarness::Open(received.touch().contact())));
  EXPECT_EQ(contact.full_name(), "Ann Lee");
}

TEST(Intake, RefusesWhatIsWrongAndWritesNothing) {
  IntakeHarness h;
  v1::TouchInput touch = GoodOrder();
  touch.mutable_body()->mutable_order_paid()->set_currency_code("ABC");
  EXPECT_EQ(ReasonOf(h.Record("tea", touch).status()), "CURRENCY_UNKNOWN");
  EXPECT_EQ(ReasonOf(h.Record("moon", GoodOrder()).status()), "POOL_UNKNOWN");
  EXPECT_TRUE(h.Written(kTouchesTopic).empty());
  EXPECT_TRUE(h.Written(kQuarantineTopic).empty());
  EXPECT_EQ(h.counts.Read().refused.at("CURRENCY_UNKNOWN"), 1);
  ExpectNothingLost(h.counts);
}

TEST(Intake, DropsWhatNamesNobodyAndRefusesWhatIsLeftWithNobody) {
  IntakeHarness h;
  v1::TouchInput touch = GoodOrder();
  types::v1::ClearIdentifier* phone = touch.add_identifiers();
  phone->set_type("phone");
  phone->set_value("138****8000");
  ASSERT_TRUE(h.Record("tea", touch).ok());
  touch.mutable_identifiers(0)->set_value("null");
  EXPECT_EQ(ReasonOf(h.Record("tea", touch).status()), "IDENTIFIERS_BLOCKED");
  EXPECT_EQ(h.Written(kTouchesTopic).size(), 1u);
  EXPECT_EQ((h.counts.Read().dropped.at({"phone", "MASKED"})), 2);
  EXPECT_EQ((h.counts.Read().dropped.at({"card", "PLACEHOLDER"})), 1);
  ExpectNothingLost(h.counts);
}

TEST(Intake, KeepsTheSealedOriginalAndTheReasonWhenTheSenderCannotMendIt) {
  IntakeHarness h;
  v1::TouchInput touch = GoodOrder();
  touch.mutable_body()->mutable_order_paid()->set_currency_code("ABC");
  const absl::StatusOr<Receipt> receipt = h.Record("tea", touch, true);
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  EXPECT_TRUE(receipt->quarantined);
  EXPECT_TRUE(h.Written(kTouchesTopic).empty());
  const kafka::Record record = h.Written(kQuarantineTopic).at(0);
  v1::TouchQuarantined kept;
  ASSERT_TRUE(kept.ParseFromArray(record.value.data(), static_cast<int>(record.value.size())));
  EXPECT_EQ(kept.reason(), "CURRENCY_UNKNOWN");
  EXPECT_EQ(kept.native_id(), "n1");
  v1::TouchInput original;
  ASSERT_TRUE(original.ParseFromString(IntakeHarness::Open(kept.original())));
  EXPECT_EQ(original.SerializeAsString(), touch.SerializeAsString());
  EXPECT_EQ(h.counts.Read().quarantined, 1);
  ExpectNothingLost(h.counts);
}

TEST(Intake, QuarantinesATouchWithoutAUsableNameUnderAHash) {
  IntakeHarness h;
  v1::TouchInput touch = GoodOrder();
  touch.set_source("a\nb");
  ASSERT_TRUE(h.Record("tea", touch, true).ok());
  EXPECT_EQ(h.Written(kQuarantineTopic).at(0).key.size(), model::kHashedIdBytes);
}

TEST(Intake, RefusesATouchThatIsTooLargeForQuarantineToo) {
  IntakeHarness h;
  v1::TouchInput touch = GoodOrder();
  touch.set_text(std::string(limits::kTouchBytesMax, 'x'));
  EXPECT_EQ(ReasonOf(h.Record("tea", touch, true).status()), "TOUCH_TOO_LARGE");
  EXPECT_TRUE(h.Written(kQuarantineTopic).empty());
}

TEST(Intake, DoesNotAnswerBeforeTheLogHasIt) {
  IntakeHarness h;
  h.hold = true;
  int answers = 0;
  h.intake->Record("tea", GoodOrder(), false, [&](absl::StatusOr<Receipt> receipt) {
    EXPECT_TRUE(receipt.ok());
    ++answers;
  });
  EXPECT_EQ(answers, 0);
  EXPECT_EQ(h.counts.Read().in_flight, 1);
  ExpectNothingLost(h.counts);
  h.hold = false;
  EXPECT_TRUE(h.intake->Drain(absl::Seconds(1)).ok());
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(h.counts.Read().in_flight, 0);
  ExpectNothingLost(h.counts);
}

TEST(Intake, RefusesOneAboveItsBoundAndGoesOnAfterwards) {
  IntakeLimits limits;
  limits.records_in_flight_max = 3;
  IntakeHarness h(limits);
  h.hold = true;
  int acknowledged = 0;
  for (int i = 0; i < 3; ++i) {
    h.intake->Record("tea", GoodOrder(), false,
                     [&](absl::StatusOr<Receipt> receipt) { acknowledged += receipt.ok(); });
  }
  const absl::Status full = h.Record("tea", GoodOrder()).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), "QUEUE_FULL");
  EXPECT_TRUE(RetryAfterOf(full).has_value());
  h.hold = false;
  EXPECT_TRUE(h.intake->Drain(absl::Seconds(1)).ok());
  EXPECT_EQ(acknowledged, 3);
  EXPECT_TRUE(h.Record("tea", GoodOrder()).ok());
  ExpectNothingLost(h.counts);
}

TEST(Intake, BoundsTheBytesThatWaitToo) {
  int64_t bytes_of_one = 0;
  {
    IntakeHarness h;
    h.hold = true;
    h.intake->Record("tea", GoodOrder(), false, [](absl::StatusOr<Receipt>) {});
    bytes_of_one = h.counts.Read().bytes_in_flight;
    h.hold = false;
    EXPECT_TRUE(h.intake->Drain(absl::Seconds(1)).ok());
    EXPECT_EQ(h.counts.Read().bytes_in_flight, 0);
  }
  IntakeLimits limits;
  limits.bytes_in_flight_max = 2 * bytes_of_one;
  IntakeHarness h(limits);
  h.hold = true;
  for (int i = 0; i < 2; ++i) {
    h.intake->Record("tea", GoodOrder(), false,
                     [](absl::StatusOr<Receipt> receipt) { EXPECT_TRUE(receipt.ok()); });
  }
  EXPECT_EQ(ReasonOf(h.Record("tea", GoodOrder()).status()), "QUEUE_FULL");
  h.hold = false;
  EXPECT_TRUE(h.intake->Drain(absl::Seconds(1)).ok());
}

TEST(Intake, SaysThatItDoesNotKnowWhenTheLogDoesNotConfirm) {
  IntakeHarness h;
  h.away = true;
  const absl::Status away = h.Record("tea", GoodOrder()).status();
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(away), "LOG_AWAY");
  EXPECT_TRUE(RetryAfterOf(away).has_value());
  ExpectNothingLost(h.counts);
  h.away = false;
  // The repeat has the same id: identity recognises it.
  const absl::StatusOr<Receipt> repeat = h.Record("tea", GoodOrder());
  ASSERT_TRUE(repeat.ok());
  EXPECT_EQ(repeat->touch_id, model::TouchId("till:shop7", "n1"));
}

TEST(Intake, CountsWhatItCouldNotRead) {
  IntakeHarness h;
  h.intake->CountUnreadable("tea", "REQUEST_UNREADABLE");
  EXPECT_EQ(h.counts.Read().refused.at("REQUEST_UNREADABLE"), 1);
  ExpectNothingLost(h.counts);
}

}  // namespace
}  // namespace regulars::ingest
