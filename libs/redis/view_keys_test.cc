#include "libs/redis/view_keys.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace regulars::redis {
namespace {

TEST(HashSlot, IsTheOneOfTheClusterSpecification) {
  EXPECT_EQ(HashSlot("123456789"), 0x31C3);  // the specification's reference value
  EXPECT_EQ(HashSlot("foo{bar}baz"), HashSlot("bar"));
  EXPECT_EQ(HashSlot("{user1000}.following"), HashSlot("{user1000}.followers"));
  EXPECT_NE(HashSlot("foo{}{bar}"), HashSlot("bar"));  // an empty tag is no tag
  EXPECT_EQ(HashSlot("foo{{bar}}zap"), HashSlot("{bar"));
}

class Tags : public testing::TestWithParam<int32_t> {};

TEST_P(Tags, SpreadShardsEvenlyOverTheSlots) {
  const int32_t count = GetParam();
  std::set<std::string> texts;
  for (int32_t shard = 0; shard < count; ++shard) {
    const std::string tag = ShardTag(shard, count);
    EXPECT_EQ(HashSlot(tag), shard * kSlotCount / count) << tag;
    EXPECT_EQ(HashSlot(MetaKey({"points", shard, count})), HashSlot(tag));
    EXPECT_EQ(HashSlot(GenerationPrefix({"points", shard, count}, 7) + "a{b}"), HashSlot(tag));
    EXPECT_TRUE(texts.insert(tag).second) << tag;
  }
}
INSTANTIATE_TEST_SUITE_P(Counts, Tags, testing::Values(1, 3, 4, 64, 512));

TEST(Tags, DifferBetweenShardCountsThoughTheSlotIsTheSame) {
  EXPECT_NE(ShardTag(0, 4), ShardTag(0, 64));
  EXPECT_EQ(HashSlot(ShardTag(1, 4)), HashSlot(ShardTag(16, 64)));
}

// The texts are part of the keys on disk: a change of the search would orphan every view.
TEST(Tags, AreStableForEver) {
  EXPECT_EQ(ShardTag(0, 4), "0.4.v37");
  EXPECT_EQ(ShardTag(5, 64), "5.64.vip");
}

TEST(Keys, NameServiceGenerationAndKey) {
  const ShardId shard{"points", 5, 64};
  const std::string prefix = KeyPrefix(shard);
  EXPECT_EQ(prefix, "r1:{" + ShardTag(5, 64) + "}:points:");
  EXPECT_EQ(MetaKey(shard), prefix + "meta");
  EXPECT_EQ(GenerationPrefix(shard, 12), prefix + "12:");
  EXPECT_EQ(GenerationOf(prefix, prefix + "12:key:9"), 12);
  EXPECT_EQ(GenerationOf(prefix, prefix + "12:"), 12);
  EXPECT_EQ(GenerationOf(prefix, prefix + "meta"), std::nullopt);
  EXPECT_EQ(GenerationOf(prefix, prefix + "12"), std::nullopt);
  EXPECT_EQ(GenerationOf(prefix, "r1:{x}:points:12:key"), std::nullopt);
}

ApplyRequest Request(int64_t from, int64_t to) {
  return {.epoch = 5, .generation = 1, .from = from, .to = to, .ops = {}};
}

TEST(Limits, OneAboveIsRefused) {
  EXPECT_TRUE(ValidClaim(std::string(kLogIdBytesMax, 'x'), kPositionMax, 0, 0));
  EXPECT_FALSE(ValidClaim(std::string(kLogIdBytesMax + 1, 'x'), 1, 1, 1));
  EXPECT_FALSE(ValidClaim("log", kPositionMax + 1, 1, 1));
  EXPECT_FALSE(ValidClaim("log", 1, -1, 1));
  ApplyRequest request = Request(0, 1);
  request.ops.assign(kApplyKeysMax, ViewOp{.key = "k", .value = "v"});
  EXPECT_TRUE(ValidApply({request}));
  request.ops.push_back({.key = "k", .value = std::nullopt});
  EXPECT_FALSE(ValidApply({request}));
  request.ops = {{.key = "key", .value = std::string(kApplyBytesMax - 3, 'v')}};
  EXPECT_TRUE(ValidApply({request}));
  request.ops[0].value->push_back('v');
  EXPECT_FALSE(ValidApply({request}));
}

TEST(Limits, RequestsOfOneCallFormAChain) {
  EXPECT_TRUE(ValidApply({}));
  EXPECT_TRUE(ValidApply({Request(0, 1), Request(1, 1), Request(1, 4)}));
  EXPECT_FALSE(ValidApply({Request(0, 1), Request(2, 3)}));
  EXPECT_FALSE(ValidApply({Request(1, 0)}));
  ApplyRequest other = Request(1, 2);
  other.epoch = 6;
  EXPECT_FALSE(ValidApply({Request(0, 1), other}));
  other = Request(1, 2);
  other.generation = 2;
  EXPECT_FALSE(ValidApply({Request(0, 1), other}));
}

}  // namespace
}  // namespace regulars::redis
