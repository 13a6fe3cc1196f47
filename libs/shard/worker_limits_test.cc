// What is too large, what is set aside whole, and a clock that is off.
#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

class WorkerLimitsTest : public WorkerTest {};

TEST_F(WorkerLimitsTest, AnEventAboveTheLimitSetsItsInputAsideAndTheBatchGoesOn) {
  Send(kPool, "m_1", "x", now_us_);
  Send(kPool, "m_1", Cat("publish:", kPublishBytesMax), now_us_);
  Send(kPool, "m_1", Cat("publish:", kPublishBytesMax + 1), now_us_);
  Send(kPool, "m_2", "x", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "2");  // the third left no trace
  EXPECT_EQ(Count("m_2"), "1");
  EXPECT_EQ(Published(), 3u);
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].error_class(), runtime::v1::DEAD_LETTER_CLASS_TOO_LARGE);
  EXPECT_EQ(letters[0].reason(), "OUTPUT_TOO_LARGE");
  EXPECT_EQ(letters[0].original().ciphertext(), Cat("publish:", kPublishBytesMax + 1));
}

TEST_F(WorkerLimitsTest, ACommandAboveTheLimitIsRefusedAndChangesNothing) {
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(
      Call(InputKind::kCommand, "m_1", "", "", kPool, Cat("publish:", kPublishBytesMax + 1)).reason,
      "OUTPUT_TOO_LARGE");
  EXPECT_EQ(Count("m_1"), "0");
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "", "", kPool, Cat("publish:", kPublishBytesMax)).code,
            absl::StatusCode::kOk);
}

TEST_F(WorkerLimitsTest, ADeadLetterHoldsTheWholeOriginal) {
  for (const size_t size : {size_t{3}, kLetterPartBytes, kLetterPartBytes + 1, size_t{990'000}}) {
    SCOPED_TRACE(size);
    std::string value = "bad";
    while (value.size() < size) value.push_back(static_cast<char>('a' + value.size() % 23));
    const size_t before = Letters().size();
    Send(kPool, "m_1", value, now_us_);
    Start();
    ASSERT_TRUE(Settle());
    std::string whole;
    const auto letters = Letters();
    for (size_t i = before; i < letters.size(); ++i) {
      EXPECT_EQ(letters[i].part(), i - before);
      EXPECT_EQ(letters[i].parts(), letters.size() - before);
      whole += letters[i].original().ciphertext();
    }
    EXPECT_TRUE(whole == value);
    Crash();
  }
}

TEST_F(WorkerLimitsTest, KeyAndHeadersTooLargeForALetterAreSealedWithTheValue) {
  kafka::OutRecord record;
  record.topic = "regulars.identity.events.v1.g1";
  record.key = std::string(400'000, 'k');
  record.value = "no event";
  record.headers = {{"a", std::string(100'000, 'a')}, {"b", "b"}};
  ASSERT_TRUE(producer_->Produce(record, [](const auto&) {}).ok());
  Start();
  ASSERT_TRUE(Settle());
  std::string bytes;
  for (const auto& letter : Letters()) {
    EXPECT_TRUE(letter.whole_record());
    EXPECT_TRUE(letter.key().empty());
    bytes += letter.original().ciphertext();
  }
  runtime::v1::OriginalRecord whole;
  ASSERT_TRUE(whole.ParseFromString(bytes));
  EXPECT_EQ(whole.value(), "no event");
  EXPECT_EQ(whole.key().size(), 400'000u);
  EXPECT_EQ(whole.headers_size(), 2);
}

using WorkerLimitsDeathTest = WorkerLimitsTest;

TEST_F(WorkerLimitsDeathTest, AClockThatIsOffStopsTheProcessBeforeACommit) {
  for (const int64_t off_us : {61 * kSecond, -61 * kSecond}) {
    SCOPED_TRACE(off_us);
    Start();
    ASSERT_TRUE(Settle());
    Send(kPool, "m_1", "x", now_us_);
    wall_ahead_us_ = off_us;
    exit_at_ = "before_commit";
    EXPECT_DEATH((void)Settle(), "the wall clock is too far");
    exit_at_.clear();
    wall_ahead_us_ = off_us > 0 ? 59 * kSecond : -59 * kSecond;
    EXPECT_TRUE(Settle());
    wall_ahead_us_ = 0;
    Crash();
  }
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "2");
}

}  // namespace
}  // namespace regulars::shard
