#include "libs/base/placement.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "libs/base/hash.h"
#include "libs/base/text.h"

namespace regulars {
namespace {

// Golden values: they place data that already lies in topics and stores.
TEST(PlacementTest, GoldenValues) {
  EXPECT_EQ(ShardOfPool("cofco", 64), 41);
  EXPECT_EQ(ShardOfPool("tea", 64), 4);
}

TEST(PlacementTest, APoolThatIsKeptTogetherHasOneShardAndTheOthersAreSpread) {
  const Placement placement(64, {"near"});
  std::set<int32_t> near_shards, far_shards;
  for (int i = 0; i < 1000; ++i) {
    const std::string entity = Cat("m_", i);
    near_shards.insert(placement.ShardOf("near", entity));
    far_shards.insert(placement.ShardOf("far", entity));
    EXPECT_EQ(placement.ShardOf("far", entity), ShardOf(Bucket("far", entity), 64));
  }
  EXPECT_EQ(near_shards, std::set<int32_t>{ShardOfPool("near", 64)});
  EXPECT_EQ(far_shards.size(), 64u);
}

TEST(PlacementTest, PoolsThatAreKeptTogetherAreNotAllInTheSameShard) {
  std::set<int32_t> shards;
  for (int i = 0; i < 100; ++i) shards.insert(ShardOfPool(Cat("pool-", i), 4));
  EXPECT_EQ(shards.size(), 4u);
}

}  // namespace
}  // namespace regulars
