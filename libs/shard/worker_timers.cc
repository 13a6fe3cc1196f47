// The clocks of the pools, timers and expiry.
#include <algorithm>
#include <limits>
#include <utility>

#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
namespace {

// Work done per turn beside the inputs, so that neither starves the other.
constexpr int kTimersPerTurn = 2000;
constexpr int kExpiriesPerTurn = 1000;

}  // namespace

using runtime::v1::ClockAdvanced;

int64_t Worker::NowFor(Shard* shard, const std::string& pool, int64_t own_time_us) {
  int64_t& now = shard->open.pool_now[pool];
  if (options_.pools.at(pool) == PoolClock::kLive) {
    now = std::max(now, batch_wall_us_);
    return now;
  }
  return std::max(now, own_time_us);
}

int64_t Worker::PromisedClock(const Shard& shard, const std::string& pool) const {
  // The minimum over every channel that is expected to exist.
  int64_t promised = std::numeric_limits<int64_t>::max();
  for (const InputTopic& input : program_->inputs()) {
    if (input.clock_channels < 0) continue;
    const int count = input.clock_channels == 0 ? 1 : options_.shard_count;
    for (int i = 0; i < count; ++i) {
      const std::string producer =
          input.clock_channels == 0 ? std::string(events::kIngestShard) : Cat(i);
      const auto it = shard.open.channels.find({pool, Topic(input.domain, input.kind), producer});
      promised = std::min(promised, it == shard.open.channels.end() ? 0 : it->second);
    }
  }
  return promised;
}

int64_t Worker::ClockTarget(const Shard& shard, const std::string& pool) const {
  const int64_t promised = PromisedClock(shard, pool);
  if (loops_.empty()) return promised;
  const auto rounds = shard.open.settlings.find(pool);
  return std::min(promised, rounds == shard.open.settlings.end() ? 0 : rounds->second.settled_us());
}

void Worker::AdvanceEventClocks() {
  for (const auto& [pool, mode] : options_.pools) {
    if (mode != PoolClock::kEvent) continue;
    for (auto& [id, shard] : shards_) {
      AdvanceRounds(shard.get(), pool);
      const int64_t target = ClockTarget(*shard, pool);
      if (target == std::numeric_limits<int64_t>::max() || target <= shard->open.pool_now[pool]) {
        continue;
      }
      int fired = 0;
      while (fired < kTimersPerTurn) {
        const auto due = shard->store->FirstDue(pool, target);
        if (!due) break;
        FireTimer(shard.get(), pool, *due, std::max(due->at_us, shard->open.pool_now[pool]));
        ApplyLocal(shard.get());
        ++fired;
      }
      batch_inputs_ += fired;
      if (fired == kTimersPerTurn) {  // the rest in the next turn
        more_timers_ = true;
        continue;
      }
      shard->open.pool_now[pool] = target;
      shard->touched = true;
      PublishClock(shard.get(), pool, target);
    }
  }
}

void Worker::PublishClock(Shard* shard, const std::string& pool, int64_t clock_us) {
  ClockAdvanced clock;
  clock.set_pool(pool);
  clock.set_clock_us(clock_us);
  clock.set_producing_shard(Cat(shard->id));
  const std::string id = Cat("clock/", pool, "/", shard->id, "/", clock_us);
  for (const std::string& kind : program_->clock_outputs()) OutputClock(shard, clock, kind, id);
}

void Worker::OutputClock(Shard* shard, const ClockAdvanced& clock, const std::string& kind,
                         const std::string& id) {
  const std::string source = events::SourceOf(service_);
  for (int32_t partition = 0; partition < options_.shard_count; ++partition) {
    kafka::OutRecord out;
    out.topic = Topic(service_, kind);
    out.partition = partition;
    out.key = clock.pool();
    out.value = clock.SerializeAsString();
    out.headers = events::ToHeaders({.type = events::kClockAdvanced,
                                     .id = id,
                                     .source = source,
                                     .subject = clock.pool(),
                                     .time_us = clock.clock_us(),
                                     .pool = clock.pool(),
                                     .shard = clock.producing_shard(),
                                     .traceparent = {}});
    Output(shard, std::move(out));
  }
}

void Worker::FireLiveTimers() {
  for (const auto& [pool, mode] : options_.pools) {
    for (auto& [id, shard] : shards_) {
      if (mode == PoolClock::kLive) {
        for (int fired = 0; fired < kTimersPerTurn; ++fired) {
          const auto due = shard->store->FirstDue(pool, batch_wall_us_);
          if (!due) break;
          ++batch_inputs_;
          FireTimer(shard.get(), pool, *due, NowFor(shard.get(), pool, 0));
          ApplyLocal(shard.get());
        }
      }
      const int64_t now = mode == PoolClock::kLive ? batch_wall_us_ : shard->open.pool_now[pool];
      if (shard->store->NextExpiryBound(pool) < now &&
          shard->store->ExpireStates(pool, now, kExpiriesPerTurn) > 0) {
        shard->touched = true;
      }
    }
  }
}

void Worker::FireOwnTimers(Shard* shard, const std::string& pool, const std::string& entity,
                           int64_t now_us) {
  if (options_.breaks.own_timers_first) return;
  const bool live = options_.pools.at(pool) == PoolClock::kLive;
  while (const auto due = shard->store->FirstDueOf(pool, entity, now_us)) {
    FireTimer(shard, pool, *due, live ? now_us : std::max(due->at_us, shard->open.pool_now[pool]));
  }
}

void Worker::FireTimer(Shard* shard, const std::string& pool, const ShardStore::DueTimer& due,
                       int64_t now_us) {
  if (ParkedKeyOf(shard, pool, due.entity) != nullptr) {
    // It stays set and counts when the key is redriven.
    shard->store->SnoozeTimer(pool, due);
    return;
  }
  shard->store->CancelTimer(pool, due.entity, due.name);
  shard->touched = true;
  Input input;
  input.kind = InputKind::kTimer;
  input.pool = pool;
  input.entity = due.entity;
  input.type = due.name;
  input.time_us = due.at_us;
  input.now_us = now_us;
  Effects effects = program_->Apply(StoreEntityState(shard->store.get(), input), input);
  if (FitsLog(effects)) return CarryOut(shard, input, std::move(effects));
  kafka::Record record;
  record.topic = kTimerTopic;
  record.partition = shard->id;
  record.offset = due.at_us;
  record.key = due.entity;
  SetAside(shard, record, pool, runtime::v1::DEAD_LETTER_CLASS_TOO_LARGE, kOutputTooLarge,
           due.name);
}

}  // namespace regulars::shard
