// What a shard says to itself: applied in the transaction that says it, in the order in which it
// was said, instead of going through the log (docs/adr/0011).
//
// Between a shard and itself there is one channel, and nothing may overtake in it. So a message
// goes through the log after all while an earlier one is on its way there; and everything that is
// not the plain case takes that way, too, where the rules for it are: a trial, a parked key, what
// does not decode, what is set aside, what does not fit, a chain that does not end.
#include <utility>

#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/entity_state.h"
#include "libs/shard/worker.h"

namespace regulars::shard {

bool Worker::StaysHere(const Shard& shard) const {
  return options_.local_messages && !shard.trial && shard.open.own_on_the_way == 0;
}

void Worker::NoteOwnRead(Shard* shard, const kafka::Record& record) {
  int64_t& waiting = shard->open.own_on_the_way;
  if (waiting == 0 || !IsLoop(record.topic)) return;
  const auto event = events::FromHeaders(record.headers);
  if (event.ok() && event->shard == Cat(shard->id) && event->type != events::kClockAdvanced) {
    --waiting;
  }
}

void Worker::ApplyLocal(Shard* shard) {
  for (int applied = 0; !shard->local.empty(); ++applied) {
    LocalMessage message = std::move(shard->local.front());
    shard->local.pop_front();
    const bool plain = shard->open.own_on_the_way == 0 && applied < kLocalMessagesMax &&
                       message.depth <= kLocalDepthMax;
    shard->local_depth = message.depth;
    if (plain && ApplyLocalMessage(shard, message)) continue;
    ++shard->open.own_on_the_way;
    OutputEvent(shard, message.pool, std::move(message.topic), shard->id,
                std::move(message.publish));
  }
  shard->local_depth = 0;
}

// False: it has to go through the log, and nothing was changed but timers that were due.
bool Worker::ApplyLocalMessage(Shard* shard, const LocalMessage& message) {
  const Publish& publish = message.publish;
  if (ParkedKeyOf(shard, message.pool, publish.entity) != nullptr) return false;
  Input input;
  input.kind = InputKind::kRecord;
  input.pool = message.pool;
  input.entity = publish.entity;
  input.type = publish.type;
  input.id = publish.id;
  input.payload = publish.payload;
  input.time_us = publish.time_us;
  input.topic = message.topic;
  input.partition = shard->id;
  input.offset = kLocalOffsets + shard->open.local_messages;
  bool skip = false;
  if (!program_->Decode(&input, &skip).ok()) return false;
  if (ParkedKeyOf(shard, input.pool, input.entity) != nullptr) return false;
  NoteLoopMessage(shard, input.pool, input.time_us);
  ++shard->open.local_messages;
  ++batch_inputs_;
  shard->touched = true;
  if (skip) return true;
  input.now_us = NowFor(shard, input.pool, input.time_us);
  FireOwnTimers(shard, input.pool, input.entity, input.now_us);
  Effects effects = program_->Apply(StoreEntityState(shard->store.get(), input), input);
  if (!FitsLog(effects) || effects.dead_letter) return false;
  CarryOut(shard, input, std::move(effects));
  return true;
}

}  // namespace regulars::shard
