// Messages of a shard to itself: applied in the transaction that says them, never out of order.
#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

constexpr char kTopic[] = "regulars.points.handoff.v1.g1";

// Every entity keeps what it was told, in order. What it says then:
//   to=<entity>,<text>   <text> to that one
//   chain=<n>            chain=<n-1> to itself
//   many=<n>             1, 2, ... n to itself
//   wide=<n>             many=100 to itself, n times
//   poison, refused      as CounterProgram
class TalkingProgram : public CounterProgram {
 public:
  std::vector<InputTopic> inputs() const override {
    return {{"identity", "events", 0}, {"points", "handoff", -2}};
  }
  Effects Apply(const EntityState& state, const Input& input) const override {
    if (poisonous && input.payload == "poison") throw Poisoned();
    Effects effects;
    std::string heard = state.Get("").value_or("");
    heard += Cat(heard.empty() ? "" : " ", input.payload);
    effects.puts.push_back({"", heard, 0});
    effects.publishes.push_back({"events", input.entity, "io.regulars.points.v1.PointsEarned",
                                 Cat("heard/", input.id), heard, input.now_us});
    const auto say = [&](const std::string& to, const std::string& text) {
      effects.publishes.push_back({"handoff", to, "io.regulars.identity.v1.MemberResolved",
                                   Cat(input.id, "/", effects.publishes.size()), text,
                                   input.now_us});
    };
    const std::string& payload = input.payload;
    if (payload.starts_with("to=")) {
      const size_t comma = payload.find(',');
      say(payload.substr(3, comma - 3), payload.substr(comma + 1));
    } else if (payload.starts_with("chain=")) {
      const int left = std::stoi(payload.substr(6));
      if (left > 0) say(input.entity, Cat("chain=", left - 1));
    } else if (payload.starts_with("many=")) {
      for (int i = 1; i <= std::stoi(payload.substr(5)); ++i) say(input.entity, Cat(i));
    } else if (payload.starts_with("wide=")) {
      for (int i = 0; i < std::stoi(payload.substr(5)); ++i) say(input.entity, "many=100");
    }
    if (input.kind == InputKind::kCommand) {
      effects.reply = Reply{absl::StatusCode::kOk, "", "", heard};
    }
    return effects;
  }
};

class LocalTest : public WorkerTest {
 protected:
  LocalTest() {
    EXPECT_TRUE(log_.CreateTopic(kTopic, kShards).ok());
    used_program_ = &talking_;
  }
  size_t InTheLog() {
    size_t records = 0;
    for (int32_t partition = 0; partition < kShards; ++partition) {
      records += log_.ReadCommitted({kTopic, partition}).size();
    }
    return records;
  }
  // An entity of the same shard as `of`, or of the other one.
  std::string Neighbour(const std::string& of, bool same) {
    for (int i = 0;; ++i) {
      const std::string name = Cat("n_", i);
      if ((ShardOf(Bucket(kPool, name), kShards) == ShardOf(Bucket(kPool, of), kShards)) == same) {
        return name;
      }
    }
  }
  TalkingProgram talking_;
};

TEST_F(LocalTest, AChainInsideAShardIsOneTransactionAndNothingOfItIsInTheLog) {
  Send(kPool, "m_1", "chain=7", now_us_);
  Start();
  ASSERT_TRUE(worker_->Step(absl::ZeroDuration()).ok());  // takes over
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(worker_->Step(absl::ZeroDuration()).ok());
  EXPECT_EQ(Count("m_1"), "chain=7 chain=6 chain=5 chain=4 chain=3 chain=2 chain=1 chain=0");
  EXPECT_EQ(InTheLog(), 0u);
  EXPECT_EQ(Published(), 8u);
}

TEST_F(LocalTest, WhatIsForAnotherShardGoesThroughTheLog) {
  const std::string other = Neighbour("m_1", /*same=*/false);
  Send(kPool, "m_1", Cat("to=", other, ",hello"), now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count(other), "hello");
  EXPECT_EQ(InTheLog(), 1u);
}

TEST_F(LocalTest, ACommandAnswersForItselfAndItsMessagesAreInTheSameTransaction) {
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Call(InputKind::kCommand, "m_1", "r1", "h1", kPool, "chain=2").payload, "chain=2");
  EXPECT_EQ(Count("m_1"), "chain=2 chain=1 chain=0");
  EXPECT_EQ(InTheLog(), 0u);
}

TEST_F(LocalTest, AChainThatDoesNotEndGoesOnThroughTheLog) {
  const int hops = 4 * kLocalDepthMax;
  Send(kPool, "m_1", Cat("chain=", hops), now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_TRUE(Count("m_1").ends_with(" chain=1 chain=0"));
  EXPECT_EQ(Published(), static_cast<size_t>(hops) + 1);
  EXPECT_GE(InTheLog(), 3u);
  EXPECT_LE(InTheLog(), 5u);
}

TEST_F(LocalTest, OneInputLeadsToSoManyAtMostAndTheRestGoesThroughTheLog) {
  Send(kPool, "m_1", "wide=20", now_us_);  // 20 x (1 + 100) messages
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Published(), 1u + 20 * 101);
  EXPECT_EQ(InTheLog(), size_t{20} * 101 - kLocalMessagesMax);
}

TEST_F(LocalTest, TheStateIsThatOfMessagesThatAllWentThroughTheLog) {
  const std::string other = Neighbour("m_1", /*same=*/false);
  std::vector<std::string> heard;
  for (const bool local : {true, false}) {
    options_.local_messages = local;
    const size_t before = InTheLog();
    for (const char* text : {"many=3", "chain=2"}) Send(kPool, "m_1", text, now_us_);
    Send(kPool, other, "to=m_1,hello", now_us_);
    Start();
    ASSERT_TRUE(Settle());
    EXPECT_EQ(InTheLog() - before, local ? 1u : 6u);
    heard.push_back(Count("m_1"));
    Crash();
  }
  for (const char* text : {"many=3", " 1 2 3", "chain=2", "chain=1 chain=0", "hello"}) {
    EXPECT_NE(heard[0].find(text), std::string::npos) << heard[0];
  }
  EXPECT_EQ(heard[1].size(), 2 * heard[0].size() + 1);
}

TEST_F(LocalTest, NothingOvertakesWhatIsOnItsWayThroughTheLog) {
  // The chain leaves the shard's memory half-way; what is said after it waits for its turn.
  std::string expected = Cat("chain=", kLocalDepthMax + 3);
  Send(kPool, "m_1", expected, now_us_);
  Send(kPool, "m_2", Cat("to=m_1,after"), now_us_);
  ASSERT_EQ(ShardOf(Bucket(kPool, "m_1"), kShards), ShardOf(Bucket(kPool, "m_2"), kShards));
  Start();
  ASSERT_TRUE(Settle());
  const std::string heard = Count("m_1");
  // Behind the one message that was on its way when it was said.
  EXPECT_LT(heard.find("chain=2 "), heard.find("after")) << heard;
  EXPECT_LT(heard.find("after"), heard.find("chain=1 ")) << heard;
  EXPECT_EQ(InTheLog(), 3u);
}

TEST_F(LocalTest, AnAbortForgetsThemAndTheyAreSaidAgain) {
  Start();
  ASSERT_TRUE(Settle());
  aborts_left_ = 2;
  Send(kPool, "m_1", "many=3", now_us_);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(aborts_left_, 0);
  EXPECT_EQ(Count("m_1"), "many=3 1 2 3");
  EXPECT_EQ(InTheLog(), 0u);
}

TEST_F(LocalTest, EveryCrashPointLeavesThemAppliedOnceAndInOrder) {
  for (const char* point : {"produced", "before_commit", "committed", "stored"}) {
    for (const bool through_log : {false, true}) {
      SCOPED_TRACE(Cat(point, " ", through_log));
      const std::string entity = Cat("m_", point, through_log);
      const int hops = through_log ? 2 * kLocalDepthMax : 3;
      Start();
      ASSERT_TRUE(Settle());
      Send(kPool, entity, Cat("chain=", hops), now_us_);
      crash_at_ = point;
      EXPECT_FALSE(Settle());
      Crash();
      crash_at_.clear();
      Start();
      ASSERT_TRUE(Settle());
      std::string expected = Cat("chain=", hops);
      for (int i = hops - 1; i >= 0; --i) expected += Cat(" chain=", i);
      EXPECT_EQ(Count(entity), expected);
      Crash();
    }
  }
}

TEST_F(LocalTest, OneThatDoesNotDecodeIsSetAsideFromTheLog) {
  talking_.refused = "refused";
  Send(kPool, "m_1", "to=m_1,refused", now_us_);
  Send(kPool, "m_1", "to=m_1,fine", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "to=m_1,refused to=m_1,fine fine");
  EXPECT_EQ(InTheLog(), 2u);
  size_t letters = 0;
  for (int32_t partition = 0; partition < kShards; ++partition) {
    letters += log_.ReadCommitted({"regulars.points.dlq.v1.g1", partition}).size();
  }
  EXPECT_EQ(letters, 1u);
}

TEST_F(LocalTest, TheOneThatCrashesIsParkedAndNotTheOneThatSentIt) {
  const std::string victim = Neighbour("m_1", /*same=*/true);
  Send(kPool, "m_1", Cat("to=", victim, ",poison"), now_us_);
  Send(kPool, "m_1", "x", now_us_);
  EXPECT_LT(Restart(), 20);
  EXPECT_EQ(Count("m_1"), Cat("to=", victim, ",poison x"));
  std::vector<std::string> parked;
  for (const ShardStatus& status : worker_->Snapshot()) {
    for (const auto& key : status.parked) parked.push_back(key.entity());
  }
  EXPECT_EQ(parked, std::vector<std::string>{victim});
  // What is said to it from now on waits with it.
  Send(kPool, "m_1", Cat("to=", victim, ",later"), now_us_);
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Call(InputKind::kQuery, victim, "", "").reason, "KEY_PARKED");
  EXPECT_EQ(Letters().size(), 2u);
}

TEST_F(LocalTest, InAReplayedPoolTheClockIsPromisedWithoutWaitingForThem) {
  const int64_t then = 1'000'000 * kSecond;
  Send(kReplayPool, "m_1", "chain=5", then);
  SendClock(then + kSecond);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1", kReplayPool), "chain=5 chain=4 chain=3 chain=2 chain=1 chain=0");
  for (const ShardStatus& status : worker_->Snapshot()) {
    EXPECT_EQ(status.clocks.at(kReplayPool), then + kSecond);
  }
}

}  // namespace
}  // namespace regulars::shard
