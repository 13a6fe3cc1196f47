// Parked keys: their inputs wait in the dead-letter partition, in order, until they are redriven.
#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/shard/letter.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::DeadLetter;
using runtime::v1::ParkedKey;

// Of letters opened for one redrive.
constexpr size_t kRedriveBytesMax = size_t{16} << 20;

Reply Refuse(absl::StatusCode code, std::string_view reason, std::string_view message) {
  return {code, std::string(reason), std::string(message), ""};
}

}  // namespace

ParkedKey* Worker::ParkedKeyOf(Shard* shard, std::string_view pool, std::string_view entity) {
  auto& parked = shard->open.parked;
  if (parked.empty()) return nullptr;
  const auto it = parked.find({std::string(pool), std::string(entity)});
  return it == parked.end() ? nullptr : &it->second;
}

absl::Status Worker::Park(Shard* shard, const runtime::v1::InputRef& culprit) {
  if (ParkedKeyOf(shard, culprit.pool(), culprit.entity()) != nullptr) return absl::OkStatus();
  const kafka::TopicPartition letters{Topic(service_, events::kDeadLettersKind), shard->id};
  const auto marks = reader_->QueryWatermarks(letters, options_.kafka_timeout);
  if (!marks.ok()) return marks.status();
  REGULARS_ASSERT(shard->open.parked.size() < kParkedKeysMax, "too many keys of a shard crash");
  ParkedKey key;
  key.set_pool(culprit.pool());
  key.set_entity(culprit.entity());
  *key.mutable_culprit() = culprit;
  key.set_since_us(batch_wall_us_);
  key.set_next_letter(marks->high);
  shard->open.parked[{culprit.pool(), culprit.entity()}] = std::move(key);
  ports_.probe->Event("key_parked",
                      Cat(service_, "-", shard->id, ": ", culprit.topic(), "/", culprit.offset()));
  return absl::OkStatus();
}

std::string Worker::SetAsideParked(Shard* shard, const kafka::Record& record, ParkedKey* key) {
  key->set_letters(key->letters() + 1);
  return SetAside(shard, record, key->pool(), runtime::v1::DEAD_LETTER_CLASS_PARKED, "KEY_PARKED",
                  "an earlier input of this key crashed the service", key->entity());
}

absl::Status Worker::ReadLetters(const Shard& shard, const ParkedKey& key,
                                 std::vector<Letter>* letters, bool* removed) {
  const kafka::TopicPartition topic{Topic(service_, events::kDeadLettersKind), shard.id};
  const auto marks = reader_->QueryWatermarks(topic, options_.kafka_timeout);
  if (!marks.ok()) return marks.status();
  // By retention, or with the topic. A letter that is only not visible yet leaves both as they are.
  *removed = marks->low > key.next_letter() || marks->high < key.next_letter();
  absl::Status status;
  size_t bytes = 0;
  const absl::Status read = reader_->ReadRange(
      topic, std::max(key.next_letter(), marks->low), marks->high,
      [&](const kafka::Record& record) {
        DeadLetter letter;
        const bool parsed =
            letter.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()));
        if (!parsed || letter.pool() != key.pool() || letter.entity() != key.entity() ||
            letter.topic().starts_with('@')) {
          return true;
        }
        if (letter.part() == 0) {
          if (letters->size() == kRedriveMax || bytes >= kRedriveBytesMax) return false;
          letters->emplace_back().head = letter;
        }
        const auto opened = ports_.open(key.pool(), letter.original());
        if (!opened.ok() || letters->empty()) {
          status = DomainError(absl::StatusCode::kFailedPrecondition, "LETTER_UNREADABLE",
                               "what waits cannot be opened: a seal key is gone");
          return false;
        }
        bytes += opened->size();
        letters->back().bytes += *opened;
        letters->back().next = record.offset + 1;
        return true;
      },
      options_.kafka_timeout);
  return status.ok() ? read : status;
}

Reply Worker::Redrive(Shard* shard, const Command& command) {
  ParkedKey* parked = ParkedKeyOf(shard, command.pool, command.entity);
  if (parked == nullptr) {
    return Refuse(absl::StatusCode::kNotFound, "KEY_NOT_PARKED", "nothing waits for this key");
  }
  ParkedKey key = *parked;
  std::vector<Letter> letters;
  bool removed = false;
  if (const absl::Status read = ReadLetters(*shard, key, &letters, &removed); !read.ok()) {
    if (read.code() == absl::StatusCode::kFailedPrecondition) {
      return Refuse(read.code(), ReasonOf(read), StdView(read.message()));
    }
    return Refuse(absl::StatusCode::kUnavailable, "LETTERS_AWAY", StdView(read.message()));
  }
  // No longer parked for what follows. Its timers stood still; the due ones fire before an input.
  shard->open.parked.erase({key.pool(), key.entity()});
  shard->store->WakeTimers(key.pool(), key.entity());
  for (const Letter& letter : letters) {
    runtime::v1::OriginalRecord whole;
    kafka::Record record;
    REGULARS_ASSERT(OriginalOf(letter, &whole, &record), "an original is garbled");
    ApplyEvent(shard, record);
    ++shard->open.sums[{key.pool(), std::string(kLettersRedriven)}];
    key.set_redriven(key.redriven() + 1);
    key.set_next_letter(letter.next);
  }
  shard->touched = true;
  // Letters of the open batch are not in the log yet, and those of the last one may not be visible
  // yet: the broker answers a commit before its markers are written. Such a key stays parked.
  const auto committed = shard->committed.parked.find({key.pool(), key.entity()});
  const bool all_there =
      committed != shard->committed.parked.end() && committed->second.letters() == key.letters();
  if (letters.empty() && all_there && removed && key.redriven() < key.letters()) {
    ports_.probe->Event("letters_lost", Cat(service_, "-", shard->id));
    key.set_redriven(key.letters());
  }
  runtime::v1::RedriveKeyResponse response;
  response.set_applied(static_cast<int64_t>(letters.size()));
  response.set_waiting(key.letters() - key.redriven());
  if (response.waiting() == 0) {
    ports_.probe->Event("key_lifted", Cat(service_, "-", shard->id));
  } else {
    shard->open.parked[{key.pool(), key.entity()}] = std::move(key);
  }
  return {absl::StatusCode::kOk, "", "", response.SerializeAsString()};
}

}  // namespace regulars::shard
