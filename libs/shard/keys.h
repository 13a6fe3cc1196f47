// Keys of a shard's changelog and local store. One byte of kind first; pool, entity, sub and timer
// name hold no zero byte, which is the separator; instants are big-endian so that byte order is
// time order.
//   s pool 0 entity 0 sub          state          (changelog + store)   StateValue
//   t pool 0 entity                timers         (changelog + store)   EntityTimers
//   d pool 0 at entity 0 name      due index      (store only)          empty
//   x pool 0 at state-key          expiry index   (store only)          empty
//   @shard                         ShardRecord    (changelog + store)
//   @position                      changelog offset of the next record to replay, decimal (store
//   only)
//   @broker_time                   broker time before which the store lacks nothing, decimal (store
//   only)
#ifndef REGULARS_LIBS_SHARD_KEYS_H_
#define REGULARS_LIBS_SHARD_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace regulars::shard {

inline constexpr std::string_view kShardKey = "@shard";
inline constexpr std::string_view kPositionKey = "@position";
inline constexpr std::string_view kBrokerTimeKey = "@broker_time";
// First byte of the subs that the runtime keeps with an entity. No program sees or writes them.
inline constexpr char kRuntimeSub = '@';
inline constexpr char kStateKind = 's';
inline constexpr char kTimersKind = 't';
inline constexpr char kDueKind = 'd';
inline constexpr char kExpiryKind = 'x';

[[nodiscard]] std::string StateKey(std::string_view pool, std::string_view entity,
                                   std::string_view sub);
[[nodiscard]] std::string TimersKey(std::string_view pool, std::string_view entity);
[[nodiscard]] std::string DueKey(std::string_view pool, int64_t at_us, std::string_view entity,
                                 std::string_view name);
[[nodiscard]] std::string ExpiryKey(std::string_view pool, int64_t at_us,
                                    std::string_view state_key);
// The first key of a pool's index at or after `at_us`.
[[nodiscard]] std::string IndexBound(char kind, std::string_view pool, int64_t at_us);
// The key after every key with this prefix, in byte order.
[[nodiscard]] std::string PrefixEnd(std::string_view prefix);

struct StateKeyParts {
  std::string_view pool, entity, sub;
};
// The argument must be a key made by StateKey (asserted).
[[nodiscard]] StateKeyParts ParseStateKey(std::string_view key);

struct TimersKeyParts {
  std::string_view pool, entity;
};
[[nodiscard]] TimersKeyParts ParseTimersKey(std::string_view key);

struct DueKeyParts {
  std::string_view pool, entity, name;
  int64_t at_us = 0;
};
[[nodiscard]] DueKeyParts ParseDueKey(std::string_view key);

struct ExpiryKeyParts {
  std::string_view pool, state_key;
  int64_t at_us = 0;
};
[[nodiscard]] ExpiryKeyParts ParseExpiryKey(std::string_view key);

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_KEYS_H_
