#include "libs/shard/worker.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "libs/shard/view_writer.h"

namespace regulars::shard {

Worker::Worker(const Program* program, WorkerOptions options, WorkerPorts ports)
    : program_(program),
      options_(std::move(options)),
      ports_(std::move(ports)),
      service_(program->service()),
      placement_(options_.shard_count, options_.together) {
  for (const InputTopic& input : program_->inputs()) {
    input_topics_.push_back(Topic(input.domain, input.kind));
    if (input.clock_channels != -2) continue;
    loops_.push_back({input_topics_.back(), input.kind});
    for (int32_t shard = 0; shard < options_.shard_count; ++shard) {
      everybody_.push_back({input_topics_.back(), Cat(shard)});
    }
  }
}

Worker::~Worker() {
  const std::lock_guard<std::mutex> lock(consumer_mutex_);
  shards_.clear();
  producer_.reset();
  consumer_.reset();
}

std::string Worker::Topic(std::string_view domain, std::string_view kind) const {
  return events::TopicName(domain, kind, options_.generation);
}

bool Worker::At(std::string_view point) { return !ports_.at_point || ports_.at_point(point); }

absl::Status Worker::Connect() {
  auto consumer =
      ports_.log->NewConsumer({.group_id = Cat("regulars.", service_, ".g", options_.generation),
                               .instance_id = Cat(service_, "-", options_.slot)});
  if (!consumer.ok()) return consumer.status();
  auto reader = ports_.log->NewReader();
  if (!reader.ok()) return reader.status();
  {
    const std::lock_guard<std::mutex> lock(consumer_mutex_);
    consumer_ = *std::move(consumer);
  }
  reader_ = *std::move(reader);
  return consumer_->Subscribe(input_topics_, this);
}

absl::Status Worker::Step(absl::Duration max_wait) {
  alive_us_ = ports_.steady_us();
  absl::Status status;
  if (!consumer_) status = Connect();
  if (status.ok() && !rebalanced_ && !to_take_over_.empty()) status = TakeOver();
  if (status.ok() && !rebalanced_) {
    const absl::Duration wait = to_take_over_.empty() ? max_wait : absl::ZeroDuration();
    status = InTrial() ? GatherOne(wait) : Gather(wait);
  }
  if (status.ok() && !rebalanced_) status = CommitBatch();
  if (absl::IsCancelled(status)) return status;  // the crash hook: no clean-up, as in a crash
  if (status.ok() && rebalanced_) {
    if (options_.breaks.generation && !outputs_.empty()) {
      // Self-test: what was drained waits for the next generation and commits with its metadata.
      if (token_ == nullptr) status = consumer_->Poll(absl::ZeroDuration()).status();
      if (status.ok() && token_ == nullptr) return status;
      if (status.ok()) status = CommitBatch();
      if (absl::IsCancelled(status)) return status;
    }
    DropBatch("rebalance", /*outcome_known=*/true);
    for (auto& [id, shard] : shards_) {
      if (ports_.view != nullptr) ports_.view->Lost(id);
    }
    shards_.clear();
    rebalanced_ = false;
    PublishStatus();
  }
  if (!status.ok()) ResetAll(StdView(status.message()));
  return status;
}

void Worker::OnAssigned(const std::vector<kafka::TopicPartition>& partitions) {
  token_ = consumer_->Group();
  std::map<int32_t, size_t> topics_of;
  for (const kafka::TopicPartition& partition : partitions) ++topics_of[partition.partition];
  to_take_over_.clear();
  for (const auto& [shard, count] : topics_of) {
    // A shard is owned only if its partition of every input topic is assigned.
    if (count == input_topics_.size()) to_take_over_.insert(shard);
  }
  ports_.probe->Event("assigned", Cat(to_take_over_.size(), " shards"));
  const std::lock_guard<std::mutex> lock(mutex_);
  ready_ = to_take_over_.empty();
}

void Worker::OnRevoked(const std::vector<kafka::TopicPartition>& partitions) {
  ports_.probe->Event("revoked", Cat(partitions.size(), " partitions"));
  // Inputs, timers and commands of the old assignment are dropped by Step; nothing of them may
  // commit under the next generation.
  rebalanced_ = true;
  if (options_.breaks.generation) token_.reset();
  to_take_over_.clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  ready_ = false;
}

absl::Duration Worker::WaitBound(absl::Duration max_wait) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!queue_.empty()) return absl::ZeroDuration();
  }
  int64_t wait_us = absl::ToInt64Microseconds(max_wait);
  const int64_t wall_us = ports_.wall_us();
  for (const auto& [pool, mode] : options_.pools) {
    for (auto& [id, shard] : shards_) {
      if (mode == PoolClock::kLive) {
        wait_us = std::min(wait_us, shard->store->NextDueBound(pool) - wall_us);
      }
    }
  }
  return absl::Microseconds(std::max<int64_t>(wait_us, 0));
}

void Worker::BeginBatch() {
  outputs_.clear();
  answers_.clear();
  batch_inputs_ = 0;
  batch_commands_ = 0;
  batch_oldest_us_ = 0;
  for (auto& [id, shard] : shards_) {
    if (ports_.view != nullptr && ports_.view->WantsSnapshot(id)) {
      ports_.view->GiveSnapshot(id, shard->committed.sequence, shard->store->store().NewSnapshot());
    }
  }
  batch_wall_us_ = ports_.wall_us();
}

absl::StatusOr<std::optional<kafka::Record>> Worker::PollRecord(absl::Duration wait) {
  auto record = consumer_->Poll(wait);
  if (absl::IsFailedPrecondition(record.status())) {
    // Another process of our slot has taken the static membership: this one must end.
    return absl::PermissionDeniedError(record.status().message());
  }
  return record;
}

absl::Status Worker::StoresStatus() const {
  for (const auto& [id, shard] : shards_) {
    if (!shard->store->status().ok()) return shard->store->status();
  }
  return absl::OkStatus();
}

absl::Status Worker::Gather(absl::Duration max_wait) {
  absl::Duration wait = more_timers_ ? absl::ZeroDuration() : WaitBound(max_wait);
  more_timers_ = false;
  BeginBatch();
  int64_t deadline_us = 0;
  int64_t looked_at = 0;  // the clock
  while (batch_inputs_ < static_cast<int64_t>(options_.batch_inputs_max)) {
    const auto record = PollRecord(wait);
    if (!record.ok()) return record.status();
    if (rebalanced_) return absl::OkStatus();
    if (!record->has_value()) break;
    if (wait > absl::ZeroDuration() || deadline_us == 0) {
      batch_wall_us_ = ports_.wall_us();
      deadline_us = ports_.steady_us() + absl::ToInt64Microseconds(options_.batch_time_max);
    }
    wait = absl::ZeroDuration();
    ApplyRecord(**record);
    if (batch_inputs_ - looked_at < 64) continue;
    looked_at = batch_inputs_;
    if (ports_.steady_us() >= deadline_us) break;
  }
  batch_wall_us_ = ports_.wall_us();
  ApplyCommands();
  FireLiveTimers();
  AdvanceEventClocks();
  return StoresStatus();
}

bool Worker::Submit(Command command) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_ || queue_.size() >= kCommandsQueuedMax) return false;
    queue_.push_back(std::move(command));
  }
  Wake();
  return true;
}

void Worker::Wake() {
  const std::lock_guard<std::mutex> lock(consumer_mutex_);
  if (consumer_) consumer_->Wake();
}

void Worker::DropBatch(std::string_view why, bool outcome_known) {
  for (auto& [id, shard] : shards_) {
    if (options_.breaks.undo_log) {
      shard->open = shard->committed;
      shard->touched = false;
      shard->out_counts.clear();
      shard->local.clear();
    } else {
      shard->Discard();
    }
  }
  outputs_.clear();
  for (Answer& answer : answers_) {
    answer.reply.code = absl::StatusCode::kUnavailable;
    answer.reply.payload.clear();
    answer.reply.reason = outcome_known ? "TRY_AGAIN" : "OUTCOME_UNKNOWN";
    answer.reply.message = outcome_known ? Cat("nothing was changed: ", why)
                                         : "the outcome is in the log; ask again with the same id";
  }
  AnswerAll(answers_);
  answers_.clear();
}

void Worker::ResetAll(std::string_view why) {
  ports_.probe->Event("reset", why);
  DropBatch(why, /*outcome_known=*/false);
  for (auto& [id, shard] : shards_) {
    if (ports_.view != nullptr) ports_.view->Lost(id);
  }
  shards_.clear();
  marks_.reset();
  to_take_over_.clear();
  rebalanced_ = false;
  token_.reset();
  producer_.reset();
  reader_.reset();
  {
    const std::lock_guard<std::mutex> lock(consumer_mutex_);
    consumer_.reset();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ready_ = false;
  }
  PublishStatus();
}

void Worker::Stop() {
  ResetAll("stopping");
  std::deque<Command> left;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    left.swap(queue_);
  }
  std::vector<Answer> answers;
  for (Command& command : left) {
    answers.push_back({std::move(command),
                       Reply{absl::StatusCode::kUnavailable, "STOPPING",
                             "the instance is stopping; nothing was changed", ""},
                       -1});
  }
  AnswerAll(answers);
}

std::vector<ShardStatus> Worker::Snapshot() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

bool Worker::ready() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ready_;
}

void Worker::PublishStatus() {
  std::vector<ShardStatus> status;
  status.reserve(shards_.size());
  for (const auto& [id, shard] : shards_) {
    status.push_back({id,
                      shard->epoch,
                      shard->committed.sequence,
                      shard->committed.pool_now,
                      shard->committed.sums,
                      {}});
    for (const auto& [name, key] : shard->committed.parked) status.back().parked.push_back(key);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  status_ = std::move(status);
}

// After the commit: the store holds what the view has been given, no more and no less.
void Worker::Refresh(const Shard& shard, const Command& query) {
  if (ports_.view == nullptr || query.refresh_subs.empty()) return;
  std::vector<redis::ViewOp> keys;
  for (const std::string& sub : query.refresh_subs) {
    const auto stored = shard.store->Get(StateKey(query.pool, query.entity, sub));
    if (stored.has_value() && program_->InView(sub)) {
      keys.push_back({ViewKey(query.pool, query.entity, sub), ViewValue(*stored)});
    }
  }
  if (!keys.empty()) ports_.view->Refresh(shard.id, shard.committed.sequence, std::move(keys));
}

void Worker::AnswerAll(const std::vector<Answer>& answers) {
  for (const Answer& answer : answers) {
    runtime::v1::PositionToken token;
    if (const auto it = shards_.find(answer.shard); it != shards_.end()) {
      token.set_log_id(it->second->log_id);
      token.set_shard(answer.shard);
      token.set_sequence(it->second->committed.sequence);
      if (answer.reply.code == absl::StatusCode::kOk) Refresh(*it->second, answer.command);
    }
    answer.command.done(answer.reply, token);
  }
}

}  // namespace regulars::shard
