#include "libs/base/placement.h"

#include <utility>

#include "libs/base/hash.h"

namespace regulars {
namespace {

// No entity has this name.
constexpr std::string_view kPoolKey = "@pool";

}  // namespace

int32_t ShardOfPool(std::string_view pool, int32_t shard_count) {
  return regulars::ShardOf(Bucket(pool, kPoolKey), shard_count);
}

Placement::Placement(int32_t shard_count, PoolNames together)
    : shard_count_(shard_count), together_(std::move(together)) {}

int32_t Placement::ShardOf(std::string_view pool, std::string_view entity) const {
  if (!together_.empty() && together_.contains(pool)) return ShardOfPool(pool, shard_count_);
  return regulars::ShardOf(Bucket(pool, entity), shard_count_);
}

}  // namespace regulars
