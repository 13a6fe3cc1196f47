// Where a key lives. bucket = xxh3_64(pool, one zero byte, key) mod 4096; shard = bucket * S / 4096
// (integer division), so that a generation with another S regroups whole buckets and rehashes
// nothing. The function is part of the data on disk: golden values in hash_test.cc pin it.
#ifndef REGULARS_LIBS_BASE_HASH_H_
#define REGULARS_LIBS_BASE_HASH_H_

#include <cstdint>
#include <string_view>

namespace regulars {

inline constexpr int32_t kBucketCount = 4096;

// XXH3, 64 bits, seed 0.
[[nodiscard]] uint64_t Xxh3(std::string_view bytes);

// In [0, kBucketCount). A pool name holds no zero byte, so two (pool, key) pairs never collide by
// concatenation.
[[nodiscard]] int32_t Bucket(std::string_view pool, std::string_view key);

// In [0, shard_count). `shard_count` must be in [1, kBucketCount].
[[nodiscard]] int32_t ShardOf(int32_t bucket, int32_t shard_count);

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_HASH_H_
