// A single letter taken up again, after its cause was mended. It takes effect once, for ever: the
// mark is a state of its entity, in the same transaction as the effect.
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "libs/shard/letter.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_service.pb.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::DeadLetter;

constexpr std::string_view kRedrivenPrefix = "@redriven/";

absl::Status Unknown() {
  return DomainError(absl::StatusCode::kNotFound, "LETTER_UNKNOWN",
                     "no letter of this pool begins at this offset");
}

absl::Status Precondition(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status Unreadable() {
  return Precondition("LETTER_UNREADABLE", "the letter cannot be opened: a seal key is gone");
}

bool ParseLetter(const kafka::Record& record, DeadLetter* letter) {
  return letter->ParseFromArray(record.value.data(), static_cast<int>(record.value.size()));
}

// Part `number` of the letter that begins with `head`.
bool IsPart(const DeadLetter& head, const DeadLetter& part, size_t number) {
  return part.part() == number && part.topic() == head.topic() &&
         part.partition() == head.partition() && part.offset() == head.offset() &&
         part.time_us() == head.time_us();
}

// The offset alone would do, if no topic were ever made anew.
std::string MarkOf(const DeadLetter& head, int64_t offset) {
  return Cat(kRedrivenPrefix, offset, "@", head.time_us());
}

}  // namespace

Reply Worker::RedriveLetter(Shard* shard, const Command& command) {
  runtime::v1::RedriveLetterRequest request;
  REGULARS_ASSERT(request.ParseFromString(command.payload), "a redrive without its request");
  const auto refused = [](const absl::Status& status) -> Reply {
    if (!ReasonOf(status).empty()) {
      return {status.code(), ReasonOf(status), std::string(status.message()), ""};
    }
    return {absl::StatusCode::kUnavailable, "LETTERS_AWAY", std::string(status.message()), ""};
  };
  Letter letter;
  absl::Status read = ReadLetter(shard, request.offset(), command.pool, &letter);
  if (!read.ok()) return refused(read);
  runtime::v1::OriginalRecord whole;
  kafka::Record record;
  if (!OriginalOf(letter, &whole, &record)) return refused(Unreadable());
  const auto event = events::FromHeaders(record.headers);
  if (!event.ok() || event->pool != command.pool) return refused(Unknown());
  if (event->type == events::kClockAdvanced) {
    return refused(Precondition("LETTER_WITHOUT_INPUT", "a clock record: a later one says more"));
  }
  const std::string mark = MarkOf(letter.head, request.offset());
  if (shard->store->Get(StateKey(command.pool, event->subject, mark))) {
    return refused(Precondition("LETTER_REDRIVEN", "the letter took effect already"));
  }
  if (ParkedKeyOf(shard, command.pool, event->subject) != nullptr) {
    return refused(Precondition("KEY_PARKED", "the key of the letter is parked: redrive the key"));
  }
  runtime::v1::RedriveLetterResponse response;
  response.set_reason(ApplyEvent(shard, record));
  runtime::v1::RedrivenLetter done;
  done.set_time_us(batch_wall_us_);
  done.set_caller(command.caller);
  done.set_reason(response.reason());
  shard->store->PutState(command.pool, event->subject, mark, done.SerializeAsString(), 0);
  ++shard->open.sums[{letter.head.pool(), std::string(kLettersRedriven)}];
  shard->touched = true;
  ports_.probe->Event("letter_redriven", Cat(service_, "-", shard->id, "@", request.offset()));
  return {absl::StatusCode::kOk, "", "", response.SerializeAsString()};
}

// A status without a reason: the log could not be read.
absl::Status Worker::ReadLetter(Shard* shard, int64_t offset, const std::string& pool,
                                Letter* letter) {
  const kafka::TopicPartition topic{Topic(service_, events::kDeadLettersKind), shard->id};
  const auto marks = reader_->QueryWatermarks(topic, options_.kafka_timeout);
  if (!marks.ok()) return marks.status();
  if (offset < marks->low || offset >= marks->high) return Unknown();
  std::vector<DeadLetter> parts;
  const absl::Status read = reader_->ReadRange(
      topic, offset, marks->high,
      [&](const kafka::Record& record) {
        DeadLetter part;
        if (parts.empty() && record.offset != offset) return false;
        if (!ParseLetter(record, &part)) return false;
        if (!IsPart(parts.empty() ? part : parts.front(), part, parts.size())) return false;
        parts.push_back(std::move(part));
        letter->next = record.offset + 1;
        return parts.size() < parts.front().parts();
      },
      options_.kafka_timeout);
  if (!read.ok()) return read;
  if (parts.empty()) return Unknown();
  letter->head = parts.front();
  absl::Status sound = CheckLetter(shard, letter->head, offset, pool);
  if (!sound.ok()) return sound;
  if (parts.size() < letter->head.parts()) {
    return Precondition("LETTER_INCOMPLETE", "a part of the letter is gone");
  }
  for (const DeadLetter& part : parts) {
    const auto opened = ports_.open(letter->head.pool(), part.original());
    if (!opened.ok()) return Unreadable();
    letter->bytes += *opened;
  }
  return absl::OkStatus();
}

// What the first part says without being opened.
absl::Status Worker::CheckLetter(Shard* shard, const DeadLetter& head, int64_t offset,
                                 const std::string& pool) {
  if (head.pool() != pool && head.pool() != kNoPool) return Unknown();
  if (head.topic().starts_with('@')) {
    return Precondition("LETTER_WITHOUT_INPUT",
                        "a timer fires by itself, a command is its caller's to repeat");
  }
  if (head.entity().empty()) return absl::OkStatus();
  // It waited for a key, and took effect with it if it waits no more.
  const auto* parked = ParkedKeyOf(shard, head.pool(), head.entity());
  if (parked != nullptr && offset >= parked->next_letter()) {
    return Precondition("KEY_PARKED", "the letter waits for its key: redrive the key");
  }
  return Precondition("LETTER_REDRIVEN", "the letter took effect with its key");
}

}  // namespace regulars::shard
