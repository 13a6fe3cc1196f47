#include "libs/shard/entity_state.h"

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::shard {
namespace {

std::string Unwrap(const std::string& bytes) {
  runtime::v1::StateValue wrapped;
  REGULARS_ASSERT(wrapped.ParseFromString(bytes), "a state value is garbled");
  return std::move(*wrapped.mutable_value());
}

}  // namespace

StoreEntityState::StoreEntityState(const ShardStore* store, std::string_view pool,
                                   std::string_view entity)
    : store_(store), pool_(pool), entity_(entity), key_prefix_(StateKey(pool, entity, "")) {}

std::optional<std::string> StoreEntityState::Get(std::string_view sub) const {
  const auto bytes = store_->Get(Cat(key_prefix_, sub));
  if (!bytes) return std::nullopt;
  return Unwrap(*bytes);
}

std::optional<std::pair<std::string, std::string>> StoreEntityState::Next(
    std::string_view prefix, std::string_view from) const {
  auto next = store_->Next(Cat(key_prefix_, prefix), Cat(key_prefix_, from));
  if (!next) return std::nullopt;
  return std::make_pair(next->first.substr(key_prefix_.size()), Unwrap(next->second));
}

std::optional<int64_t> StoreEntityState::Timer(std::string_view name) const {
  return store_->TimerOf(pool_, entity_, name);
}

}  // namespace regulars::shard
