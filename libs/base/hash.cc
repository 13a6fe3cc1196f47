#include "libs/base/hash.h"

#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "libs/base/assert.h"

namespace regulars {

uint64_t Xxh3(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

int32_t Bucket(std::string_view pool, std::string_view key) {
  std::string text;
  text.reserve(pool.size() + 1 + key.size());
  text.append(pool);
  text.push_back('\0');
  text.append(key);
  return static_cast<int32_t>(Xxh3(text) % static_cast<uint64_t>(kBucketCount));
}

int32_t ShardOf(int32_t bucket, int32_t shard_count) {
  REGULARS_ASSERT(bucket >= 0 && bucket < kBucketCount, "bucket out of range");
  REGULARS_ASSERT(shard_count >= 1 && shard_count <= kBucketCount, "shard count out of range");
  return bucket * shard_count / kBucketCount;  // < 2^24: cannot overflow
}

}  // namespace regulars
