#include "libs/service/view_reader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <utility>

#include "libs/redis/fake_view.h"

namespace regulars::service {
namespace {

using redis::ShardId;
using redis::ViewOutcome;
using Values = ViewReader::Values;

constexpr std::chrono::seconds kLimit{10};
const ShardId kShard{"points", 1, 4};

// Whole at position 7 with a = "1" and b = "2".
class ViewReaderTest : public testing::Test {
 protected:
  ViewReaderTest() : owner_(&redis_) {
    EXPECT_EQ(owner_.Claim(kShard, "log", 5, 6, 6), ViewOutcome::kApplied);
    Write(6, 7, {{"a", "1"}, {"b", "2"}});
    EXPECT_EQ(owner_.Finish(kShard, 5, 6), ViewOutcome::kApplied);
    std::vector<std::unique_ptr<redis::View>> views;
    for (int i = 0; i < kReadThreads; ++i) {
      views.push_back(std::make_unique<redis::FakeView>(&redis_));
    }
    reader_ = std::make_unique<ViewReader>(std::move(views), &metrics_);
  }

  void Write(int64_t from, int64_t to, std::vector<redis::ViewOp> ops) {
    const auto done = owner_.Apply(kShard, {{5, 6, from, to, std::move(ops)}});
    EXPECT_EQ(done, std::vector{ViewOutcome::kApplied});
  }

  std::future<std::optional<Values>> Begin(std::vector<std::string> keys, int64_t sequence = 0,
                                           const std::string& log_id = "log") {
    ViewReader::Job job{.shard = kShard, .keys = std::move(keys), .token = {}, .done = {}};
    if (sequence > 0) {
      job.token.emplace();
      job.token->set_log_id(log_id);
      job.token->set_shard(kShard.shard);
      job.token->set_sequence(sequence);
    }
    auto promise = std::make_shared<std::promise<std::optional<Values>>>();
    auto future = promise->get_future();
    job.done = [promise](std::optional<Values> values) { promise->set_value(std::move(values)); };
    reader_->Read(std::move(job));
    return future;
  }

  std::optional<Values> Read(std::vector<std::string> keys, int64_t sequence = 0,
                             const std::string& log_id = "log") {
    auto future = Begin(std::move(keys), sequence, log_id);
    if (future.wait_for(kLimit) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return std::nullopt;
    }
    return future.get();
  }

  int64_t Count(const char* result) {
    return metrics_.MakeCounter("regulars_view_reads_total", "", {{"result", result}}).value();
  }

  redis::FakeViewServer redis_;
  redis::FakeView owner_;
  metrics::Registry metrics_;
  std::unique_ptr<ViewReader> reader_;
};

TEST_F(ViewReaderTest, WhatIsThereIsAnswered) {
  EXPECT_EQ(Read({"a", "b"}), (Values{"1", "2"}));
  EXPECT_EQ(Read({"b"}, 7), Values{"2"});
  EXPECT_EQ(Count("view"), 2);
}

TEST_F(ViewReaderTest, WhatIsNotThereIsForTheOwner) {
  EXPECT_EQ(Read({"a", "c"}), std::nullopt);
  EXPECT_EQ(Count("missing"), 1);
  EXPECT_EQ(Read({"a"}, 7, "another log"), std::nullopt);
  EXPECT_EQ(Count("other_log"), 1);
  EXPECT_EQ(owner_.Claim(kShard, "log", 5, 7, 7), ViewOutcome::kApplied);
  EXPECT_EQ(Read({"a"}), std::nullopt);
  redis_.FlushAll();
  EXPECT_EQ(Read({"a"}), std::nullopt);
  EXPECT_EQ(Count("absent"), 2);
  EXPECT_EQ(Count("view"), 0);
}

TEST_F(ViewReaderTest, ATokenIsWaitedForAndThenHonoured) {
  auto waiting = Begin({"a"}, 8);
  Write(7, 8, {{"a", "new"}});
  ASSERT_EQ(waiting.wait_for(kLimit), std::future_status::ready);
  const std::optional<Values> got = waiting.get();
  // On a very busy machine the budget may end first; the old value is never the answer.
  if (got.has_value()) {
    EXPECT_EQ(*got, Values{"new"});
  } else {
    EXPECT_EQ(Count("behind"), 1);
  }
}

TEST_F(ViewReaderTest, ATokenIsWaitedForByAnotherThreadWhileOneIsBusy) {
  for (int64_t sequence = 8; sequence < 24; ++sequence) {
    auto waiting = Begin({"a"}, sequence);
    std::promise<void> free;
    std::promise<void> finished;
    ViewReader::Job busy{.shard = kShard, .keys = {"a"}, .token = {}, .done = {}};
    busy.done = [&free, &finished](const std::optional<Values>&) {
      free.get_future().wait();
      finished.set_value();
    };
    reader_->Read(std::move(busy));
    Write(sequence - 1, sequence, {{"a", "new"}});
    EXPECT_EQ(waiting.wait_for(kLimit), std::future_status::ready) << sequence;
    free.set_value();
    finished.get_future().wait();
  }
}

TEST_F(ViewReaderTest, AWaitForATokenIsBounded) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Read({"a"}, 100), std::nullopt);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::microseconds(kReadBudget));
  EXPECT_EQ(Count("behind"), 1);
}

TEST_F(ViewReaderTest, WhileRedisIsAwayNobodyWaits) {
  redis_.SetAway(true);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Read({"a"}), std::nullopt);
  EXPECT_EQ(Count("away"), 100);
}

TEST_F(ViewReaderTest, RedisIsAskedAgainAfterAPause) {
  redis_.SetAway(true);
  EXPECT_EQ(Read({"a"}), std::nullopt);
  redis_.SetAway(false);
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (!Read({"a"}).has_value()) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(ViewReaderTest, WhatIsOpenAtTheEndIsForTheOwner) {
  auto waiting = Begin({"a"}, 100);
  reader_.reset();
  ASSERT_EQ(waiting.wait_for(kLimit), std::future_status::ready);
  EXPECT_EQ(waiting.get(), std::nullopt);
}

}  // namespace
}  // namespace regulars::service
