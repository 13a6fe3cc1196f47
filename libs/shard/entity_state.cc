#include "libs/shard/entity_state.h"

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::shard {
namespace {

// Nothing when the value expired before `now_us`.
std::optional<std::string> Unwrap(const std::string& bytes, int64_t now_us) {
  runtime::v1::StateValue wrapped;
  REGULARS_ASSERT(wrapped.ParseFromString(bytes), "a state value is garbled");
  if (wrapped.expires_at_us() > 0 && wrapped.expires_at_us() < now_us) return std::nullopt;
  return std::move(*wrapped.mutable_value());
}

}  // namespace

StoreEntityState::StoreEntityState(const ShardStore* store, std::string_view pool,
                                   std::string_view entity, int64_t now_us)
    : store_(store),
      pool_(pool),
      entity_(entity),
      now_us_(now_us),
      key_prefix_(StateKey(pool, entity, "")) {}

std::optional<std::string> StoreEntityState::Get(std::string_view sub) const {
  const auto bytes = store_->Get(Cat(key_prefix_, sub));
  if (!bytes) return std::nullopt;
  return Unwrap(*bytes, now_us_);
}

std::optional<std::pair<std::string, std::string>> StoreEntityState::Next(
    std::string_view prefix, std::string_view from) const {
  std::string lower = Cat(key_prefix_, from);
  while (auto next = store_->Next(Cat(key_prefix_, prefix), lower)) {
    if (next->first[key_prefix_.size()] == kRuntimeSub) {
      lower = Cat(key_prefix_, std::string(1, static_cast<char>(kRuntimeSub + 1)));
      continue;
    }
    if (auto value = Unwrap(next->second, now_us_)) {
      return std::make_pair(next->first.substr(key_prefix_.size()), *std::move(value));
    }
    lower = next->first + '\x01';  // no key part holds a byte below it
  }
  return std::nullopt;
}

std::optional<int64_t> StoreEntityState::Timer(std::string_view name) const {
  return store_->TimerOf(pool_, entity_, name);
}

}  // namespace regulars::shard
