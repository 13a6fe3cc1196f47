// The worker's part in the rounds of settling.h.
#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "libs/shard/worker.h"

namespace regulars::shard {

bool Worker::IsLoop(std::string_view topic) const {
  return std::any_of(loops_.begin(), loops_.end(),
                     [&](const Loop& loop) { return loop.topic == topic; });
}

void Worker::NoteLoopMessage(Shard* shard, std::string_view pool, int64_t time_us) {
  const auto found = options_.pools.find(std::string(pool));
  if (found->second != PoolClock::kEvent) return;
  shard->open.settlings[found->first].NoteApplied(time_us);
}

void Worker::ApplyMarker(Shard* shard, const runtime::v1::ClockAdvanced& marker,
                         std::string_view topic, std::string_view producer) {
  shard->open.settlings[marker.pool()].Take(
      {std::string(topic), std::string(producer)},
      {marker.round(), marker.clock_us(), marker.least_applied_us()});
}

void Worker::AdvanceRounds(Shard* shard, const std::string& pool) {
  if (loops_.empty()) return;
  const auto marker = shard->open.settlings[pool].Advance(everybody_, PromisedClock(*shard, pool));
  if (!marker) return;
  shard->touched = true;
  runtime::v1::ClockAdvanced clock;
  clock.set_pool(pool);
  clock.set_clock_us(marker->clock_us);
  clock.set_producing_shard(Cat(shard->id));
  clock.set_round(marker->round);
  clock.set_least_applied_us(marker->least_applied_us);
  const std::string id = Cat("round/", pool, "/", shard->id, "/", marker->round);
  for (const Loop& loop : loops_) OutputClock(shard, clock, loop.kind, id);
}

}  // namespace regulars::shard
