// What applying an input leads to: its effects on the overlay and the records of the open batch.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/keys.h"
#include "libs/shard/worker.h"

namespace regulars::shard {
namespace {

// Header that names the transaction of the producing shard, so that an auditor can count.
constexpr std::string_view kSequenceHeader = "regulars_sequence";

}  // namespace

void Worker::Output(Shard* shard, kafka::OutRecord record) {
  record.headers.emplace_back(kSequenceHeader, Cat(shard->open.sequence + 1));
  ++shard->out_counts[{record.topic, record.partition}];
  shard->touched = true;
  outputs_.push_back(std::move(record));
}

bool Worker::FitsLog(const Effects& effects) {
  for (const Publish& publish : effects.publishes) {
    if (publish.entity.size() + publish.type.size() + publish.id.size() + publish.payload.size() >
        kPublishBytesMax) {
      return false;
    }
  }
  return true;
}

void Worker::CarryOut(Shard* shard, const Input& input, Effects effects) {
  ShardStore* store = shard->store.get();
  for (const Put& put : effects.puts) {
    REGULARS_ASSERT(put.sub.empty() || put.sub[0] != kRuntimeSub,
                    "a program writes a key of the runtime");
    store->PutState(input.pool, input.entity, put.sub, put.value, put.expires_at_us);
  }
  for (const std::string& sub : effects.deletes) store->DeleteState(input.pool, input.entity, sub);
  for (const std::string& name : effects.cancel_timers) {
    store->CancelTimer(input.pool, input.entity, name);
  }
  for (const SetTimer& timer : effects.set_timers) {
    store->SetTimer(input.pool, input.entity, timer.name, timer.at_us);
  }
  REGULARS_ASSERT(effects.publishes.size() <= kPublishesPerInputMax,
                  "an input publishes too many records");
  for (Publish& publish : effects.publishes) PublishEvent(shard, input.pool, std::move(publish));
  for (const AddSum& sum : effects.sums) {
    shard->open.sums[{input.pool, sum.name}] += sum.delta;
    shard->touched = true;
  }
  if (!effects.puts.empty() || !effects.deletes.empty() || !effects.set_timers.empty() ||
      !effects.cancel_timers.empty()) {
    shard->touched = true;
  }
  ++applied_total_;
  if (options_.check_invariants_every > 0 &&
      applied_total_ % options_.check_invariants_every == 0) {
    const std::string wrong = program_->CheckInvariants(StoreEntityState(store, input));
    REGULARS_ASSERT(wrong.empty(), Cat("invariant of ", service_, ": ", wrong));
  }
  if (!effects.outcome.empty()) ports_.probe->Input(input.type, effects.outcome);
}

void Worker::PublishEvent(Shard* shard, const std::string& pool, Publish publish) {
  std::string topic = Topic(service_, publish.kind);
  // What a service writes to itself goes to where it keeps the entity; what others read is spread.
  const bool own =
      std::find(input_topics_.begin(), input_topics_.end(), topic) != input_topics_.end();
  const int32_t partition = own ? placement_.ShardOf(pool, publish.entity)
                                : ShardOf(Bucket(pool, publish.entity), options_.shard_count);
  const bool to_itself = own && partition == shard->id && IsLoop(topic);
  if (to_itself && StaysHere(*shard)) {
    shard->local.push_back({pool, std::move(topic), std::move(publish), shard->local_depth + 1});
    return;
  }
  if (to_itself) ++shard->open.own_on_the_way;
  OutputEvent(shard, pool, std::move(topic), partition, std::move(publish));
}

void Worker::OutputEvent(Shard* shard, const std::string& pool, std::string topic,
                         int32_t partition, Publish publish) {
  kafka::OutRecord out;
  out.topic = std::move(topic);
  out.partition = partition;
  const std::string source = events::SourceOf(service_);
  const std::string producer = Cat(shard->id);
  out.headers = events::ToHeaders({.type = publish.type,
                                   .id = publish.id,
                                   .source = source,
                                   .subject = publish.entity,
                                   .time_us = publish.time_us,
                                   .pool = pool,
                                   .shard = producer,
                                   .traceparent = {}});
  out.key = std::move(publish.entity);
  out.value = std::move(publish.payload);
  Output(shard, std::move(out));
}

}  // namespace regulars::shard
