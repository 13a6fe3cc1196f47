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

Job Withdrawn(const std::string& member) {
  Job job = MakeJob(member);
  job.decision.set_withdrawn(true);
  return job;
}

TEST_F(OutboxTest, AWithdrawnJobThatWaitsIsNeverPostedHere) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Read({0, 11}, MakeJob("other"), 0);
  outbox_.Read({0, 12}, Withdrawn("m"), 0);
  EXPECT_EQ(Take(0), JobId(0, 11));
  JobId id;
  EXPECT_EQ(outbox_.TakeDue(100'000, &id), nullptr);
  EXPECT_EQ(Position(), 11);
  outbox_.Attempted({0, 11}, {200, "p"}, 0, 0);
  EXPECT_EQ(Position(), 13);
  EXPECT_EQ(outbox_.Finished().size(), 1U);
}

TEST_F(OutboxTest, AWithdrawnJobInTheAirIsReportedIfItWasDeliveredAndElseForgotten) {
  for (const int status : {200, 503, 404}) {
    Outbox outbox(kPolicy, 1);
    outbox.Assign(0, 10);
    outbox.Read({0, 10}, MakeJob("m"), 0);
    JobId id;
    ASSERT_NE(outbox.TakeDue(0, &id), nullptr);
    outbox.Read({0, 11}, Withdrawn("m"), 0);
    EXPECT_EQ(outbox.Positions().at(0), 10) << status;
    outbox.Attempted(id, {status, "p"}, 0, 0);
    EXPECT_EQ(outbox.Finished().size(), status == 200 ? 1U : 0U) << status;
    EXPECT_EQ(outbox.size(), outbox.finished()) << status;
    EXPECT_EQ(outbox.in_flight(), 0U);
    EXPECT_EQ(outbox.next_due_us(), std::nullopt);
    EXPECT_EQ(outbox.Positions().at(0), 12) << status;
    outbox.Committed(outbox.Finished());
    EXPECT_EQ(outbox.size(), 0U);
  }
}

TEST_F(OutboxTest, AJobThatComesBackIsPostedUnderItsKeyAgain) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Read({0, 11}, Withdrawn("m"), 0);
  outbox_.Read({0, 12}, MakeJob("m"), 0);
  EXPECT_EQ(Take(0), JobId(0, 12));
  outbox_.Read({0, 13}, Withdrawn("m"), 0);
  outbox_.Read({0, 14}, MakeJob("m"), 0);
  outbox_.Attempted({0, 12}, {503, ""}, 0, 0);
  EXPECT_EQ(Take(0), JobId(0, 14));
  outbox_.Attempted({0, 14}, {200, "p"}, 0, 0);
  EXPECT_EQ(outbox_.Finished().size(), 1U);
  EXPECT_EQ(Position(), 15);
}

TEST_F(OutboxTest, AWithdrawalOfAJobThatIsOverOrOfAnotherPartitionChangesNothing) {
  outbox_.Assign(1, 0);
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Read({1, 0}, Withdrawn("m"), 0);
  outbox_.Attempted(Take(0), {200, "p"}, 0, 0);
  outbox_.Read({0, 11}, Withdrawn("m"), 0);
  EXPECT_EQ(outbox_.Finished().size(), 1U);
  outbox_.Committed(outbox_.Finished());
  outbox_.Read({0, 12}, Withdrawn("m"), 0);
  EXPECT_EQ(outbox_.size(), 0U);
  EXPECT_EQ(Position(), 13);
}

TEST_F(OutboxTest, AReportNamesTheMemberWhoseEntryItWas) {
  Job job = MakeJob("m");
  job.decision.set_origin_member("m_l");
  outbox_.Read({0, 10}, std::move(job), 0);
  outbox_.Attempted(Take(0), {200, "p"}, 0, 0);
  EXPECT_EQ(outbox_.Finished()[0].report.member(), "m");
  EXPECT_EQ(outbox_.Finished()[0].report.origin_member(), "m_l");
}

TEST_F(OutboxTest, AnIdOfTheProviderThatIsTooLongIsLeftOut) {
  outbox_.Read({0, 10}, MakeJob("m"), 0);
  outbox_.Attempted(Take(0), {200, std::string(129, 'x')}, 0, 0);
  EXPECT_EQ(outbox_.Finished()[0].report.provider_message_id(), "");
}

}  // namespace
}  // namespace regulars::messaging
