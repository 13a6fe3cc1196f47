// Commands and queries: refused, replayed, or applied and logged.
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::CommandRecord;
using runtime::v1::RequestReplay;

constexpr std::string_view kRequestPrefix = "@request/";

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

int32_t Worker::ShardOfCommand(const Command& command) const {
  if (command.shard) return *command.shard;
  return placement_.ShardOf(command.pool, command.entity);
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
  const int32_t shard_id = ShardOfCommand(command);
  const auto it = shards_.find(shard_id);
  if (pool == options_.pools.end()) {
    answer.reply.code = absl::StatusCode::kNotFound;
    answer.reply.reason = "POOL_UNKNOWN";
    answer.reply.message = "the pool is not configured here";
  } else if (it == shards_.end()) {
    answer.reply = Unavailable("SHARD_NOT_OWNED", "this instance does not own the shard now");
  } else if (command.deadline_us > 0 && command.deadline_us <= batch_wall_us_) {
    answer.reply.code = absl::StatusCode::kDeadlineExceeded;
    answer.reply.reason = "DEADLINE_OVER";
    answer.reply.message = "the deadline passed before the command was applied";
  } else if (command.type == kRedriveCommand) {
    answer.shard = shard_id;
    answer.reply = Redrive(it->second.get(), command);
  } else if (command.type == kRedriveLetterCommand) {
    answer.shard = shard_id;
    answer.reply = RedriveLetter(it->second.get(), command);
  } else if (ParkedKeyOf(it->second.get(), command.pool, command.entity) != nullptr) {
    answer.reply.code = absl::StatusCode::kFailedPrecondition;
    answer.reply.reason = "KEY_PARKED";
    answer.reply.message =
        "an input of this key crashed the service; the key waits for its redrive";
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
  if (it != shards_.end()) ApplyLocal(it->second.get());
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
  const size_t logged = command.payload.size() + effects.reply->payload.size();
  if (!FitsLog(effects) || logged > kPublishBytesMax) {
    reply->code = absl::StatusCode::kFailedPrecondition;
    reply->reason = std::string(kOutputTooLarge);
    reply->message = "what the command leads to is above the limit of the log; nothing was changed";
    return;
  }
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
