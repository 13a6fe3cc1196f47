#include "tests/sim/poison.h"

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "tests/sim/world.h"

namespace regulars::sim {
namespace {

constexpr int64_t kSeedsPerMille = 200;
constexpr int64_t kTimersPerMille = 300;
constexpr int64_t kEarlyPerMille = 400;
constexpr int64_t kLatePerMille = 400;

bool Hits(uint64_t hash, int64_t per_mille) {
  return static_cast<int64_t>(hash % 1000) < per_mille;
}

}  // namespace

Poison::Poison(uint64_t seed, int services) : salt_(Xxh3(Cat("poison/", seed))), rng_(salt_) {
  on_ = rng_.PerMille(kSeedsPerMille);
  service_ = static_cast<int>(rng_.Below(services));
  keys_per_mille_ = rng_.Between(100, 700);
  inputs_per_mille_ = rng_.Between(50, 500);
  timers_too_ = rng_.PerMille(kTimersPerMille);
  if (rng_.PerMille(kEarlyPerMille)) mended_at_turn_ = rng_.Between(500, 4000);
  mended_late_ = rng_.PerMille(kLatePerMille);
}

// Of live pools alone: in a replayed one the clock goes on without a parked key, and what is
// redriven later than it was promised is judged by the later clock.
bool Poison::Bad(const shard::Input& input) const {
  if (!on_ || mended_ || input.pool != kLivePool) return false;
  if (input.kind == shard::InputKind::kTimer && !timers_too_) return false;
  const std::string key = Cat(salt_, "/", input.pool, "/", input.entity);
  return Hits(Xxh3(key), keys_per_mille_) &&
         Hits(Xxh3(Cat(key, "/", input.type, "/", input.id)), inputs_per_mille_);
}

void Poison::Meet(const shard::Input& input) {
  if (!Bad(input)) return;
  const Key key{input.pool, input.entity};
  crashed_.insert(key);
  inputs_.insert(Cat(input.pool, "/", input.entity, "/", input.type, "/", input.id));
  if (input.kind == shard::InputKind::kTimer) timers_.insert(key);
  if (input.kind == shard::InputKind::kRecord) {
    records_.emplace(input.topic, input.partition, input.offset);
  }
  throw PoisonMet();
}

}  // namespace regulars::sim
