#include "libs/service/view_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "libs/redis/fake_view.h"
#include "libs/store/memory_store.h"

namespace regulars::service {
namespace {

constexpr std::chrono::seconds kLimit{10};
constexpr char kLog[] = "log-1";

bool Await(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class ViewThreadTest : public testing::Test {
 protected:
  ViewThreadTest() : reader_(&redis_) {
    shard::ViewWriterOptions options;
    options.service = "points";
    options.shard_count = 1;
    thread_ = std::make_unique<ViewThread>(
        std::make_unique<shard::ViewWriter>(std::make_unique<redis::FakeView>(&redis_), options,
                                            [](std::string_view) { return true; }),
        &metrics_);
  }

  // Takes the shard over with an empty store, as the worker does.
  bool TakeOver() {
    thread_->Own({.shard = 0, .log_id = kLog, .epoch = 1, .sequence_before = 0, .sequence = 1});
    if (!Await([&] { return thread_->WantsSnapshot(0); })) return false;
    auto store = stores_.Open("0");
    if (!store.ok()) return false;
    thread_->GiveSnapshot(0, 1, (*store)->NewSnapshot());
    return Await([&] { return IsWholeAt(1); });
  }

  bool IsWholeAt(int64_t applied) {
    const auto meta = reader_.Meta({"points", 0, 1});
    return meta.ok() && meta->has_value() && (*meta)->whole && (*meta)->applied == applied;
  }

  redis::FakeViewServer redis_;
  redis::FakeView reader_;
  store::MemoryStoreFactory stores_;
  metrics::Registry metrics_;
  std::unique_ptr<ViewThread> thread_;
};

TEST_F(ViewThreadTest, ATransactionIsWrittenAtOnceAndTheThreadSleepsInBetween) {
  ASSERT_TRUE(TakeOver());
  const auto start = std::chrono::steady_clock::now();
  const int64_t before = thread_->turns();
  constexpr int kTransactions = 50;
  for (int64_t sequence = 2; sequence < 2 + kTransactions; ++sequence) {
    thread_->Append(0, sequence - 1, sequence, {{"p|m|", "value"}});
    ASSERT_TRUE(Await([&] { return IsWholeAt(sequence); }));
  }
  // One turn writes and one finds nothing left; each second adds a look of its own.
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
  EXPECT_LE(thread_->turns() - before, 3 * kTransactions + 3 * seconds.count() + 3);
  EXPECT_LT(seconds.count(), 5) << "50 looks of a second each would be too late";
}

TEST_F(ViewThreadTest, ALostViewIsFoundByTheLookOfEachSecond) {
  ASSERT_TRUE(TakeOver());
  redis_.FlushAll();
  ASSERT_TRUE(Await([&] { return thread_->WantsSnapshot(0); }));
  auto store = stores_.Open("0");
  ASSERT_TRUE(store.ok());
  thread_->GiveSnapshot(0, 1, (*store)->NewSnapshot());
  EXPECT_TRUE(Await([&] { return IsWholeAt(1); }));
}

TEST_F(ViewThreadTest, WhatRedisDidNotTakeIsWrittenWhenItIsBack) {
  ASSERT_TRUE(TakeOver());
  redis_.SetAway(true);
  thread_->Append(0, 1, 2, {{"p|m|", "value"}});
  redis_.SetAway(false);
  EXPECT_TRUE(Await([&] { return IsWholeAt(2); }));
}

TEST_F(ViewThreadTest, AKeyThatAReaderMissedComesBackAndNeverOverANewerOne) {
  ASSERT_TRUE(TakeOver());
  thread_->Append(0, 1, 2, {{"p|a|", "1"}, {"p|b|", "1"}});
  ASSERT_TRUE(Await([&] { return IsWholeAt(2); }));
  ASSERT_EQ(redis_.EvictRandom(1, 2), 2);
  thread_->Refresh(0, 2, {{"p|a|", "1"}});
  const auto value = [&](const char* key) {
    const auto read = reader_.Read({"points", 0, 1}, {key});
    return read.ok() ? read->values[0] : std::nullopt;
  };
  EXPECT_TRUE(Await([&] { return value("p|a|") == "1"; }));
  EXPECT_EQ(value("p|b|"), std::nullopt);
  // Held up behind a later transaction: it must not bring the old value back.
  redis_.SetAway(true);
  thread_->Append(0, 2, 3, {{"p|a|", "2"}});
  thread_->Refresh(0, 2, {{"p|a|", "1"}});
  redis_.SetAway(false);
  ASSERT_TRUE(Await([&] { return IsWholeAt(3); }));
  thread_->Append(0, 3, 4, {{"p|b|", "3"}});
  ASSERT_TRUE(Await([&] { return IsWholeAt(4); }));
  EXPECT_EQ(value("p|a|"), "2");
}

}  // namespace
}  // namespace regulars::service
