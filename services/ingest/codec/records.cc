#include "services/ingest/codec/records.h"

#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::ingest {
namespace {

std::string ClockValue(std::string_view pool, Micros clock_us) {
  runtime::v1::ClockAdvanced clock;
  clock.set_pool(std::string(pool));
  clock.set_clock_us(clock_us);
  clock.set_producing_shard(std::string(events::kIngestShard));
  return clock.SerializeAsString();
}

}  // namespace

Records::Records(int32_t generation, Placement identity)
    : identity_(std::move(identity)),
      source_(events::SourceOf(events::kIngest)),
      touches_topic_(events::TopicName(events::kIngest, events::kTouchesKind, generation)),
      quarantine_topic_(events::TopicName(events::kIngest, events::kQuarantineKind, generation)),
      clocks_topic_(events::TopicName(events::kIngest, events::kClocksKind, generation)) {}

kafka::OutRecord Records::Touch(std::string_view pool, const CanonicalTouch& canonical) const {
  kafka::OutRecord record;
  record.value = canonical.received.SerializeAsString();
  record.topic = touches_topic_;
  record.partition = identity_.ShardOf(pool, canonical.pivot_key);
  record.key = canonical.pivot_key;
  record.headers = events::ToHeaders({.type = events::kTouchReceived,
                                      .id = canonical.received.touch().touch_id(),
                                      .source = source_,
                                      .subject = canonical.pivot_key,
                                      .time_us = canonical.received.touch().occurred_us(),
                                      .pool = pool,
                                      .shard = events::kIngestShard,
                                      .traceparent = {}});
  return record;
}

kafka::OutRecord Records::Clock(std::string_view pool, Micros clock_us, int32_t partition) const {
  kafka::OutRecord record = RememberedClock(pool, clock_us);
  record.topic = touches_topic_;
  record.partition = partition;
  return record;
}

kafka::OutRecord Records::RememberedClock(std::string_view pool, Micros clock_us) const {
  kafka::OutRecord record;
  record.topic = clocks_topic_;
  record.key = std::string(pool);
  record.value = ClockValue(pool, clock_us);
  record.headers = events::ToHeaders({.type = events::kClockAdvanced,
                                      .id = Cat("clock/", pool, "/", clock_us),
                                      .source = source_,
                                      .subject = pool,
                                      .time_us = clock_us,
                                      .pool = pool,
                                      .shard = events::kIngestShard,
                                      .traceparent = {}});
  return record;
}

kafka::OutRecord Records::Quarantined(std::string_view pool, const std::string& id,
                                      const v1::TouchQuarantined& quarantined) const {
  kafka::OutRecord record;
  record.topic = quarantine_topic_;
  record.partition = ShardOf(Bucket(pool, id), shard_count());
  record.key = id;
  record.value = quarantined.SerializeAsString();
  record.headers = events::ToHeaders({.type = events::kTouchQuarantined,
                                      .id = id,
                                      .source = source_,
                                      .subject = id,
                                      .time_us = quarantined.time_us(),
                                      .pool = pool,
                                      .shard = events::kIngestShard,
                                      .traceparent = {}});
  return record;
}

}  // namespace regulars::ingest
