// In which shard a service keeps an entity: in the one of the entity's own bucket (hash.h), or, in
// a pool that it keeps together, in the one of the pool, whatever the entity. What is kept together
// has one writer, so its decisions are in one order; what is spread has as many as there are
// shards. Part of the data on disk, like the bucket: golden values in placement_test.cc pin it.
// Thread-safety: const.
#ifndef REGULARS_LIBS_BASE_PLACEMENT_H_
#define REGULARS_LIBS_BASE_PLACEMENT_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace regulars {

using PoolNames = std::set<std::string, std::less<>>;

// The shard of a pool that is kept together.
[[nodiscard]] int32_t ShardOfPool(std::string_view pool, int32_t shard_count);

class Placement {
 public:
  // `shard_count` as in ShardOf. `together`: pools whose entities are all in one shard.
  explicit Placement(int32_t shard_count, PoolNames together = {});

  [[nodiscard]] int32_t ShardOf(std::string_view pool, std::string_view entity) const;
  [[nodiscard]] int32_t shard_count() const { return shard_count_; }

 private:
  int32_t shard_count_;
  PoolNames together_;
};

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_PLACEMENT_H_
