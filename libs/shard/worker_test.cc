// The loop on the fake log: exactly once through every crash point, replayed answers, timers.
#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

TEST_F(WorkerTest, CountsEveryRecordOnceFromTheLowWatermark) {
  for (int i = 0; i < 10; ++i) Send(kPool, "m_1", "x", now_us_);
  Send(kPool, "m_2", "x", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_TRUE(worker_->ready());
  EXPECT_EQ(Count("m_1"), "10");
  EXPECT_EQ(Count("m_2"), "1");
  EXPECT_EQ(Published(), 11u);
  EXPECT_TRUE(view_writer_->caught_up());
}

TEST_F(WorkerTest, EveryCrashPointLeavesEveryRecordCountedOnce) {
  for (const char* point : {"ownership", "produced", "before_commit", "committed", "stored"}) {
    SCOPED_TRACE(point);
    const std::string entity = Cat("m_", point);
    const size_t before = Published();
    for (int i = 0; i < 5; ++i) Send(kPool, entity, "x", now_us_);
    crash_at_ = point;
    Start();
    EXPECT_FALSE(Settle());
    Crash();
    crash_at_.clear();
    for (int i = 0; i < 5; ++i) Send(kPool, entity, "x", now_us_);
    Start();
    ASSERT_TRUE(Settle());
    EXPECT_EQ(Count(entity), "10");
    EXPECT_EQ(Published(), before + 10);
    Crash();
  }
}

TEST_F(WorkerTest, ALostDiskIsRepairedFromTheLog) {
  for (int i = 0; i < 7; ++i) Send(kPool, "m_1", "late", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  Crash();
  for (int32_t shard = 0; shard < kShards; ++shard) disks_.LoseDisk(Cat("points-", shard));
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "7");
  now_us_ += 3601 * kSecond;  // the timer survived too, and fires once
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "107");
}

TEST_F(WorkerTest, ARepeatedRequestGetsTheSameAnswerAndOtherContentIsRefused) {
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r1", "h1").payload, "1");
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r1", "h1").payload, "1");
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r1", "h2").reason, "REQUEST_ID_CONFLICT");
  Crash();
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r1", "h1").payload, "1");
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r2", "h1").payload, "2");
}

TEST_F(WorkerTest, BadRecordsBecomeDeadLettersAndEveryoneElseGoesOn) {
  Send(kPool, "m_1", "bad", now_us_);
  Send("nobody", "m_1", "x", now_us_);
  Send(kPool, "m_1", "x", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "1");
  size_t letters = 0;
  for (int32_t partition = 0; partition < kShards; ++partition) {
    letters += log_.ReadCommitted({"regulars.points.dlq.v1.g1", partition}).size();
  }
  EXPECT_EQ(letters, 2u);
}

TEST_F(WorkerTest, InAReplayedPoolTimersFireByAdvanceClockAndBeforeTheOwnInput) {
  const int64_t then = 1'000'000 * kSecond;
  Send(kReplayPool, "m_1", "late", then);
  Send(kReplayPool, "m_2", "late", then);
  Send(kReplayPool, "m_2", "x", then + 2 * 3600 * kSecond);  // m_2's own timer is due before it
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1", kReplayPool), "1");
  EXPECT_EQ(Count("m_2", kReplayPool), "102");
  SendClock(then + 3600 * kSecond);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1", kReplayPool), "101");
  for (const ShardStatus& status : worker_->Snapshot()) {
    EXPECT_EQ(status.clocks.at(kReplayPool), then + 3600 * kSecond);
  }
}

TEST_F(WorkerTest, AnAbortedTransactionIsUndoneAndReadAgain) {
  Start();
  ASSERT_TRUE(Settle());
  aborts_left_ = 2;
  for (int i = 0; i < 3; ++i) Send(kPool, "m_1", "x", now_us_);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(aborts_left_, 0);
  EXPECT_EQ(Count("m_1"), "3");
  EXPECT_EQ(Published(), 3u);
}

TEST_F(WorkerTest, AFlushedViewIsWrittenAnew) {
  for (int i = 0; i < 3; ++i) Send(kPool, "m_1", "x", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  view_.FlushAll();
  now_us_ += 2 * kSecond;
  ASSERT_TRUE(Settle());
  EXPECT_TRUE(view_writer_->caught_up());
  redis::FakeView reader(&view_);
  const int32_t shard = ShardOf(Bucket(kPool, "m_1"), kShards);
  const auto read = reader.Read({"points", shard, kShards}, {ViewKey(kPool, "m_1", "")});
  ASSERT_TRUE(read.ok());
  ASSERT_TRUE(read->meta.has_value());
  EXPECT_TRUE(read->meta->whole);
  EXPECT_EQ(read->values[0], "3");
}

}  // namespace
}  // namespace regulars::shard
