// Writes touches of person_touches.h, all or those of [--from, --to), into ingest's topic, each in
// the shard of its pivot.
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "tests/bench/person_touches.h"
#include "tests/bench/raw_kafka.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

Bytes RecordOf(const Workload& workload, const PersonTouch& touch) {
  const std::string source = events::SourceOf(events::kIngest);
  return {touch.pivot, touch.received.SerializeAsString(),
          events::ToHeaders({.type = events::kTouchReceived,
                             .id = touch.received.touch().touch_id(),
                             .source = source,
                             .subject = touch.pivot,
                             .time_us = touch.received.touch().occurred_us(),
                             .pool = workload.pool,
                             .shard = events::kIngestShard,
                             .traceparent = {}})};
}

}  // namespace

void FillTouches(const Flags& flags) {
  const Workload workload(flags);
  Delivered delivered;
  const Client producer =
      MakeClient(RD_KAFKA_PRODUCER,
                 kafka::rd::ProducerSettings(OptionsFor(flags.Text("bootstrap"))), &delivered);
  const TopicHandle topic(rd_kafka_topic_new(producer.get(), flags.Text("topic").c_str(), nullptr));
  const int64_t start_us = MonotonicMicros();
  const int64_t from = flags.NumberOr("from", 0), to = flags.NumberOr("to", workload.records);
  for (int64_t index = from; index < to; ++index) {
    const PersonTouch touch = TouchAt(workload, index);
    Produce(producer.get(), topic.get(),
            ShardOf(Bucket(workload.pool, touch.pivot), workload.shards),
            RecordOf(workload, touch));
    if (index % 256 == 0) rd_kafka_poll(producer.get(), 0);
  }
  FlushAll(producer.get(), delivered);
  Answer answer;
  answer.Add("records", delivered.records);
  answer.AddReal("seconds", static_cast<double>(MonotonicMicros() - start_us) / 1e6);
  answer.Print();
}

}  // namespace regulars::bench
