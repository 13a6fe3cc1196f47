#include "libs/shard/shard_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::shard {
namespace {

using runtime::v1::EntityTimer;
using runtime::v1::EntityTimers;
using runtime::v1::StateValue;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

EntityTimers ParseTimers(const std::optional<std::string>& bytes) {
  EntityTimers timers;
  if (bytes) REGULARS_ASSERT(timers.ParseFromString(*bytes), "timers of an entity do not parse");
  return timers;
}

}  // namespace

ShardStore::ShardStore(std::unique_ptr<store::Store> store, size_t cache_keys_max)
    : store_(std::move(store)), cache_keys_max_(cache_keys_max) {
  const auto record = store_->Get(kShardKey);
  const auto position = store_->Get(kPositionKey);
  const auto broker_time = store_->Get(kBrokerTimeKey);
  for (const absl::Status& status : {record.status(), position.status(), broker_time.status()}) {
    status_.Update(status);
  }
  if (!status_.ok()) return;
  if (*record) {
    stored_record_.emplace();
    REGULARS_ASSERT(stored_record_->ParseFromString(**record), "@shard of the store is garbled");
  }
  if (*position) {
    REGULARS_ASSERT(absl::SimpleAtoi(AbslView(**position), &position_),
                    "@position of the store is garbled");
  }
  if (*broker_time) {
    REGULARS_ASSERT(absl::SimpleAtoi(AbslView(**broker_time), &broker_time_us_),
                    "@broker_time of the store is garbled");
  }
}

std::optional<std::string> ShardStore::Get(const std::string& key) const {
  if (const auto it = overlay_.find(key); it != overlay_.end()) return it->second;
  if (const auto it = young_.find(key); it != young_.end()) return it->second;
  if (const auto it = old_.find(key); it != old_.end()) {
    std::optional<std::string> value = std::move(it->second);
    old_.erase(it);
    CacheSet(key, value);
    return value;
  }
  auto value = store_->Get(key);
  if (!value.ok()) {
    status_ = value.status();
    return std::nullopt;
  }
  if (*value || key[0] == kTimersKind) CacheSet(key, *value);
  return *std::move(value);
}

void ShardStore::CacheSet(const std::string& key, std::optional<std::string> value) const {
  young_[key] = std::move(value);
  if (young_.size() >= cache_keys_max_) {
    old_ = std::move(young_);
    young_.clear();
  }
}

std::optional<std::pair<std::string, std::string>> ShardStore::Next(std::string_view prefix,
                                                                    std::string_view from) const {
  std::string lower(std::max(prefix, from));
  const std::string end = PrefixEnd(prefix);
  // The store's next key that the open batch has not touched.
  std::optional<std::pair<std::string, std::string>> stored;
  const absl::Status scanned =
      store_->Scan(lower, end, [&](std::string_view key, std::string_view value) {
        if (overlay_.contains(std::string(key))) return true;
        stored.emplace(key, value);
        return false;
      });
  if (!scanned.ok()) {
    status_ = scanned;
    return std::nullopt;
  }
  for (auto it = overlay_.lower_bound(lower); it != overlay_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (stored && stored->first < it->first) break;
    if (it->second) return std::make_pair(it->first, *it->second);
  }
  return stored;
}

ShardStore::Bounds& ShardStore::BoundsOf(std::string_view pool) {
  const auto it = bounds_.find(pool);
  if (it != bounds_.end()) return it->second;
  return bounds_
      .emplace(std::string(pool),
               Bounds{IndexBound(kDueKind, pool, 0), IndexBound(kExpiryKind, pool, 0)})
      .first->second;
}

void ShardStore::PutRaw(std::string key, std::optional<std::string> value) {
  overlay_.insert_or_assign(std::move(key), std::move(value));
}

void ShardStore::PutState(std::string_view pool, std::string_view entity, std::string_view sub,
                          std::string_view value, int64_t expires_at_us) {
  REGULARS_ASSERT(value.size() <= kStateBytesMax, "a state value is above its limit");
  REGULARS_ASSERT(sub.size() <= kSubBytesMax, "a state key is above its limit");
  StateValue wrapped;
  wrapped.set_value(value.data(), value.size());
  wrapped.set_expires_at_us(expires_at_us);
  std::string key = StateKey(pool, entity, sub);
  if (expires_at_us > 0) {
    std::string index = ExpiryKey(pool, expires_at_us, key);
    Bounds& bounds = BoundsOf(pool);
    if (index < bounds.expiry_floor) bounds.expiry_floor = index;
    PutRaw(std::move(index), "");
  }
  PutRaw(std::move(key), wrapped.SerializeAsString());
}

void ShardStore::DeleteState(std::string_view pool, std::string_view entity, std::string_view sub) {
  PutRaw(StateKey(pool, entity, sub), std::nullopt);
}

void ShardStore::IndexTimers(std::string_view pool, std::string_view entity, const std::string& key,
                             const std::optional<std::string>& next) {
  const EntityTimers before = ParseTimers(Get(key));
  for (const EntityTimer& timer : before.timers()) {
    PutRaw(DueKey(pool, timer.at_us(), entity, timer.name()), std::nullopt);
  }
  Bounds& bounds = BoundsOf(pool);
  const EntityTimers after = ParseTimers(next);
  for (const EntityTimer& timer : after.timers()) {
    std::string due = DueKey(pool, timer.at_us(), entity, timer.name());
    if (due < bounds.due_floor) bounds.due_floor = due;
    PutRaw(std::move(due), "");
  }
}

void ShardStore::SetTimer(std::string_view pool, std::string_view entity, std::string_view name,
                          int64_t at_us) {
  const std::string key = TimersKey(pool, entity);
  EntityTimers timers = ParseTimers(Get(key));
  auto* list = timers.mutable_timers();
  const auto it = std::find_if(list->begin(), list->end(),
                               [&](const EntityTimer& timer) { return timer.name() >= name; });
  if (it != list->end() && it->name() == name) {
    if (it->at_us() == at_us) return;
    it->set_at_us(at_us);
  } else {
    const auto index = static_cast<int>(it - list->begin());
    EntityTimer* added = list->Add();
    added->set_name(name.data(), name.size());
    added->set_at_us(at_us);
    for (int i = list->size() - 1; i > index; --i) list->SwapElements(i, i - 1);
  }
  REGULARS_ASSERT(list->size() <= static_cast<int>(kTimersPerEntityMax),
                  "an entity has too many timers");
  std::string bytes = timers.SerializeAsString();
  IndexTimers(pool, entity, key, bytes);
  PutRaw(key, std::move(bytes));
}

void ShardStore::CancelTimer(std::string_view pool, std::string_view entity,
                             std::string_view name) {
  const std::string key = TimersKey(pool, entity);
  EntityTimers timers = ParseTimers(Get(key));
  auto* list = timers.mutable_timers();
  const auto it = std::find_if(list->begin(), list->end(),
                               [&](const EntityTimer& timer) { return timer.name() == name; });
  if (it == list->end()) return;
  list->erase(it);
  std::optional<std::string> bytes;
  if (!list->empty()) bytes = timers.SerializeAsString();
  IndexTimers(pool, entity, key, bytes);
  PutRaw(key, std::move(bytes));
}

void ShardStore::SnoozeTimer(std::string_view pool, const DueTimer& due) {
  PutRaw(DueKey(pool, due.at_us, due.entity, due.name), std::nullopt);
}

void ShardStore::WakeTimers(std::string_view pool, std::string_view entity) {
  const std::string key = TimersKey(pool, entity);
  const auto bytes = Get(key);
  if (bytes) IndexTimers(pool, entity, key, bytes);
}

std::optional<ShardStore::DueTimer> ShardStore::FirstDue(const std::string& pool, int64_t now_us) {
  if (NextDueBound(pool) > now_us) return std::nullopt;
  Bounds& bounds = BoundsOf(pool);
  const std::string prefix = Cat("d", pool, std::string_view("\0", 1));
  const auto first = Next(prefix, bounds.due_floor);
  bounds.due_floor = first ? first->first : IndexBound(kDueKind, pool, kNever);
  if (!first) return std::nullopt;
  const DueKeyParts parts = ParseDueKey(first->first);
  if (parts.at_us > now_us) return std::nullopt;
  return DueTimer{std::string(parts.entity), std::string(parts.name), parts.at_us};
}

std::optional<ShardStore::DueTimer> ShardStore::FirstDueOf(std::string_view pool,
                                                           std::string_view entity,
                                                           int64_t now_us) const {
  const EntityTimers timers = ParseTimers(Get(TimersKey(pool, entity)));
  const EntityTimer* best = nullptr;
  for (const EntityTimer& timer : timers.timers()) {
    if (timer.at_us() <= now_us && (best == nullptr || timer.at_us() < best->at_us())) {
      best = &timer;
    }
  }
  if (best == nullptr) return std::nullopt;
  return DueTimer{std::string(entity), best->name(), best->at_us()};
}

std::optional<int64_t> ShardStore::TimerOf(std::string_view pool, std::string_view entity,
                                           std::string_view name) const {
  const EntityTimers timers = ParseTimers(Get(TimersKey(pool, entity)));
  for (const EntityTimer& timer : timers.timers()) {
    if (timer.name() == name) return timer.at_us();
  }
  return std::nullopt;
}

int64_t ShardStore::NextDueBound(const std::string& pool) {
  const std::string& floor = BoundsOf(pool).due_floor;
  // A floor is either an index bound or a whole key; the instant stands at the same place.
  const size_t start = 1 + pool.size() + 1;
  uint64_t at = 0;
  for (size_t i = 0; i < 8; ++i) at = (at << 8) | static_cast<unsigned char>(floor[start + i]);
  return static_cast<int64_t>(at);
}

int64_t ShardStore::NextExpiryBound(const std::string& pool) {
  const std::string& floor = BoundsOf(pool).expiry_floor;
  const size_t start = 1 + pool.size() + 1;
  uint64_t at = 0;
  for (size_t i = 0; i < 8; ++i) at = (at << 8) | static_cast<unsigned char>(floor[start + i]);
  return static_cast<int64_t>(at);
}

int ShardStore::ExpireStates(const std::string& pool, int64_t now_us, int limit) {
  Bounds& bounds = BoundsOf(pool);
  const std::string prefix = Cat("x", pool, std::string_view("\0", 1));
  int expired = 0;
  while (expired < limit && NextExpiryBound(pool) < now_us) {
    const auto first = Next(prefix, bounds.expiry_floor);
    bounds.expiry_floor = first ? first->first : IndexBound(kExpiryKind, pool, kNever);
    if (!first) break;
    const ExpiryKeyParts parts = ParseExpiryKey(first->first);
    if (parts.at_us >= now_us) break;
    PutRaw(first->first, std::nullopt);
    // The value may have been written again with a later expiry: only its own instant counts.
    const std::string key(parts.state_key);
    if (const auto bytes = Get(key)) {
      StateValue value;
      REGULARS_ASSERT(value.ParseFromString(*bytes), "a state value is garbled");
      if (value.expires_at_us() == parts.at_us) PutRaw(key, std::nullopt);
    }
    ++expired;
  }
  return expired;
}

bool ShardStore::has_changelog_changes() const {
  const auto it = overlay_.lower_bound(std::string(1, kStateKind));
  return it != overlay_.end() && it->first[0] <= kTimersKind;
}

void ShardStore::Discard() {
  overlay_.clear();
  bounds_.clear();
}

absl::Status ShardStore::WriteOverlay(const ShardRecord& record, int64_t position,
                                      int64_t broker_time_us) {
  std::vector<store::Op> batch;
  batch.reserve(overlay_.size() + 3);
  for (const auto& [key, value] : overlay_) batch.push_back({key, value});
  batch.push_back({std::string(kShardKey), record.SerializeAsString()});
  batch.push_back({std::string(kPositionKey), Cat(position)});
  batch.push_back({std::string(kBrokerTimeKey), Cat(broker_time_us)});
  if (absl::Status written = store_->Write(batch); !written.ok()) return written;
  position_ = position;
  broker_time_us_ = broker_time_us;
  stored_record_ = record;
  return absl::OkStatus();
}

absl::Status ShardStore::Commit(const ShardRecord& record, int64_t position,
                                int64_t broker_time_us) {
  if (absl::Status written = WriteOverlay(record, position, broker_time_us); !written.ok()) {
    return written;
  }
  // Most keys are written once and never read by the loop: only what was read before is kept.
  for (auto& [key, value] : overlay_) {
    if (const auto it = young_.find(key); it != young_.end()) {
      it->second = std::move(value);
    } else if (const auto aged = old_.find(key); aged != old_.end()) {
      aged->second = std::move(value);
    }
  }
  overlay_.clear();
  return absl::OkStatus();
}

void ShardStore::Restore(std::string_view key, std::optional<std::string_view> value) {
  REGULARS_ASSERT(!key.empty(), "a changelog record without a key");
  std::optional<std::string> next;
  if (value) next.emplace(*value);
  restore_bytes_ += key.size() + (value ? value->size() : 0);
  if (key[0] == kTimersKind) {
    const TimersKeyParts parts = ParseTimersKey(key);
    IndexTimers(parts.pool, parts.entity, std::string(key), next);
  } else {
    REGULARS_ASSERT(key[0] == kStateKind, "a changelog record of unknown kind");
    StateValue state;
    if (next) REGULARS_ASSERT(state.ParseFromString(*next), "a changelog value is garbled");
    if (state.expires_at_us() > 0) {
      PutRaw(ExpiryKey(ParseStateKey(key).pool, state.expires_at_us(), key), "");
    }
  }
  PutRaw(std::string(key), std::move(next));
}

absl::Status ShardStore::FlushRestore(const ShardRecord& record, int64_t position,
                                      int64_t broker_time_us) {
  if (!status_.ok()) return status_;
  absl::Status written = WriteOverlay(record, position, broker_time_us);
  overlay_.clear();
  restore_bytes_ = 0;
  bounds_.clear();
  young_.clear();
  old_.clear();
  return written;
}

}  // namespace regulars::shard
