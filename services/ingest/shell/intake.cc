#include "services/ingest/shell/intake.h"

#include <optional>
#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "services/ingest/kernel/canonical.h"
#include "services/ingest/kernel/validate.h"

namespace regulars::ingest {
namespace {

constexpr Micros kRetryFullUs = 100 * kMicrosPerMilli;
constexpr Micros kRetryAwayUs = kMicrosPerSecond;

absl::Status QueueFull() {
  return WithRetryAfter(DomainError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                                    "too many touches wait for the log; nothing was written"),
                        kRetryFullUs);
}

absl::Status LogAway(const absl::Status& why) {
  return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "LOG_AWAY",
                                    "the log did not confirm the touch; it may be there: repeat it",
                                    {{"log_status", absl::StatusCodeToString(why.code())}}),
                        kRetryAwayUs);
}

int64_t BytesOf(const kafka::OutRecord& record) {
  size_t bytes = record.key.size() + record.value.value_or("").size();
  for (const auto& [name, value] : record.headers) bytes += name.size() + value.size();
  return static_cast<int64_t>(bytes);
}

bool IsName(const std::string& text, size_t max) {
  return !text.empty() && text.size() <= max && model::IsPlainText(text);
}

// Contact and text, each in a seal of its own: they are erased and read independently.
absl::Status SealPersonal(const PoolDoor& door, const v1::TouchInput& input, v1::Touch* touch) {
  if (input.has_contact() && input.contact().ByteSizeLong() > 0) {
    REGULARS_ASSIGN_OR_RETURN(*touch->mutable_contact(),
                              door.seal(input.contact().SerializeAsString(), "contact"));
  }
  if (!input.text().empty()) {
    REGULARS_ASSIGN_OR_RETURN(*touch->mutable_text(), door.seal(input.text(), "text"));
  }
  return absl::OkStatus();
}

}  // namespace

Intake::Intake(std::vector<PoolDoor> pools, Records records, std::function<Micros()> now,
               std::string code_version, kafka::Producer* producer, TouchCounts* counts)
    : records_(std::move(records)),
      now_(std::move(now)),
      code_version_(std::move(code_version)),
      producer_(producer),
      counts_(counts) {
  for (PoolDoor& pool : pools) pools_.emplace(pool.rules.pool, std::move(pool));
}

const PoolDoor* Intake::Find(const std::string& pool) const {
  const auto it = pools_.find(pool);
  return it == pools_.end() ? nullptr : &it->second;
}

void Intake::Record(const std::string& pool, v1::TouchInput input, bool quarantine_on_error,
                    Done done) {
  counts_->Received(pool);
  const PoolDoor* door = Find(pool);
  if (door == nullptr) {
    return Refuse(pool, DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN", "no such pool"),
                  done);
  }
  const Micros now_us = now_();
  NormalIdentifiers identifiers;
  const std::optional<Refusal> refusal = Validate(input, door->rules, now_us, &identifiers);
  counts_->Dropped(identifiers.dropped);
  if (refusal.has_value()) {
    if (quarantine_on_error && refusal->reason != RefusalReason::kTouchTooLarge &&
        refusal->reason != RefusalReason::kTouchMissing) {
      return Quarantine(*door, input, *refusal, std::move(done));
    }
    return Refuse(pool, ToStatus(*refusal), done);
  }
  CanonicalTouch canonical = Canonicalize(&input, identifiers, now_us, door->hasher);
  v1::Touch* touch = canonical.received.mutable_touch();
  if (const absl::Status sealed = SealPersonal(*door, input, touch); !sealed.ok()) {
    return Refuse(pool, sealed, done);
  }
  kafka::OutRecord record = records_.Touch(pool, canonical);
  Send(pool, std::move(record), {std::move(*touch->mutable_touch_id()), false}, std::move(done));
}

void Intake::Quarantine(const PoolDoor& door, const v1::TouchInput& touch, const Refusal& refusal,
                        Done done) {
  const std::string& pool = door.rules.pool;
  const std::string original = touch.SerializeAsString();
  absl::StatusOr<types::v1::Sealed> sealed = door.seal(original, "quarantine");
  if (!sealed.ok()) return Refuse(pool, ToStatus(refusal), done);

  v1::TouchQuarantined quarantined;
  *quarantined.mutable_original() = *std::move(sealed);
  quarantined.set_original_type(v1::TouchInput::descriptor()->full_name());
  const bool named = IsName(touch.source(), limits::kSourceNameMax) &&
                     IsName(touch.native_id(), limits::kNativeIdMax);
  if (named) {
    quarantined.set_source(touch.source());
    quarantined.set_native_id(touch.native_id());
  }
  quarantined.set_reason(std::string(ReasonText(refusal.reason)));
  quarantined.set_detail(Cat(Sentence(refusal.reason), ": ", refusal.field));
  quarantined.set_time_us(now_());
  quarantined.set_code_version(code_version_);
  const std::string id = named ? model::TouchId(touch.source(), touch.native_id())
                               : model::HashedId({"quarantine", original});
  Send(pool, records_.Quarantined(pool, id, quarantined), {id, true}, std::move(done));
}

void Intake::Send(const std::string& pool, kafka::OutRecord record, Receipt receipt, Done done) {
  const int64_t bytes = BytesOf(record);
  if (!counts_->TakeRoom(bytes)) return Refuse(pool, QueueFull(), done);
  // Shared: the log keeps its callback copyable, and after a full queue the answer is ours again.
  auto answer = std::make_shared<Done>(std::move(done));
  const absl::Status queued =
      producer_->Produce(record, [this, pool, bytes, answer, receipt = std::move(receipt)](
                                     absl::StatusOr<int64_t> offset) mutable {
        counts_->GiveRoom(bytes);
        if (!offset.ok()) return Refuse(pool, LogAway(offset.status()), *answer);
        // Counted before the answer: who was answered sees the counters agree.
        if (receipt.quarantined) {
          counts_->Quarantined(pool);
        } else {
          counts_->Acknowledged(pool);
        }
        (*answer)(std::move(receipt));
      });
  if (queued.ok()) return;
  counts_->GiveRoom(bytes);
  Refuse(pool, absl::IsResourceExhausted(queued) ? QueueFull() : LogAway(queued), *answer);
}

void Intake::Refuse(const std::string& pool, const absl::Status& status, const Done& done) {
  const std::string reason = ReasonOf(status);
  counts_->Refused(pool, reason.empty() ? "INTERNAL" : reason);
  done(status);
}

void Intake::CountUnreadable(const std::string& pool, std::string_view reason) {
  counts_->Received(pool);
  counts_->Refused(pool, reason);
}

absl::Status Intake::Drain(absl::Duration timeout) { return producer_->Flush(timeout); }

}  // namespace regulars::ingest
