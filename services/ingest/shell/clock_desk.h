// Promises about time. For a pool with `clock: event` AdvanceClock(t) says that every touch before
// t has been acknowledged; the promise goes to every partition of the touches topic, behind those
// touches.
//
// Ingest is stateless, promises are not: each is first written to a small compacted topic, which
// every instance reads again before it makes the next one. So an instance that was restarted, or
// another one, still refuses to go backwards. Thread-safety: every method from every thread;
// Advance blocks (milliseconds) and is serialised.
#ifndef REGULARS_SERVICES_INGEST_SHELL_CLOCK_DESK_H_
#define REGULARS_SERVICES_INGEST_SHELL_CLOCK_DESK_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "services/ingest/codec/records.h"
#include "services/ingest/kernel/pool_rules.h"
#include "services/ingest/shell/touch_counts.h"

namespace regulars::ingest {

class ClockDesk {
 public:
  // A client of Kafka wakes up every second, so there is one only where promises are made.
  using MakeReader = std::function<absl::StatusOr<std::unique_ptr<kafka::Reader>>()>;

  // `producer` and `counts` are those of the intake and must outlive this object.
  ClockDesk(Records records, MakeReader make_reader, kafka::Producer* producer,
            const TouchCounts* counts);

  // Reads what was promised so far, so that Clock can show it. After an error it may be called
  // again (PromiseLoader does).
  absl::Status Load(absl::Duration timeout);

  // The new clock. Repeating the last time is allowed and writes the promise again.
  //   FAILED_PRECONDITION  CLOCK_IS_WALL, TOUCHES_IN_FLIGHT, CLOCK_BACKWARDS; nothing was written
  //   INVALID_ARGUMENT     TIME_INVALID outside of the years 1970 to 9999
  //   UNAVAILABLE          LOG_AWAY, with RetryInfo: unknown how far it went; repeat the same time
  absl::StatusOr<Micros> Advance(const PoolRules& rules, Micros clock_us, absl::Duration timeout);

  // The last acknowledged promise this instance knows; nullopt before the first.
  std::optional<Micros> Clock(const std::string& pool) const;

 private:
  absl::Status ReadPromises(absl::Duration timeout);

  const Records records_;
  const MakeReader make_reader_;
  kafka::Producer* const producer_;
  const TouchCounts* const counts_;

  std::mutex advance_mutex_;  // one promise at a time; guards reader_, read_to_, promised_
  std::unique_ptr<kafka::Reader> reader_;
  int64_t read_to_ = 0;
  std::map<std::string, Micros> promised_;  // also what is not acknowledged everywhere yet

  mutable std::mutex shown_mutex_;
  std::map<std::string, Micros> shown_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_CLOCK_DESK_H_
