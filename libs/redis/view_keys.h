// Names of the view's keys, the hash tags that place shards on Redis Cluster slots, and the checks
// of a call's limits that both implementations share. Pure functions, safe from any thread.
#ifndef REGULARS_LIBS_REDIS_VIEW_KEYS_H_
#define REGULARS_LIBS_REDIS_VIEW_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/redis/view.h"

namespace regulars::redis {

inline constexpr int32_t kSlotCount = 16384;
inline constexpr std::string_view kMetaName = "meta";

// The Redis Cluster slot of a key: CRC16 (XMODEM) of the text between the first '{' and the next
// '}' if that is not empty, else of the whole key. Source: Redis cluster specification, "Hash
// tags".
int32_t HashSlot(std::string_view key);

// A short text whose slot is shard * 16384 / shard_count, different for every (shard, shard_count),
// so that the views of two generations of topics never share a key: "<shard>.<count>.<suffix>".
// The first call for a pair searches (about 16 thousand checksums), later ones look it up.
// 0 <= shard < shard_count <= kSlotCount.
std::string ShardTag(int32_t shard, int32_t shard_count);

// "r1:{tag}:<service>:". Meta is this + "meta"; a member key is this + generation + ':' + key.
std::string KeyPrefix(const ShardId& shard);
std::string MetaKey(const ShardId& shard);
std::string GenerationPrefix(const ShardId& shard, int64_t generation);

// The generation of a full key below `prefix`; nullopt for meta and foreign names.
std::optional<int64_t> GenerationOf(std::string_view prefix, std::string_view full_key);

// The limits of view.h.
bool ValidPosition(int64_t position);
bool ValidClaim(std::string_view log_id, int64_t epoch, int64_t generation, int64_t applied);
bool ValidApply(const std::vector<ApplyRequest>& requests);

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_VIEW_KEYS_H_
