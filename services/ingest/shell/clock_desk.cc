#include "services/ingest/shell/clock_desk.h"

#include <algorithm>
#include <condition_variable>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::ingest {
namespace {

absl::Status Refused(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status LogAway() {
  return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "LOG_AWAY",
                                    "the log did not confirm the promise; repeat the same time"),
                        kMicrosPerSecond);
}

// Counts down what was produced; shared with the callbacks, which may outlive a wait that timed
// out.
class Acks {
 public:
  explicit Acks(int open) : open_(open) {}

  void Add(bool good) {
    const std::lock_guard lock(mutex_);
    good_ = good_ && good;
    if (--open_ == 0) done_.notify_all();
  }
  // False if one failed or the time is over.
  bool Wait(absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, absl::ToChronoMicroseconds(timeout), [this] {
      return open_ == 0;
    }) && good_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  int open_;
  bool good_ = true;
};

bool WriteAll(kafka::Producer* producer, const std::vector<kafka::OutRecord>& records,
              absl::Duration timeout) {
  auto acks = std::make_shared<Acks>(static_cast<int>(records.size()));
  for (const kafka::OutRecord& record : records) {
    const absl::Status queued = producer->Produce(
        record, [acks](absl::StatusOr<int64_t> offset) { acks->Add(offset.ok()); });
    if (!queued.ok()) acks->Add(false);
  }
  return acks->Wait(timeout);
}

}  // namespace

ClockDesk::ClockDesk(Records records, MakeReader make_reader, kafka::Producer* producer,
                     const TouchCounts* counts)
    : records_(std::move(records)),
      make_reader_(std::move(make_reader)),
      producer_(producer),
      counts_(counts) {}

absl::Status ClockDesk::Load(absl::Duration timeout) {
  const std::lock_guard lock(advance_mutex_);
  const absl::Status read = ReadPromises(timeout);
  reader_.reset();
  REGULARS_RETURN_IF_ERROR(read);
  const std::lock_guard shown(shown_mutex_);
  shown_ = promised_;
  return absl::OkStatus();
}

absl::Status ClockDesk::ReadPromises(absl::Duration timeout) {
  if (reader_ == nullptr) {
    REGULARS_ASSIGN_OR_RETURN(reader_, make_reader_());
  }
  const kafka::TopicPartition clocks{records_.clocks_topic(), 0};
  REGULARS_ASSIGN_OR_RETURN(const kafka::Watermarks marks,
                            reader_->QueryWatermarks(clocks, timeout));
  const int64_t from = std::max(read_to_, marks.low);
  if (from < marks.high) {
    REGULARS_RETURN_IF_ERROR(reader_->ReadRange(
        clocks, from, marks.high,
        [this](const kafka::Record& record) {
          runtime::v1::ClockAdvanced clock;
          if (record.has_value &&
              clock.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
            Micros& promised = promised_[clock.pool()];
            promised = std::max(promised, clock.clock_us());
          }
          return true;
        },
        timeout));
  }
  read_to_ = marks.high;
  return absl::OkStatus();
}

absl::StatusOr<Micros> ClockDesk::Advance(const PoolRules& rules, Micros clock_us,
                                          absl::Duration timeout) {
  if (!rules.event_clock) {
    return Refused("CLOCK_IS_WALL", "this pool lives on the wall clock");
  }
  if (!IsValidInstant(clock_us)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "TIME_INVALID",
                       "the time lies outside of the years 1970 to 9999");
  }
  const std::lock_guard lock(advance_mutex_);
  if (counts_->InFlightOf(rules.pool) > 0) {
    return Refused("TOUCHES_IN_FLIGHT", "touches of this pool are not answered yet");
  }
  if (!ReadPromises(timeout).ok()) return LogAway();
  Micros& promised = promised_[rules.pool];
  if (clock_us < promised) return Refused("CLOCK_BACKWARDS", "a later time was promised before");

  // Remembered first: a promise that was passed on is never forgotten.
  if (!WriteAll(producer_, {records_.RememberedClock(rules.pool, clock_us)}, timeout)) {
    return LogAway();
  }
  promised = clock_us;
  std::vector<kafka::OutRecord> records;
  for (int32_t partition = 0; partition < records_.shard_count(); ++partition) {
    records.push_back(records_.Clock(rules.pool, clock_us, partition));
  }
  if (!WriteAll(producer_, records, timeout)) return LogAway();
  const std::lock_guard shown(shown_mutex_);
  shown_[rules.pool] = clock_us;
  return clock_us;
}

std::optional<Micros> ClockDesk::Clock(const std::string& pool) const {
  const std::lock_guard lock(shown_mutex_);
  const auto it = shown_.find(pool);
  if (it == shown_.end()) return std::nullopt;
  return it->second;
}

}  // namespace regulars::ingest
