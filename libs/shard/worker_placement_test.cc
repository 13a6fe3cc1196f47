// Entities are in their own shard, and nowhere else.
#include <set>

#include "libs/base/placement.h"
#include "libs/shard/testing/worker_fixture.h"

namespace regulars::shard {
namespace {

constexpr int kEntities = 20;
constexpr char kEvents[] = "regulars.points.events.v1.g1";

std::string EntityOf(int i) { return Cat("m_", i); }

class WorkerPlacementTest : public WorkerTest {
 protected:
  // A record for each of the entities, where a pool of this placement has them.
  void SendAll(const PoolNames& together) {
    const Placement placement(kShards, together);
    for (int i = 0; i < kEntities; ++i) {
      const std::string entity = EntityOf(i);
      Send(kPool, entity, "x", now_us_, "io.regulars.identity.v1.MemberResolved",
           placement.ShardOf(kPool, entity));
    }
  }

  void ChangeAndBack(const PoolNames& first, const PoolNames& second) {
    options_.together = first;
    SendAll(first);
    Start();
    ASSERT_TRUE(Settle());
    Crash();
    options_.together = second;
    Start();
    EXPECT_TRUE(Refusal().starts_with("WRONG_SHARD: pool cofco"));
    EXPECT_FALSE(worker_->ready());
    Crash();
    options_.together = first;
    SendAll(first);
    Start();
    ASSERT_TRUE(Settle());
    EXPECT_EQ(Count(EntityOf(0)), "2");
    EXPECT_EQ(Published(), static_cast<size_t>(2 * kEntities));
    EXPECT_TRUE(Letters().empty());
  }

  // What the loop says when it ends by itself; empty when it goes on.
  std::string Refusal() {
    for (int i = 0; i < 60; ++i) {
      const absl::Status status = worker_->Step(absl::ZeroDuration());
      if (absl::IsPermissionDenied(status)) return std::string(status.message());
      now_us_ += 200'000;
      log_.Tick();
    }
    return "";
  }
};

TEST_F(WorkerPlacementTest, ARecordInAnotherShardThanItsEntityIsSetAside) {
  const int32_t own = Placement(kShards).ShardOf(kPool, "m_1");
  Send(kPool, "m_1", "x", now_us_, "io.regulars.identity.v1.MemberResolved", 1 - own);
  Send(kPool, "m_1", "x", now_us_);
  Start();
  ASSERT_TRUE(Settle());
  EXPECT_EQ(Count("m_1"), "1");
  const auto letters = Letters();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].reason(), "WRONG_SHARD");
  EXPECT_EQ(letters[0].partition(), 1 - own);
}

TEST_F(WorkerPlacementTest, APoolThatIsKeptTogetherIsDecidedInOneShardAndReadInAll) {
  options_.together = {kPool};
  SendAll(options_.together);
  Send(kReplayPool, "m_1", "x", kStart);
  Start();
  ASSERT_TRUE(Settle());
  for (int i = 0; i < kEntities; ++i) EXPECT_EQ(Count(EntityOf(i)), "1");
  EXPECT_TRUE(Letters().empty());
  std::set<int32_t> read;
  for (int32_t partition = 0; partition < kShards; ++partition) {
    for (const auto& record : log_.ReadCommitted({kEvents, partition})) {
      const auto event = events::FromHeaders(record.headers);
      ASSERT_TRUE(event.ok());
      if (event->pool != kPool) continue;
      EXPECT_EQ(partition, ShardOf(Bucket(kPool, record.key), kShards));
      EXPECT_EQ(event->shard, Cat(ShardOfPool(kPool, kShards)));
      read.insert(partition);
    }
  }
  EXPECT_EQ(read.size(), static_cast<size_t>(kShards));
}

TEST_F(WorkerPlacementTest, APoolThatIsGatheredLaterStopsTheProcessUntilItIsSpreadAgain) {
  ChangeAndBack({}, {kPool});
}

TEST_F(WorkerPlacementTest, APoolThatIsSpreadLaterStopsTheProcessUntilItIsGatheredAgain) {
  ChangeAndBack({kPool}, {});
}

}  // namespace
}  // namespace regulars::shard
