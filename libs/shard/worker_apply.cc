// Applying inputs to the open batch: records, clock records, commands, timers.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/keys.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::ClockAdvanced;
using runtime::v1::CommandRecord;
using runtime::v1::DeadLetter;
using runtime::v1::RequestReplay;

constexpr std::string_view kRequestPrefix = "@request/";
// Header that names the transaction of the producing shard, so that an auditor can count.
constexpr std::string_view kSequenceHeader = "regulars_sequence";
// Work done per turn beside the inputs, so that neither starves the other.
constexpr int kTimersPerTurn = 2000;
constexpr int kExpiriesPerTurn = 1000;

Reply Refusal(const absl::Status& status) {
  Reply reply;
  reply.code = status.code();
  reply.reason = ReasonOf(status);
  reply.message = std::string(status.message());
  return reply;
}

Reply Unavailable(std::string_view reason, std::string_view message) {
  Reply reply;
  reply.code = absl::StatusCode::kUnavailable;
  reply.reason = std::string(reason);
  reply.message = std::string(message);
  return reply;
}

}  // namespace

void Worker::Output(Shard* shard, kafka::OutRecord record) {
  record.headers.emplace_back(kSequenceHeader, Cat(shard->open.sequence + 1));
  ++shard->out_counts[{record.topic, record.partition}];
  shard->touched = true;
  outputs_.push_back(std::move(record));
}

int64_t Worker::NowFor(Shard* shard, const std::string& pool, int64_t own_time_us) {
  int64_t& now = shard->open.pool_now[pool];
  if (options_.pools.at(pool) == PoolClock::kLive) {
    now = std::max(now, batch_wall_us_);
    return now;
  }
  return std::max(now, own_time_us);
}

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

  const auto event = events::FromHeaders(record.headers);
  if (!event.ok()) {
    SetAside(shard, record, "", runtime::v1::DEAD_LETTER_CLASS_UNREADABLE, ReasonOf(event.status()),
             StdView(event.status().message()));
    return;
  }
  if (!options_.pools.contains(std::string(event->pool))) {
    SetAside(shard, record, event->pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED, "POOL_UNKNOWN",
             "the pool is not configured here");
    return;
  }
  if (event->type == events::kClockAdvanced) {
    ApplyClock(shard, record, event->shard);
    return;
  }
  Input input;
  input.kind = InputKind::kRecord;
  input.pool = std::string(event->pool);
  input.entity = std::string(event->subject);
  input.type = std::string(event->type);
  input.id = std::string(event->id);
  input.payload = std::string(record.value);
  input.time_us = event->time_us;
  input.topic = topic;
  input.partition = record.partition;
  input.offset = record.offset;
  bool skip = false;
  if (const absl::Status decoded = program_->Decode(&input, &skip); !decoded.ok()) {
    SetAside(shard, record, event->pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED, ReasonOf(decoded),
             StdView(decoded.message()));
    return;
  }
  if (skip) return;
  input.now_us = NowFor(shard, input.pool, input.time_us);
  FireOwnTimers(shard, input.pool, input.entity, input.now_us);
  const Effects effects = program_->Apply(StoreEntityState(shard->store.get(), input), input);
  if (effects.dead_letter) {
    SetAside(shard, record, input.pool, runtime::v1::DEAD_LETTER_CLASS_REFUSED,
             effects.dead_letter->reason, effects.dead_letter->detail);
  }
  CarryOut(shard, input, effects);
}

void Worker::SetAside(Shard* shard, const kafka::Record& record, std::string_view pool,
                      int error_class, std::string_view reason, std::string_view detail) {
  DeadLetter letter;
  *letter.mutable_original() = ports_.seal(pool, record.value);
  letter.set_topic(std::string(record.topic));
  letter.set_partition(record.partition);
  letter.set_offset(record.offset);
  letter.set_key(std::string(record.key));
  letter.set_pool(std::string(pool));
  letter.set_error_class(static_cast<runtime::v1::DeadLetterClass>(error_class));
  letter.set_reason(reason.empty() ? "UNSPECIFIED" : std::string(reason));
  letter.set_detail(std::string(detail.substr(0, 512)));
  letter.set_code_version(options_.code_version);
  letter.set_time_us(batch_wall_us_);
  letter.set_log_id(shard->log_id);
  for (const auto& [key, value] : record.headers) {
    auto* header = letter.add_headers();
    header->set_key(std::string(key));
    header->set_value(std::string(value));
  }
  kafka::OutRecord out;
  out.topic = Topic(service_, events::kDeadLettersKind);
  out.partition = shard->id;
  out.key = std::string(record.key);
  out.value = letter.SerializeAsString();
  const std::string id = Cat(record.topic, "/", record.partition, "/", record.offset);
  const std::string source = events::SourceOf(service_);
  const std::string producer = Cat(shard->id);
  // A name that is not configured must not become a key of our books.
  const std::string pool_text =
      options_.pools.contains(std::string(pool)) ? std::string(pool) : "unknown";
  out.headers = events::ToHeaders({.type = events::kDeadLetter,
                                   .id = id,
                                   .source = source,
                                   .subject = letter.reason(),
                                   .time_us = batch_wall_us_,
                                   .pool = pool_text,
                                   .shard = producer,
                                   .traceparent = {}});
  Output(shard, std::move(out));
  ++shard->open.sums[{pool_text, "dead_letters"}];
  ports_.probe->Input("record", reason);
}

void Worker::ApplyClock(Shard* shard, const kafka::Record& record, std::string_view producer) {
  ClockAdvanced clock;
  if (!clock.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    SetAside(shard, record, "", runtime::v1::DEAD_LETTER_CLASS_UNREADABLE, "CLOCK_GARBLED", "");
    return;
  }
  const auto pool = options_.pools.find(clock.pool());
  if (pool == options_.pools.end() || pool->second != PoolClock::kEvent) return;
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

void Worker::AdvanceEventClocks() {
  for (const auto& [pool, mode] : options_.pools) {
    if (mode != PoolClock::kEvent) continue;
    for (auto& [id, shard] : shards_) {
      // The minimum over every channel that is expected to exist.
      int64_t target = std::numeric_limits<int64_t>::max();
      for (const InputTopic& input : program_->inputs()) {
        if (input.clock_channels < 0) continue;
        const int count = input.clock_channels == 0 ? 1 : options_.shard_count;
        for (int i = 0; i < count; ++i) {
          const std::string producer =
              input.clock_channels == 0 ? std::string(events::kIngestShard) : Cat(i);
          const auto it =
              shard->open.channels.find({pool, Topic(input.domain, input.kind), producer});
          target = std::min(target, it == shard->open.channels.end() ? 0 : it->second);
        }
      }
      if (target == std::numeric_limits<int64_t>::max() || target <= shard->open.pool_now[pool]) {
        continue;
      }
      int fired = 0;
      while (fired < kTimersPerTurn) {
        const auto due = shard->store->FirstDue(pool, target);
        if (!due) break;
        FireTimer(shard.get(), pool, *due, std::max(due->at_us, shard->open.pool_now[pool]));
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
  const std::string source = events::SourceOf(service_);
  const std::string id = Cat("clock/", pool, "/", shard->id, "/", clock_us);
  for (const std::string& kind : program_->clock_outputs()) {
    for (int32_t partition = 0; partition < options_.shard_count; ++partition) {
      kafka::OutRecord out;
      out.topic = Topic(service_, kind);
      out.partition = partition;
      out.key = pool;
      out.value = clock.SerializeAsString();
      out.headers = events::ToHeaders({.type = events::kClockAdvanced,
                                       .id = id,
                                       .source = source,
                                       .subject = pool,
                                       .time_us = clock_us,
                                       .pool = pool,
                                       .shard = clock.producing_shard(),
                                       .traceparent = {}});
      Output(shard, std::move(out));
    }
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
  shard->store->CancelTimer(pool, due.entity, due.name);
  shard->touched = true;
  Input input;
  input.kind = InputKind::kTimer;
  input.pool = pool;
  input.entity = due.entity;
  input.type = due.name;
  input.time_us = due.at_us;
  input.now_us = now_us;
  CarryOut(shard, input, program_->Apply(StoreEntityState(shard->store.get(), input), input));
}

void Worker::CarryOut(Shard* shard, const Input& input, Effects effects) {
  ShardStore* store = shard->store.get();
  for (const Put& put : effects.puts) {
    REGULARS_ASSERT(put.sub.empty() || put.sub[0] != '@', "a program writes a key of the runtime");
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
  for (Publish& publish : effects.publishes) PublishEvent(shard, input, std::move(publish));
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

void Worker::PublishEvent(Shard* shard, const Input& input, Publish publish) {
  kafka::OutRecord out;
  out.topic = Topic(service_, publish.kind);
  out.partition = ShardOf(Bucket(input.pool, publish.entity), options_.shard_count);
  const std::string source = events::SourceOf(service_);
  const std::string producer = Cat(shard->id);
  out.headers = events::ToHeaders({.type = publish.type,
                                   .id = publish.id,
                                   .source = source,
                                   .subject = publish.entity,
                                   .time_us = publish.time_us,
                                   .pool = input.pool,
                                   .shard = producer,
                                   .traceparent = {}});
  out.key = std::move(publish.entity);
  out.value = std::move(publish.payload);
  Output(shard, std::move(out));
}

void Worker::ApplyCommands() {
  std::deque<Command> commands;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    commands.swap(queue_);
  }
  for (Command& command : commands) ApplyCommand(std::move(command));
}

void Worker::ApplyCommand(Command command) {
  Answer answer;
  const auto pool = options_.pools.find(command.pool);
  const int32_t shard_id = ShardOf(Bucket(command.pool, command.entity), options_.shard_count);
  const auto it = shards_.find(shard_id);
  if (pool == options_.pools.end()) {
    answer.reply.code = absl::StatusCode::kNotFound;
    answer.reply.reason = "POOL_UNKNOWN";
    answer.reply.message = "the pool is not configured here";
  } else if (it == shards_.end()) {
    answer.reply = Unavailable("SHARD_NOT_OWNED", "this instance does not own the shard now");
  } else if (command.deadline_us > 0 && command.deadline_us <= batch_wall_us_) {
    answer.reply.code = absl::StatusCode::kDeadlineExceeded;
    answer.reply.reason = "DEADLINE_PASSED";
    answer.reply.message = "the deadline passed before the command was applied";
  } else {
    Shard* shard = it->second.get();
    answer.shard = shard_id;
    Input input;
    input.kind = command.kind;
    input.pool = command.pool;
    input.entity = command.entity;
    input.type = command.type;
    input.id = command.request_id;
    input.payload = command.payload;
    input.time_us = batch_wall_us_;
    input.now_us = NowFor(shard, command.pool, 0);
    bool skip = false;
    if (const absl::Status decoded = program_->Decode(&input, &skip); !decoded.ok()) {
      answer.reply = Refusal(decoded);
    } else if (command.kind == InputKind::kQuery) {
      answer.reply = program_->Query(StoreEntityState(shard->store.get(), input), input);
    } else {
      ApplyWrite(shard, command, input, &answer.reply);
    }
  }
  ++batch_commands_;
  answer.command = std::move(command);
  answers_.push_back(std::move(answer));
}

void Worker::ApplyWrite(Shard* shard, const Command& command, const Input& input, Reply* reply) {
  const std::string request_sub = Cat(kRequestPrefix, command.request_id);
  if (!command.request_id.empty()) {
    const StoreEntityState state(shard->store.get(), input);
    if (const auto bytes = state.Get(request_sub)) {
      RequestReplay replay;
      REGULARS_ASSERT(replay.ParseFromString(*bytes), "a replay record is garbled");
      if (replay.request_hash() != command.request_hash) {
        reply->code = absl::StatusCode::kAlreadyExists;
        reply->reason = "REQUEST_ID_CONFLICT";
        reply->message = "this request_id was used with other content";
      } else {
        reply->payload = replay.reply();
      }
      return;
    }
  }
  FireOwnTimers(shard, input.pool, input.entity, input.now_us);
  Effects effects = program_->Apply(StoreEntityState(shard->store.get(), input), input);
  REGULARS_ASSERT(effects.reply.has_value(), "a command was applied without a reply");
  *reply = *std::move(effects.reply);
  const bool effective = !effects.puts.empty() || !effects.publishes.empty() ||
                         !effects.deletes.empty() || !effects.set_timers.empty() ||
                         !effects.cancel_timers.empty() || !effects.sums.empty();
  CarryOut(shard, input, std::move(effects));
  if (!effective || reply->code != absl::StatusCode::kOk) return;

  if (!command.request_id.empty()) {
    RequestReplay replay;
    replay.set_request_hash(command.request_hash);
    replay.set_reply(reply->payload);
    replay.set_time_us(input.now_us);
    shard->store->PutState(input.pool, input.entity, request_sub, replay.SerializeAsString(),
                           input.now_us + options_.request_replay_us);
  }
  CommandRecord log;
  log.set_pool(input.pool);
  log.set_entity(input.entity);
  log.set_type(input.type);
  log.set_request_id(command.request_id);
  log.set_payload(command.payload);
  log.set_time_us(input.now_us);
  log.set_index_in_batch(batch_commands_);
  log.set_reply(reply->payload);
  log.set_caller(command.caller);
  kafka::OutRecord out;
  out.topic = Topic(service_, events::kCommandsKind);
  out.partition = shard->id;
  out.key = input.entity;
  out.value = log.SerializeAsString();
  const std::string source = events::SourceOf(service_);
  const std::string producer = Cat(shard->id);
  const std::string id = Cat(shard->id, "/", shard->open.sequence + 1, "/", batch_commands_);
  out.headers = events::ToHeaders({.type = events::kCommandRecord,
                                   .id = id,
                                   .source = source,
                                   .subject = input.entity,
                                   .time_us = input.now_us,
                                   .pool = input.pool,
                                   .shard = producer,
                                   .traceparent = {}});
  Output(shard, std::move(out));
}

}  // namespace regulars::shard
