#include "services/messaging/sender/outbox.h"

#include <gtest/gtest.h>

#include <string>

namespace regulars::messaging {
namespace {

Job MakeJob(const std::string& member) {
  Job job;
  job.pool = "cofco";
  job.decision.set_member(member);
  job.decision.set_send_id("win-back-1");
  job.decision.set_idempotency_key("key-" + member);
  return job;
}

constexpr RetryPolicy kPolicy{3, 1000, 1500};

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { outbox_.Assign(0, 10); }
  JobId Take(int64_t now) {
    JobId id{-1, -1};
    EXPECT_NE(outbox_.TakeDue(now, &id), nullptr);
    return id;
  }
  int64_t Position() { return outbox_.Positions().at(0); }

  Outbox outbox_{kPolicy, 1};
};

TEST(VerdictTest, OnlyWhatMayChangeIsTriedAgain) {
  for (const int status : {200, 201, 204, 299}) EXPECT_EQ(VerdictOf(status), Verdict::kDelivered);
  for (const int status : {0, 408, 429, 500, 503, 599})
    EXPECT_EQ(VerdictOf(status), Verdict::kRetry);
  for (const int status : {199, 300, 302, 400, 401, 404, 410, 499}) {
    EXPECT_EQ(VerdictOf(status), Verdict::kRefused) << status;
  }
}

TEST_F(OutboxTest, ThePositionNeverPassesAnUnfinishedSend) {
  for (int64_t offset = 10; offset < 13; ++offset) outbox_.Read({0, offset}, MakeJob("m"), 0);
  outbox_.Read({0, 13}, std::nullopt, 0);
  EXPECT_EQ(Position(), 10);
  for (int i = 0; i < 3; ++i) Take(0);
  outbox_.Attempted({0, 11}, {200, "p"}, 0, 5);
  outbox_.Attempted({0, 12}, {200, "p"}, 0, 5);
  EXPECT_EQ(Position(), 10);
  EXPECT_EQ(outbox_.Finished().size(), 2U);
  outbox_.Committed(outbox_.Finished());
  EXPECT_EQ(outbox_.size(), 1U);
  EXPECT_EQ(Position(), 10);
  outbox_.Attempted({0, 10}, {200, "p"}, 0, 5);
  EXPECT_EQ(Position(), 14);
}

TEST_F(OutboxTest, RetriesBackOffAndEndAtTheLimit) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  JobId id = Take(0);
  EXPECT_EQ(outbox_.TakeDue(0, &id), nullptr);
  EXPECT_EQ(outbox_.Attempted(id, {503, ""}, 0, 0), Verdict::kRetry);
  const int64_t second = *outbox_.next_due_us();
  EXPECT_GE(second, 500);
  EXPECT_LE(second, 1000);
  EXPECT_EQ(outbox_.TakeDue(second - 1, &id), nullptr);
  outbox_.Attempted(Take(second), {0, ""}, second, 0);
  const int64_t third = *outbox_.next_due_us() - second;
  EXPECT_GE(third, 750);
  EXPECT_LE(third, 1500);
  outbox_.Attempted(Take(second + third), {500, ""}, 0, 77);
  ASSERT_EQ(outbox_.Finished().size(), 1U);
  const v1::DeliveryReported report = outbox_.Finished()[0].report;
  EXPECT_FALSE(report.delivered());
  EXPECT_EQ(report.failure(), "ATTEMPTS_EXHAUSTED");
  EXPECT_EQ(report.attempts(), 3);
  EXPECT_EQ(report.http_status(), 500);
  EXPECT_EQ(report.finished_us(), 77);
}

TEST_F(OutboxTest, ARefusalIsFinalAtOnce) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  EXPECT_EQ(outbox_.Attempted(Take(0), {404, ""}, 0, 0), Verdict::kRefused);
  EXPECT_EQ(outbox_.Finished()[0].report.failure(), "PROVIDER_REFUSED");
}

TEST_F(OutboxTest, AnAnswerOfAnOldAssignmentIsIgnored) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  const JobId id = Take(0);
  outbox_.Clear();
  outbox_.Assign(0, 10);
  outbox_.Attempted(id, {200, ""}, 0, 0);
  EXPECT_EQ(outbox_.finished(), 0U);
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Attempted(id, {200, ""}, 0, 0);  // not in the air yet
  EXPECT_EQ(outbox_.finished(), 0U);
}

TEST_F(OutboxTest, ARecordThatWasReadBeforeOrIsNotOursChangesNothing) {
  outbox_.Read({0, 9}, MakeJob("m"), 0);
  outbox_.Read({1, 10}, MakeJob("m"), 0);
  EXPECT_EQ(outbox_.size(), 0U);
  EXPECT_EQ(Position(), 10);
}

TEST_F(OutboxTest, AnIdOfTheProviderThatIsTooLongIsLeftOut) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Attempted(Take(0), {200, std::string(129, 'x')}, 0, 0);
  EXPECT_EQ(outbox_.Finished()[0].report.provider_message_id(), "");
}

}  // namespace
}  // namespace regulars::messaging
