// Trial mode (law 13): after kOwnersWithoutProgressMax owners ended without consuming an input, the
// next one takes one input per transaction and announces it first (`trying` in `@shard`).
//
// An owner may end for many reasons while an announcement stands. So it also leaves a mark on its
// own disk while the program is applied, and takes it away right after. Who finds the announcement
// in the log and the same mark on its disk knows that an earlier life of it died inside the
// program: the input is set aside and its key is parked. Who finds no mark tries the input once
// more.
#include <algorithm>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/worker.h"

namespace regulars::shard {
namespace {

using runtime::v1::InputRef;

// A trial ends after this much without a crash.
constexpr int64_t kQuietUs = 5'000'000;
constexpr int64_t kTrialUsMax = 60'000'000;
constexpr int kTrialInputsMax = 1000;
constexpr std::string_view kCrashed = "CRASHED";

InputRef RefOf(const kafka::Record& record) {
  InputRef ref;
  ref.set_topic(std::string(record.topic));
  ref.set_partition(record.partition);
  ref.set_offset(record.offset);
  const auto event = events::FromHeaders(record.headers);
  if (!event.ok()) return ref;
  ref.set_pool(std::string(event->pool));
  ref.set_entity(std::string(event->subject));
  ref.set_name(std::string(event->type));
  return ref;
}

InputRef RefOf(const Command& command, int32_t shard) {
  InputRef ref;
  ref.set_topic(std::string(kCommandTopic));
  ref.set_partition(shard);
  ref.set_pool(command.pool);
  ref.set_entity(command.entity);
  ref.set_name(command.type);
  return ref;
}

}  // namespace

bool Worker::InTrial() const {
  for (const auto& [id, shard] : shards_) {
    if (shard->trial) return true;
  }
  return false;
}

absl::Status Worker::GatherOne(absl::Duration max_wait) {
  BeginBatch();
  for (auto& [id, shard] : shards_) {
    if (shard->suspect) return Condemn(shard.get());
  }
  bool worked = false;
  if (absl::Status taken = TakeOne(WaitBound(max_wait), &worked); !taken.ok()) return taken;
  if (rebalanced_) return absl::OkStatus();
  for (auto& [id, shard] : shards_) {
    const int64_t now_us = ports_.steady_us();
    const bool over = shard->trial_inputs >= kTrialInputsMax ||
                      now_us - shard->trial_since_us >= kTrialUsMax ||
                      (!worked && now_us - shard->trial_busy_us >= kQuietUs);
    if (shard->trial && over) EndTrial(shard.get());
  }
  return StoresStatus();
}

// A record, else a command, else a timer, else nothing but clocks.
absl::Status Worker::TakeOne(absl::Duration wait, bool* worked) {
  const auto record = PollRecord(wait);
  if (!record.ok()) return record.status();
  if (rebalanced_) return absl::OkStatus();
  batch_wall_us_ = ports_.wall_us();
  *worked = true;
  if (record->has_value()) {
    const auto it = shards_.find((*record)->partition);
    if (it == shards_.end()) return absl::OkStatus();
    Shard* shard = it->second.get();
    const InputRef ref = RefOf(**record);
    if (ref.name() == events::kClockAdvanced) {  // nothing of the program
      ApplyRecord(**record);
      return absl::OkStatus();
    }
    const auto announced = Announce(shard, ref);
    if (!announced.ok() || !*announced) return announced.status();
    ApplyRecord(**record);
    return Mark(*shard, nullptr);
  }
  std::optional<Command> command;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!queue_.empty()) {
      command = std::move(queue_.front());
      queue_.pop_front();
    }
  }
  if (command) {
    const int32_t id = ShardOfCommand(*command);
    const auto it = shards_.find(id);
    absl::StatusOr<bool> announced = true;
    if (it != shards_.end()) announced = Announce(it->second.get(), RefOf(*command, id));
    if (announced.ok() && *announced) {
      ApplyCommand(*std::move(command));
      if (it != shards_.end()) return Mark(*it->second, nullptr);
    } else {
      const std::lock_guard<std::mutex> lock(mutex_);
      queue_.push_front(*std::move(command));
    }
    return announced.status();
  }
  const auto fired = FireOneTimer();
  if (!fired.ok()) return fired.status();
  if (*fired) return absl::OkStatus();
  *worked = false;
  FireLiveTimers();
  AdvanceEventClocks();
  return absl::OkStatus();
}

// True when the announcement is committed, or the shard is on no trial. False: nothing is
// committed, and what was read will be read again.
absl::StatusOr<bool> Worker::Announce(Shard* shard, const InputRef& ref) {
  if (!shard->trial) return true;
  const int64_t sequence = shard->committed.sequence;
  shard->trying = ref;
  shard->touched = true;
  const absl::Status committed = CommitBatch();
  if (!committed.ok()) return committed;
  shard->trying.reset();
  ++shard->trial_inputs;
  shard->trial_busy_us = ports_.steady_us();
  if (shard->committed.sequence == sequence) return false;
  if (absl::Status marked = Mark(*shard, &ref); !marked.ok()) return marked;
  return true;
}

absl::StatusOr<store::Store*> Worker::Marks() {
  if (!marks_) {
    auto opened = ports_.stores->Open(Cat(service_, "-trial"));
    if (!opened.ok()) return opened.status();
    marks_ = *std::move(opened);
  }
  return marks_.get();
}

// Null takes the shard's mark away.
absl::Status Worker::Mark(const Shard& shard, const InputRef* ref) {
  if (!shard.trial) return absl::OkStatus();
  const auto marks = Marks();
  if (!marks.ok()) return marks.status();
  std::optional<std::string> value;
  if (ref != nullptr) value = Cat(shard.log_id, " ", ref->SerializeAsString());
  return (*marks)->Write({{Cat("shard-", shard.id), std::move(value)}});
}

absl::StatusOr<bool> Worker::DiedOf(const Shard& shard, const InputRef& ref) {
  const auto marks = Marks();
  if (!marks.ok()) return marks.status();
  const auto mark = (*marks)->Get(Cat("shard-", shard.id));
  if (!mark.ok()) return mark.status();
  return *mark == Cat(shard.log_id, " ", ref.SerializeAsString());
}

absl::StatusOr<bool> Worker::FireOneTimer() {
  for (const auto& [pool, mode] : options_.pools) {
    for (auto& [id, shard] : shards_) {
      const int64_t until_us =
          mode == PoolClock::kLive ? batch_wall_us_ : ClockTarget(*shard, pool);
      const auto fired = TryTimer(shard.get(), pool, until_us);
      if (!fired.ok() || *fired) return fired;
    }
  }
  return false;
}

absl::StatusOr<bool> Worker::TryTimer(Shard* shard, const std::string& pool, int64_t until_us) {
  if (!shard->trial) return false;
  while (const auto due = shard->store->FirstDue(pool, until_us)) {
    if (ParkedKeyOf(shard, pool, due->entity) != nullptr) {
      shard->store->SnoozeTimer(pool, *due);
      continue;
    }
    InputRef ref;
    ref.set_topic(std::string(kTimerTopic));
    ref.set_partition(shard->id);
    ref.set_offset(due->at_us);
    ref.set_pool(pool);
    ref.set_entity(due->entity);
    ref.set_name(due->name);
    const auto announced = Announce(shard, ref);
    if (!announced.ok()) return announced;
    const bool live = options_.pools.at(pool) == PoolClock::kLive;
    const int64_t now_us =
        live ? NowFor(shard, pool, 0) : std::max(due->at_us, shard->open.pool_now[pool]);
    if (!*announced) return true;
    FireTimer(shard, pool, *due, now_us);
    if (absl::Status marked = Mark(*shard, nullptr); !marked.ok()) return marked;
    return true;
  }
  return false;
}

absl::Status Worker::Condemn(Shard* shard) {
  const InputRef ref = *shard->suspect;
  shard->trial_busy_us = ports_.steady_us();
  shard->touched = true;
  const bool is_record = ref.topic() != kTimerTopic && ref.topic() != kCommandTopic;
  kafka::Record original;
  original.topic = ref.topic();
  original.partition = ref.partition();
  original.offset = ref.offset();
  original.key = ref.entity();
  if (is_record) {
    int64_t& position = shard->open.positions[ref.topic()];
    if (ref.offset() < position) {  // done: an earlier turn committed it
      shard->suspect.reset();
      return absl::OkStatus();
    }
    const absl::Status read = reader_->ReadRange(
        {ref.topic(), ref.partition()}, ref.offset(), ref.offset() + 1,
        [&](const kafka::Record& found) {
          original = found;
          return true;
        },
        options_.kafka_timeout);
    if (!read.ok()) return read;
    position = ref.offset() + 1;
    NoteOwnRead(shard, original);
    ++batch_inputs_;
  }
  const bool has_key = options_.pools.contains(ref.pool()) && !ref.entity().empty();
  // Of a pool that is no longer served: nothing of it can run here. Or a letter that was redriven:
  // it is still where it was, and nobody tries it again but a person.
  if (!has_key && !is_record) {
    shard->suspect.reset();
    return absl::OkStatus();
  }
  if (has_key) {
    if (!is_record && ParkedKeyOf(shard, ref.pool(), ref.entity()) != nullptr) {
      shard->suspect.reset();
      return absl::OkStatus();
    }
    if (absl::Status parked = Park(shard, ref); !parked.ok()) return parked;
    auto* key = ParkedKeyOf(shard, ref.pool(), ref.entity());
    if (is_record) key->set_letters(key->letters() + 1);
  }
  SetAside(shard, original, ref.pool(), runtime::v1::DEAD_LETTER_CLASS_CRASHED, kCrashed,
           ref.name(), has_key ? ref.entity() : "");
  return absl::OkStatus();
}

void Worker::EndTrial(Shard* shard) {
  ports_.probe->Event("trial_over", Cat(service_, "-", shard->id));
  shard->trial = false;
  shard->trial_inputs = 0;
  shard->owners_without_progress = 0;
  shard->suspect.reset();
  shard->touched = true;
  if (!InTrial()) marks_.reset();
}

}  // namespace regulars::shard
