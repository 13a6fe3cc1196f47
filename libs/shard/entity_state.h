// EntityState over a shard's store: what a program sees of one entity. Lives as long as the input.
#ifndef REGULARS_LIBS_SHARD_ENTITY_STATE_H_
#define REGULARS_LIBS_SHARD_ENTITY_STATE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/shard/kernel.h"
#include "libs/shard/shard_store.h"

namespace regulars::shard {

class StoreEntityState : public EntityState {
 public:
  StoreEntityState(const ShardStore* store, const Input& input)
      : StoreEntityState(store, input.pool, input.entity, input.now_us) {}
  // A value whose expiry lies before `now_us` is absent, whether or not it was deleted yet.
  StoreEntityState(const ShardStore* store, std::string_view pool, std::string_view entity,
                   int64_t now_us);

  std::optional<std::string> Get(std::string_view sub) const override;
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override;
  std::optional<int64_t> Timer(std::string_view name) const override;

 private:
  const ShardStore* store_;
  std::string pool_, entity_;
  int64_t now_us_;
  std::string key_prefix_;  // StateKey of the root
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_ENTITY_STATE_H_
