// Trial mode and parked keys: one input that crashes the process does not stop everyone else.
#include "libs/shard/testing/worker_fixture.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::RedriveKeyResponse;

// Crashes before an input is set aside: three owners without progress, one on the input alone.
constexpr int kCrashes = 4;

class WorkerParkingTest : public WorkerTest {
 protected:
  RedriveKeyResponse Redrive(const std::string& entity, const std::string& pool = kPool) {
    const Reply reply =
        Call(InputKind::kCommand, entity, "", "", pool, "", std::string(kRedriveCommand));
    RedriveKeyResponse response;
    EXPECT_EQ(reply.code, absl::StatusCode::kOk) << reply.reason;
    EXPECT_TRUE(response.ParseFromString(reply.payload));
    return response;
  }
  std::string Refused(const std::string& entity, const std::string& type = "Add") {
    return Call(InputKind::kCommand, entity, "", "", kPool, "x", type).reason;
  }
  // Inputs that were set aside for parked keys, whether or not anybody can see them yet.
  int64_t Waiting() {
    int64_t letters = 0;
    for (const ShardStatus& status : worker_->Snapshot()) {
      for (const auto& key : status.parked) letters += key.letters() - key.redriven();
    }
    return letters;
  }
  size_t ParkedKeys() {
    size_t keys = 0;
    for (const ShardStatus& status : worker_->Snapshot()) keys += status.parked.size();
    return keys;
  }
};

TEST_F(WorkerParkingTest, AnInputThatCrashesIsSetAsideWithItsKeyAndEveryoneElseGoesOn) {
  for (const char* payload : {"x", "poison", "x", "x"}) Send(kPool, "m_1", payload, now_us_);
  for (int i = 2; i < 10; ++i) Send(kPool, Cat("m_", i), "x", now_us_);
  EXPECT_EQ(Restart(), kCrashes);
  for (int i = 2; i < 10; ++i) EXPECT_EQ(Count(Cat("m_", i)), "1");
  Send(kPool, "m_1", "x", now_us_);
  ASSERT_TRUE(Settle());
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 4u);
  EXPECT_EQ(letters[0].error_class(), runtime::v1::DEAD_LETTER_CLASS_CRASHED);
  EXPECT_EQ(letters[0].reason(), "CRASHED");
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(letters[i].error_class(), runtime::v1::DEAD_LETTER_CLASS_PARKED);
    EXPECT_EQ(letters[i].reason(), "KEY_PARKED");
    EXPECT_LT(letters[i - 1].offset(), letters[i].offset());
  }
  EXPECT_EQ(ParkedKeys(), 1u);
  EXPECT_EQ(Refused("m_1"), "KEY_PARKED");
  EXPECT_EQ(Published(), 9u);

  Crash();
  program_.poisonous = false;  // the code is mended
  EXPECT_EQ(Restart(), 0);
  EXPECT_EQ(Refused("m_1"), "KEY_PARKED");  // and the key still waits for a person
  const RedriveKeyResponse response = Redrive("m_1");
  EXPECT_EQ(response.applied(), 4);
  EXPECT_EQ(response.waiting(), 0);
  EXPECT_EQ(Count("m_1"), "5");
  EXPECT_EQ(ParkedKeys(), 0u);
  EXPECT_EQ(Refused("m_1", std::string(kRedriveCommand)), "KEY_NOT_PARKED");
  Send(kPool, "m_1", "x", now_us_);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "6");
  EXPECT_EQ(Letters().size(), 4u);
}

TEST_F(WorkerParkingTest, ALongQueueIsRedrivenInStepsAndInOrder) {
  Send(kPool, "m_1", "poison", now_us_);
  EXPECT_EQ(Restart(), kCrashes);
  constexpr int kLater = static_cast<int>(kRedriveMax) + 5;
  for (int i = 0; i < kLater; ++i) Send(kPool, "m_1", "x", now_us_);
  ASSERT_TRUE(Settle());
  program_.poisonous = false;
  EXPECT_EQ(Redrive("m_1").waiting(), 6);
  EXPECT_EQ(Refused("m_1"), "KEY_PARKED");
  // One more comes in the same batch as the second step: it is not in the log yet.
  Send(kPool, "m_1", "x", now_us_);
  EXPECT_EQ(Redrive("m_1").waiting(), 1);
  EXPECT_EQ(Redrive("m_1").waiting(), 0);
  EXPECT_EQ(Count("m_1"), Cat(kLater + 2));
}

TEST_F(WorkerParkingTest, ATimerThatCrashesParksItsKeyAndFiresWhenItIsRedriven) {
  Send(kPool, "m_1", "poison timer", now_us_);
  Send(kPool, "m_2", "late", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  Crash();
  now_us_ += 3700 * kSecond;
  EXPECT_EQ(Restart(), kCrashes);
  EXPECT_EQ(Count("m_2"), "101");
  EXPECT_EQ(Refused("m_1"), "KEY_PARKED");
  program_.poisonous = false;
  EXPECT_EQ(Redrive("m_1").waiting(), 0);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "101");
}

TEST_F(WorkerParkingTest, AWaitingInputThatIsNotVisibleYetLeavesItsKeyParked) {
  Send(kPool, "m_1", "poison timer", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  Crash();
  now_us_ += 3700 * kSecond;
  EXPECT_EQ(Restart(), kCrashes);  // parked by its timer: no input waits
  program_.poisonous = false;
  markers_late_us_ = 60 * kSecond;
  Send(kPool, "m_1", "x", now_us_);
  for (int i = 0; i < 20 && Waiting() == 0; ++i) {
    ASSERT_TRUE(worker_->Step(absl::ZeroDuration()).ok());
  }
  ASSERT_EQ(Waiting(), 1);
  markers_late_us_ = 0;
  ASSERT_EQ(Letters().size(), 1u);  // the timer's; the commit of the other is answered, no more
  RedriveKeyResponse response = Redrive("m_1");
  EXPECT_EQ(response.applied(), 0);
  EXPECT_EQ(response.waiting(), 1);
  EXPECT_EQ(ParkedKeys(), 1u);
  response = Redrive("m_1");
  EXPECT_EQ(response.applied(), 1);
  EXPECT_EQ(response.waiting(), 0);
  EXPECT_EQ(probe_.CountOf("letters_lost"), 0u);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "102");  // both inputs and the timer
}

TEST_F(WorkerParkingTest, ASuspectOfAPoolThatIsServedNoMoreEndsItsTrial) {
  Send(kPool, "m_1", "poison timer", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  Crash();
  now_us_ += 3700 * kSecond;
  for (int i = 0; i < kCrashes; ++i) {
    Start();
    EXPECT_FALSE(Settle());
    Crash();
  }
  pools_.erase(kPool);
  Send(kReplayPool, "m_2", "x", now_us_);
  EXPECT_EQ(Restart(), 0);
  const int32_t shard = ShardOf(Bucket(kPool, "m_1"), kShards);
  EXPECT_EQ(probe_.CountOf(Cat("trial_over: points-", shard)), 1u);
  EXPECT_EQ(Letters().size(), 0u);
  EXPECT_EQ(ParkedKeys(), 0u);
  EXPECT_EQ(Count("m_2", kReplayPool), "1");
  Send(kReplayPool, "m_2", "x", now_us_);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_2", kReplayPool), "2");
}

TEST_F(WorkerParkingTest, ACommandThatCrashesIsRefusedAfterItsKeyIsParked) {
  const auto ask = [&] {
    Command command;
    command.pool = kPool;
    command.entity = "m_1";
    command.type = "Add";
    command.payload = "poison";
    command.done = [](const Reply&, const runtime::v1::PositionToken&) {};
    for (int i = 0; i < 10 && !worker_->ready(); ++i) (void)worker_->Step(absl::ZeroDuration());
    EXPECT_TRUE(worker_->Submit(std::move(command)));
    return Settle();
  };
  int crashes = 0;
  for (; crashes < 20; ++crashes) {
    Start();
    if (ask()) break;
    Crash();
  }
  EXPECT_EQ(crashes, kCrashes);
  EXPECT_EQ(Refused("m_1"), "KEY_PARKED");
  EXPECT_EQ(Refused("m_2"), "");
  program_.poisonous = false;
  EXPECT_EQ(Redrive("m_1").waiting(), 0);
  EXPECT_EQ(Refused("m_1"), "");
}

TEST_F(WorkerParkingTest, AProcessKilledInATrialDoesNotCondemnTheInput) {
  for (int i = 0; i < 3; ++i) Send(kPool, Cat("m_", i), "x", now_us_);
  crash_at_ = "before_commit";
  for (int i = 0; i < 3; ++i) {
    Start();
    EXPECT_FALSE(Settle());
    Crash();
  }
  crash_at_ = "stored";  // the announcement is committed, its input not tried
  Start();
  EXPECT_FALSE(Settle());
  Crash();
  crash_at_ = "ownership";
  for (int i = 0; i < 3; ++i) {
    Start();
    EXPECT_FALSE(Settle());
    Crash();
  }
  crash_at_.clear();
  EXPECT_EQ(Restart(), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Count(Cat("m_", i)), "1");
  EXPECT_EQ(Letters().size(), 0u);
  EXPECT_GT(probe_.CountOf("trial: "), 0u);
  EXPECT_GT(probe_.CountOf("trial_over"), 0u);
}

TEST_F(WorkerParkingTest, InAReplayedPoolTheClockGoesOnWithoutTheParkedKey) {
  const int64_t then = 1'000'000 * kSecond;
  Send(kReplayPool, "m_1", "late", then);
  Send(kReplayPool, "m_1", "poison", then + kSecond);
  Send(kReplayPool, "m_2", "late", then);
  EXPECT_EQ(Restart(), kCrashes);
  SendClock(then + 7200 * kSecond);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_2", kReplayPool), "101");
  program_.poisonous = false;
  EXPECT_EQ(Redrive("m_1", kReplayPool).waiting(), 0);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1", kReplayPool), "102");
}

}  // namespace
}  // namespace regulars::shard
