// Replay of the changelog: bounded, resumed where it died, and never from a store too old.
#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

constexpr char kChangelog[] = "regulars.points.changelog.v1.g1";
constexpr int kMembers = 60;

class WorkerRestoreTest : public WorkerTest {
 protected:
  // A changelog with one `@shard` record per shard, at its end.
  void FillAndCompact() {
    for (int i = 0; i < kMembers; ++i) Send(kPool, Cat("m_", i), "x", now_us_);
    Start();
    ASSERT_TRUE(Settle());
    Crash();
    log_.Compact(kChangelog);
  }
  void LoseDisks() {
    for (int32_t shard = 0; shard < kShards; ++shard) disks_.LoseDisk(Cat("points-", shard));
  }
  void ExpectAllCounted() {
    for (int i = 0; i < kMembers; ++i) EXPECT_EQ(Count(Cat("m_", i)), "1");
  }
};

TEST_F(WorkerRestoreTest, ACompactedChangelogIsRestoredInSmallStepsAndServesTheGroup) {
  FillAndCompact();
  LoseDisks();
  options_.restore_records_max = 5;
  Start();
  const int64_t before = polls_;
  ASSERT_TRUE(Settle());
  ExpectAllCounted();
  Crash();
  const int64_t in_small_steps = polls_ - before;
  LoseDisks();
  options_.restore_records_max = 10'000;
  Start();
  const int64_t again = polls_;
  ASSERT_TRUE(Settle());
  ExpectAllCounted();
  EXPECT_GE(in_small_steps, polls_ - again + kMembers / 5 - kShards);
}

TEST_F(WorkerRestoreTest, BytesBoundAStepToo) {
  FillAndCompact();
  LoseDisks();
  options_.restore_bytes_max = 200;
  crash_at_ = "restore_flushed";
  Start();
  EXPECT_FALSE(Settle());
}

TEST_F(WorkerRestoreTest, ARestoreThatDiesGoesOnWhereItWas) {
  FillAndCompact();
  LoseDisks();
  options_.restore_records_max = 5;
  crash_at_ = "restore_flushed";
  int deaths = 0;
  for (; deaths < kMembers; ++deaths) {
    Start();
    if (Settle()) break;
    Crash();
  }
  EXPECT_GE(deaths, kMembers / 5 - 2);  // every life restores five more
  EXPECT_LT(deaths, kMembers / 2);
  ExpectAllCounted();
}

TEST_F(WorkerRestoreTest, AStoreBehindForLongerThanTombstonesLiveIsDiscarded) {
  struct Row {
    const char* name;
    int64_t away_us;
    bool behind;
    size_t discarded;
  };
  const int64_t limit_us = options_.store_age_us_max;
  for (const Row& row : {Row{"behind_a_little", limit_us - 60 * kSecond, true, 0},
                         Row{"behind_for_too_long", limit_us + 60 * kSecond, true, kShards},
                         Row{"nothing_missed", limit_us + 60 * kSecond, false, 0}}) {
    SCOPED_TRACE(row.name);
    for (int i = 0; i < 8; ++i) Send(kPool, Cat(row.name, "_", i), "x", now_us_);
    Start();
    ASSERT_TRUE(Settle());
    Crash();
    if (row.behind) {  // a life on other disks goes on meanwhile
      store::MemoryStoreFactory elsewhere;
      stores_ = &elsewhere;
      Start();
      ASSERT_TRUE(Settle());
      Crash();
      stores_ = &disks_;
    }
    now_us_ += row.away_us;
    log_.Tick();
    const size_t before = probe_.CountOf("store_discarded");
    Start();
    ASSERT_TRUE(Settle());
    EXPECT_EQ(probe_.CountOf("store_discarded") - before, row.discarded);
    EXPECT_EQ(Count(Cat(row.name, "_0")), "1");
    Crash();
  }
}

}  // namespace
}  // namespace regulars::shard
