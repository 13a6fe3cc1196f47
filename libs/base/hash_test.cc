#include "libs/base/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace regulars {
namespace {

// Golden values: they place data that already lies in topics and stores. A change here is a
// migration.
TEST(HashTest, GoldenValues) {
  EXPECT_EQ(Xxh3(""),
            0x2d06800538d394c2U);  // XXH3_64bits of no input, seed 0 (xxHash specification)
  EXPECT_EQ(Bucket("cofco", "m_1"), 4027);
  EXPECT_EQ(Bucket("cofco", ""), 1920);
  EXPECT_EQ(Bucket("", "cofco"), 1721);
}

TEST(HashTest, PoolAndKeyDoNotRunIntoEachOther) { EXPECT_NE(Bucket("ab", "c"), Bucket("a", "bc")); }

TEST(HashTest, ShardsCoverTheBucketsInOrderAndEvenly) {
  for (const int32_t shard_count : {1, 3, 4, 64, 4096}) {
    std::vector<int> buckets(static_cast<std::size_t>(shard_count), 0);
    int32_t last = 0;
    for (int32_t bucket = 0; bucket < kBucketCount; ++bucket) {
      const int32_t shard = ShardOf(bucket, shard_count);
      ASSERT_GE(shard, last);
      ASSERT_LT(shard, shard_count);
      last = shard;
      ++buckets[static_cast<std::size_t>(shard)];
    }
    for (const int count : buckets) {
      EXPECT_GE(count, kBucketCount / shard_count);
      EXPECT_LE(count, kBucketCount / shard_count + 1);
    }
  }
}

TEST(HashDeathTest, OutOfRange_Aborts) {
  EXPECT_DEATH((void)ShardOf(kBucketCount, 4), "bucket out of range");
  EXPECT_DEATH((void)ShardOf(-1, 4), "bucket out of range");
  EXPECT_DEATH((void)ShardOf(0, 0), "shard count out of range");
  EXPECT_DEATH((void)ShardOf(0, kBucketCount + 1), "shard count out of range");
}

TEST(HashTest, MembersSpreadOverShards) {
  std::vector<int> members(4, 0);
  for (int i = 0; i < 40'000; ++i) {
    ++members[static_cast<std::size_t>(ShardOf(Bucket("pool", absl::StrCat("m_", i)), 4))];
  }
  for (const int count : members) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace regulars
