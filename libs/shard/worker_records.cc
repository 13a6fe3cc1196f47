// Records of the input topics, and what is set aside of them.
#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {

using runtime::v1::ClockAdvanced;

void Worker::ApplyRecord(const kafka::Record& record) {
  const auto it = shards_.find(record.partition);
  if (it == shards_.end()) return;  // fetched before the shard was given up
  Shard* shard = it->second.get();
  const std::string topic(record.topic);
  int64_t& position = shard->open.positions[topic];
  if (record.offset < position) return;
  position = record.offset + 1;
  shard->touched = true;
  ++batch_inputs_;
  if (record.timestamp_us > 0 &&
      (batch_oldest_us_ == 0 || record.timestamp_us < batch_oldest_us_)) {
    batch_oldest_us_ = record.timestamp_us;
  }
  NoteOwnRead(shard, record);
  ApplyEvent(shard, record);
  ApplyLocal(shard);
}

std::string Worker::ApplyEvent(Shard* shard, const kafka::Record& record) {
  const auto event = events::FromHeaders(record.headers);
  if (!event.ok()) {
    return SetAside(shard, record, "", runtime::v1::DEAD_LETTER_CLASS_UNREADABLE,
                    ReasonOf(event.status()), StdView(event.status().message()));
  }
  if (!options_.pools.contains(std::string(event->pool))) {
    return SetAside(shard, record, event->pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED,
                    "POOL_UNKNOWN", "the pool is not configured here");
  }
  if (event->type == events::kClockAdvanced) {
    ApplyClock(shard, record, event->shard);
    return "";
  }
  if (IsLoop(record.topic)) NoteLoopMessage(shard, event->pool, event->time_us);
  if (auto* parked = ParkedKeyOf(shard, event->pool, event->subject); parked != nullptr) {
    return SetAsideParked(shard, record, parked);
  }
  if (placement_.ShardOf(event->pool, event->subject) != shard->id) {
    return SetAside(shard, record, event->pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED, kWrongShard,
                    "the entity is in another shard: `shards` or `link_scope` differ");
  }
  Input input;
  input.kind = InputKind::kRecord;
  input.pool = std::string(event->pool);
  input.entity = std::string(event->subject);
  input.type = std::string(event->type);
  input.id = std::string(event->id);
  input.payload = std::string(record.value);
  input.time_us = event->time_us;
  input.topic = std::string(record.topic);
  input.partition = record.partition;
  input.offset = record.offset;
  bool skip = false;
  if (const absl::Status decoded = program_->Decode(&input, &skip); !decoded.ok()) {
    return SetAside(shard, record, event->pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED,
                    ReasonOf(decoded), StdView(decoded.message()));
  }
  if (skip) return "";
  if (auto* parked = ParkedKeyOf(shard, input.pool, input.entity); parked != nullptr) {
    return SetAsideParked(shard, record, parked);
  }
  input.now_us = NowFor(shard, input.pool, input.time_us);
  FireOwnTimers(shard, input.pool, input.entity, input.now_us);
  Effects effects = program_->Apply(StoreEntityState(shard->store.get(), input), input);
  if (!FitsLog(effects)) {
    return SetAside(shard, record, input.pool, runtime::v1::DEAD_LETTER_CLASS_TOO_LARGE,
                    kOutputTooLarge, "an event of this input is above the limit");
  }
  std::string reason;
  if (effects.dead_letter) {
    reason = SetAside(shard, record, input.pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED,
                      effects.dead_letter->reason, effects.dead_letter->detail);
  }
  CarryOut(shard, input, std::move(effects));
  return reason;
}

void Worker::ApplyClock(Shard* shard, const kafka::Record& record, std::string_view producer) {
  ClockAdvanced clock;
  if (!clock.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    SetAside(shard, record, "", runtime::v1::DEAD_LETTER_CLASS_UNREADABLE, "CLOCK_GARBLED", "");
    return;
  }
  const auto pool = options_.pools.find(clock.pool());
  if (pool == options_.pools.end() || pool->second != PoolClock::kEvent) return;
  if (IsLoop(record.topic)) return ApplyMarker(shard, clock, record.topic, producer);
  if (!IsChannel(record.topic, producer)) return;
  int64_t& channel =
      shard->open.channels[{clock.pool(), std::string(record.topic), std::string(producer)}];
  channel = std::max(channel, clock.clock_us());
}

bool Worker::IsChannel(std::string_view topic, std::string_view producer) const {
  for (const InputTopic& input : program_->inputs()) {
    if (input.clock_channels < 0 || Topic(input.domain, input.kind) != topic) continue;
    if (input.clock_channels == 0) return producer == events::kIngestShard;
    for (int32_t shard = 0; shard < options_.shard_count; ++shard) {
      if (producer == Cat(shard)) return true;
    }
  }
  return false;
}

}  // namespace regulars::shard
