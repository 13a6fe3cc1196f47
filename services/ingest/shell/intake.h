// The door behind the door: takes a touch that a caller may send, and sees it into the log. Knows
// no gRPC, so the fake log can stand behind it in tests.
//
// Answers come only after every in-sync replica has the record (acks=all). What waits for the log
// is bounded in records and bytes; above that a touch is refused at once, nothing queues up.
// Thread-safety: every method from every thread. Lifecycle: destroy it after the last answer; Drain
// waits for that.
#ifndef REGULARS_SERVICES_INGEST_SHELL_INTAKE_H_
#define REGULARS_SERVICES_INGEST_SHELL_INTAKE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "regulars/types/v1/sealed.pb.h"
#include "services/ingest/codec/records.h"
#include "services/ingest/kernel/pool_rules.h"
#include "services/ingest/kernel/refusal.h"
#include "services/ingest/shell/touch_counts.h"

namespace regulars::ingest {

// A pool and its secrets, as functions: neither key nor pepper is held here.
struct PoolDoor {
  PoolRules rules;
  IdentifierHasher hasher;  // HMAC-SHA-256 under the pool's pepper
  // AES-256-GCM under the pool's transport key of the day; `field` is bound to the box with the
  // pool.
  std::function<absl::StatusOr<types::v1::Sealed>(std::string_view clear, std::string_view field)>
      seal;
};

struct Receipt {
  std::string touch_id;
  bool quarantined = false;
};

class Intake {
 public:
  using Done = std::function<void(absl::StatusOr<Receipt>)>;

  // `now` reads the wall clock. `producer` and `counts` must outlive this object.
  Intake(std::vector<PoolDoor> pools, Records records, std::function<Micros()> now,
         std::string code_version, kafka::Producer* producer, TouchCounts* counts);

  // Calls `done` exactly once, from inside this call or from a thread of the log.
  //   INVALID_ARGUMENT    reasons of refusal.h; nothing was written
  //   NOT_FOUND           POOL_UNKNOWN
  //   RESOURCE_EXHAUSTED  QUEUE_FULL, with RetryInfo; nothing was written
  //   UNAVAILABLE         LOG_AWAY, with RetryInfo; unknown whether it was written: repeat it
  // With `quarantine_on_error` what would be refused for its content is kept aside instead, except
  // a touch above 64 KiB.
  void Record(const std::string& pool, v1::TouchInput touch, bool quarantine_on_error, Done done);

  // A touch of an authenticated caller that could not even be read: counted as refused.
  void CountUnreadable(const std::string& pool, std::string_view reason);

  // nullptr if there is no such pool.
  const PoolDoor* Find(const std::string& pool) const;

  // Waits until every touch was answered. DEADLINE_EXCEEDED when the time is over.
  absl::Status Drain(absl::Duration timeout);

 private:
  void Quarantine(const PoolDoor& door, const v1::TouchInput& touch, const Refusal& refusal,
                  Done done);
  void Send(const std::string& pool, kafka::OutRecord record, Receipt receipt, Done done);
  void Refuse(const std::string& pool, const absl::Status& status, const Done& done);

  std::map<std::string, PoolDoor> pools_;
  const Records records_;
  const std::function<Micros()> now_;
  const std::string code_version_;
  kafka::Producer* const producer_;
  TouchCounts* const counts_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_INTAKE_H_
