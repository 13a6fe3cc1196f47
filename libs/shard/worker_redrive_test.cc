// Single dead letters taken up again after their cause was mended.
#include "libs/shard/testing/worker_fixture.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::shard {
namespace {

constexpr char kLettersTopic[] = "regulars.points.dlq.v1.g1";
constexpr char kNotAnswered[] = "NOT_ANSWERED";

class WorkerRedriveTest : public WorkerTest {
 protected:
  static int32_t ShardOfMember(const std::string& entity, const std::string& pool = kPool) {
    return ShardOf(Bucket(pool, entity), kShards);
  }
  // Offsets of the shard's letters, by their first part.
  std::vector<int64_t> Offsets(int32_t shard) {
    std::vector<int64_t> offsets;
    for (const auto& record : log_.ReadCommitted({kLettersTopic, shard})) {
      runtime::v1::DeadLetter letter;
      EXPECT_TRUE(letter.ParseFromString(std::string(record.value)));
      if (letter.part() == 0) offsets.push_back(record.offset);
    }
    return offsets;
  }
  int64_t LastLetter(const std::string& entity, const std::string& pool = kPool) {
    const auto offsets = Offsets(ShardOfMember(entity, pool));
    EXPECT_FALSE(offsets.empty());
    return offsets.empty() ? -1 : offsets.back();
  }
  Reply Ask(int32_t shard, int64_t offset, const std::string& pool = kPool,
            int64_t deadline_us = 0) {
    runtime::v1::RedriveLetterRequest request;
    request.set_shard(shard);
    request.set_offset(offset);
    const auto answer = std::make_shared<std::optional<Reply>>();
    Command command;
    command.pool = pool;
    command.shard = shard;
    command.type = std::string(kRedriveLetterCommand);
    command.payload = request.SerializeAsString();
    command.deadline_us = deadline_us;
    command.done = [answer](const Reply& reply, const auto&) { *answer = reply; };
    EXPECT_TRUE(worker_->Submit(std::move(command)));
    for (int i = 0; i < 20 && !*answer; ++i) {
      if (absl::IsCancelled(worker_->Step(absl::ZeroDuration()))) break;
    }
    return answer->value_or(Reply{absl::StatusCode::kUnknown, kNotAnswered, "", ""});
  }
  // "" when it took effect, "again REASON" when it is a letter again, else why it was refused.
  std::string Redrive(int32_t shard, int64_t offset, const std::string& pool = kPool) {
    const Reply reply = Ask(shard, offset, pool);
    if (reply.code != absl::StatusCode::kOk) return reply.reason;
    runtime::v1::RedriveLetterResponse response;
    EXPECT_TRUE(response.ParseFromString(reply.payload));
    return response.reason().empty() ? "" : Cat("again ", response.reason());
  }
  std::string RedriveLast(const std::string& entity, const std::string& pool = kPool) {
    return Redrive(ShardOfMember(entity, pool), LastLetter(entity, pool), pool);
  }
  void RedriveKey(const std::string& entity) {
    EXPECT_EQ(
        Call(InputKind::kCommand, entity, "", "", kPool, "", std::string(kRedriveCommand)).reason,
        "");
  }
  int64_t SumOf(const std::string& name, const std::string& pool = kPool) {
    int64_t sum = 0;
    for (const ShardStatus& status : worker_->Snapshot()) {
      const auto found = status.sums.find({pool, name});
      if (found != status.sums.end()) sum += found->second;
    }
    return sum;
  }
  void SetAsideOf(const std::string& entity, const std::string& payload = "bad") {
    const size_t before = Letters().size();
    Send(kPool, entity, payload, now_us_);
    ASSERT_TRUE(Settle());
    ASSERT_GT(Letters().size(), before);
  }
  void StartAndSettle() {
    Start();
    ASSERT_TRUE(Settle());
  }
};

TEST_F(WorkerRedriveTest, ALetterTakesEffectOnceForEver) {
  StartAndSettle();
  for (int i = 0; i < 3; ++i) SetAsideOf("m_1");
  program_.refused.clear();  // the code is mended
  const int32_t shard = ShardOfMember("m_1");
  const auto offsets = Offsets(shard);
  ASSERT_EQ(offsets.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(Redrive(shard, offsets[i]), "");
    EXPECT_EQ(Count("m_1"), Cat(i + 1));
    EXPECT_EQ(Redrive(shard, offsets[i]), "LETTER_REDRIVEN");
  }
  EXPECT_EQ(SumOf("dead_letters"), 3);
  EXPECT_EQ(SumOf(std::string(kLettersRedriven)), 3);
  Crash();
  disks_.LoseDisk(Cat("points-", shard));
  StartAndSettle();
  for (const int64_t offset : offsets) EXPECT_EQ(Redrive(shard, offset), "LETTER_REDRIVEN");
  EXPECT_EQ(Count("m_1"), "3");
  EXPECT_EQ(Letters().size(), 3u);
}

TEST_F(WorkerRedriveTest, ALetterThatFailsAgainIsANewLetterWithItsNewReason) {
  StartAndSettle();
  program_.refused = "publish";
  SetAsideOf("m_1", Cat("publish:", kPublishBytesMax + 1));
  const int64_t first = LastLetter("m_1");
  program_.refused.clear();
  EXPECT_EQ(RedriveLast("m_1"), "again OUTPUT_TOO_LARGE");
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].reason(), "UNSPECIFIED");
  EXPECT_EQ(letters[1].reason(), "OUTPUT_TOO_LARGE");
  EXPECT_EQ(letters[1].offset(), letters[0].offset());  // of the input
  EXPECT_EQ(Redrive(ShardOfMember("m_1"), first), "LETTER_REDRIVEN");
  EXPECT_EQ(RedriveLast("m_1"), "again OUTPUT_TOO_LARGE");
  EXPECT_EQ(Letters().size(), 3u);
  EXPECT_EQ(Count("m_1"), "0");
}

TEST_F(WorkerRedriveTest, ALetterOfManyPartsIsTakenUpWhole) {
  StartAndSettle();
  std::string value = "bad";
  while (value.size() < 5 * kLetterPartBytes) {
    value.push_back(static_cast<char>('a' + value.size() % 23));
  }
  SetAsideOf("m_1", value);
  const size_t parts = Letters().size();
  EXPECT_GT(parts, 4u);
  EXPECT_EQ(RedriveLast("m_1"), "again UNSPECIFIED");
  std::string again;
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 2 * parts);
  for (size_t i = parts; i < 2 * parts; ++i) again += letters[i].original().ciphertext();
  EXPECT_TRUE(again == value);
  program_.refused.clear();
  EXPECT_EQ(RedriveLast("m_1"), "");
  EXPECT_EQ(Count("m_1"), "1");
}

TEST_F(WorkerRedriveTest, ALetterOfAPoolThatWasNotServedBelongsToThePoolOnceItIs) {
  pools_.erase(kPool);
  StartAndSettle();
  SetAsideOf("m_1", "x");
  EXPECT_EQ(Letters()[0].reason(), "POOL_UNKNOWN");
  EXPECT_EQ(RedriveLast("m_1"), "POOL_UNKNOWN");
  Crash();
  pools_[kPool] = PoolClock::kLive;
  StartAndSettle();
  EXPECT_EQ(Redrive(ShardOfMember("m_1"), LastLetter("m_1"), kReplayPool), "LETTER_UNKNOWN");
  EXPECT_EQ(RedriveLast("m_1"), "");
  EXPECT_EQ(RedriveLast("m_1"), "LETTER_REDRIVEN");
  EXPECT_EQ(Count("m_1"), "1");
}

// No row changes anything.
TEST_F(WorkerRedriveTest, WhatCannotBeRedrivenIsRefusedWithItsReason) {
  const int32_t shard = ShardOfMember("m_1");
  StartAndSettle();
  SetAsideOf("m_1", Cat("bad", std::string(kLetterPartBytes, 'x')));
  const int64_t letter = LastLetter("m_1");
  // Not an event; a letter without its second part; bytes that are no letter.
  kafka::OutRecord record{"regulars.identity.events.v1.g1", shard, "m_1", "no event", {}};
  ASSERT_TRUE(producer_->Produce(record, [](const auto&) {}).ok());
  ASSERT_TRUE(Settle());
  const int64_t of_no_pool = LastLetter("m_1");
  runtime::v1::DeadLetter torn;
  ASSERT_TRUE(
      torn.ParseFromString(std::string(log_.ReadCommitted({kLettersTopic, shard})[0].value)));
  record = {kLettersTopic, shard, "m_1", torn.SerializeAsString(), {}};
  ASSERT_TRUE(producer_->Produce(record, [](const auto&) {}).ok());
  const int64_t torn_at = LastLetter("m_1");
  record.value = "\xff";
  ASSERT_TRUE(producer_->Produce(record, [](const auto&) {}).ok());
  ASSERT_TRUE(producer_->Flush(absl::Seconds(1)).ok());
  program_.refused.clear();

  struct Row {
    const char* what;
    int32_t shard;
    int64_t offset;
    const char* pool;
    const char* reason;
  };
  const Row rows[] = {
      {"before the log", shard, -1, kPool, "LETTER_UNKNOWN"},
      {"behind the log", shard, 1'000'000, kPool, "LETTER_UNKNOWN"},
      {"a letter of the other shard", 1 - shard, letter, kPool, "LETTER_UNKNOWN"},
      {"a shard of nobody", kShards, letter, kPool, "SHARD_NOT_OWNED"},
      {"the second part of a letter", shard, letter + 1, kPool, "LETTER_UNKNOWN"},
      {"a marker of the log", shard, letter + 2, kPool, "LETTER_UNKNOWN"},
      {"bytes that are no letter", shard, torn_at + 1, kPool, "LETTER_UNKNOWN"},
      {"a letter of another pool", shard, letter, kReplayPool, "LETTER_UNKNOWN"},
      {"a pool that is not served", shard, letter, "moon", "POOL_UNKNOWN"},
      {"a letter of no pool", shard, of_no_pool, kPool, "LETTER_UNKNOWN"},
      {"a part is gone", shard, torn_at, kPool, "LETTER_INCOMPLETE"},
  };
  const size_t letters = log_.ReadCommitted({kLettersTopic, shard}).size();
  for (const Row& row : rows) {
    EXPECT_EQ(Redrive(row.shard, row.offset, row.pool), row.reason) << row.what;
  }
  EXPECT_EQ(Ask(shard, letter, kPool, now_us_).reason, "DEADLINE_OVER");
  key_gone_ = "k";
  EXPECT_EQ(Redrive(shard, letter), "LETTER_UNREADABLE");
  key_gone_.clear();
  reads_fail_ = true;
  EXPECT_EQ(Ask(shard, letter).code, absl::StatusCode::kUnavailable);
  reads_fail_ = false;
  EXPECT_EQ(Count("m_1"), "0");
  EXPECT_EQ(log_.ReadCommitted({kLettersTopic, shard}).size(), letters);
  EXPECT_EQ(SumOf(std::string(kLettersRedriven)), 0);
  EXPECT_EQ(Redrive(shard, letter), "");
}

TEST_F(WorkerRedriveTest, ALetterOfAParkedKeyWaitsForItsKey) {
  const int32_t shard = ShardOfMember("m_1");
  StartAndSettle();
  SetAsideOf("m_1");
  Crash();
  Send(kPool, "m_1", "poison", now_us_);
  Send(kPool, "m_1", "x", now_us_);
  ASSERT_GT(Restart(), 0);
  program_.poisonous = false;
  program_.refused.clear();
  const auto offsets = Offsets(shard);
  ASSERT_EQ(offsets.size(), 3u);  // refused, crashed, parked
  for (const int64_t offset : offsets) EXPECT_EQ(Redrive(shard, offset), "KEY_PARKED");
  EXPECT_EQ(Count("m_1"), "");
  RedriveKey("m_1");
  EXPECT_EQ(Count("m_1"), "2");
  EXPECT_EQ(Redrive(shard, offsets[1]), "LETTER_REDRIVEN");
  EXPECT_EQ(Redrive(shard, offsets[2]), "LETTER_REDRIVEN");
  EXPECT_EQ(Redrive(shard, offsets[0]), "");
  EXPECT_EQ(Count("m_1"), "3");
}

TEST_F(WorkerRedriveTest, ATimerThatCrashedIsNoInputThatALetterCouldBring) {
  Send(kPool, "m_1", "poison timer", now_us_);
  StartAndSettle();
  Crash();
  now_us_ += 3700 * kSecond;
  ASSERT_GT(Restart(), 0);
  program_.poisonous = false;
  EXPECT_EQ(RedriveLast("m_1"), "LETTER_WITHOUT_INPUT");
  RedriveKey("m_1");
  EXPECT_EQ(RedriveLast("m_1"), "LETTER_WITHOUT_INPUT");
}

TEST_F(WorkerRedriveTest, ACrashAnywhereLeavesItDoneOrUndoneAndNeverTwice) {
  struct Row {
    const char* point;
    const char* then;
  };
  const Row rows[] = {{"produced", ""},
                      {"before_commit", ""},
                      {"committed", "LETTER_REDRIVEN"},
                      {"stored", "LETTER_REDRIVEN"}};
  StartAndSettle();
  int done = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.point);
    program_.refused = "bad";
    SetAsideOf("m_1");
    program_.refused.clear();
    crash_at_ = row.point;
    EXPECT_EQ(RedriveLast("m_1"), kNotAnswered);
    crash_at_.clear();
    Crash();
    EXPECT_EQ(Restart(), 0);
    EXPECT_EQ(RedriveLast("m_1"), row.then);
    EXPECT_EQ(Count("m_1"), Cat(++done));
  }
  program_.refused = "bad";
  SetAsideOf("m_1");
  program_.refused.clear();
  aborts_left_ = 1;
  EXPECT_EQ(RedriveLast("m_1"), "TRY_AGAIN");
  EXPECT_EQ(RedriveLast("m_1"), "");
  EXPECT_EQ(Count("m_1"), Cat(++done));
}

TEST_F(WorkerRedriveTest, ALetterThatCrashesTheProcessStaysWhereItIsAndParksNothing) {
  StartAndSettle();
  program_.refused = "poison";
  SetAsideOf("m_1", "poison");
  program_.refused.clear();
  for (int i = 0; i < 6; ++i) {  // into trial mode and beyond
    for (int step = 0; step < 20 && !worker_->ready(); ++step) {
      (void)worker_->Step(absl::ZeroDuration());
    }
    EXPECT_THROW((void)RedriveLast("m_1"), Poisoned);
    Crash();
    Start();
  }
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Letters().size(), 1u);
  for (const ShardStatus& status : worker_->Snapshot()) EXPECT_TRUE(status.parked.empty());
  program_.poisonous = false;
  EXPECT_EQ(RedriveLast("m_1"), "");
  EXPECT_EQ(Count("m_1"), "1");
}

}  // namespace
}  // namespace regulars::shard
