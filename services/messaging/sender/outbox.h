// The sender's books: which sends are waiting, in the air or finished, when the next attempt of
// each is due, and how far each partition may be committed. No I/O, no clock, no threads: the
// caller gives the time (any steady clock, in microseconds) and the seed of the jitter.
//
// A send is forgotten when its report is committed. Until then the position of its partition stays
// at or below it, so that a crash reads it again: at least once, under the same idempotency key.
//
// A merge or split may give the send to another member, whose partition has a job of the same key
// then. The record that says so (SendDecided.withdrawn) comes behind the job: what waits here is
// forgotten without a report; what is in the air ends, and is reported if it was delivered, else it
// is the other one's to try again.
#ifndef REGULARS_SERVICES_MESSAGING_SENDER_OUTBOX_H_
#define REGULARS_SERVICES_MESSAGING_SENDER_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "regulars/messaging/v1/messaging_events.pb.h"

namespace regulars::messaging {

struct RetryPolicy {
  int32_t attempts_max = 8;             // 1..kAttemptsMax of the kernel
  int64_t backoff_first_us = 200'000;   // before the second attempt; doubles with each further one
  int64_t backoff_max_us = 10'000'000;  // the drawn pause is between a half and the whole of it
};

// What one attempt came to. http_status 0: no answer.
struct AttemptResult {
  int32_t http_status = 0;
  std::string provider_message_id;
};

enum class Verdict : uint8_t {
  kDelivered,  // 2xx
  kRetry,      // no answer, 408, 429, 5xx
  kRefused,    // anything else: asking again would not help
};
[[nodiscard]] Verdict VerdictOf(int32_t http_status);

// (partition, offset) of the job: its name in the books.
using JobId = std::pair<int32_t, int64_t>;

struct Job {
  std::string pool;
  v1::SendDecided decision;
};

struct FinishedJob {
  JobId id;
  std::string pool;
  int64_t decided_us = 0;  // on the pool's clock
  v1::DeliveryReported report;
};

class Outbox {
 public:
  Outbox(RetryPolicy policy, uint64_t seed) : policy_(policy), random_(seed) {}

  // A partition is read from `position` on.
  void Assign(int32_t partition, int64_t position);
  // Everything of the old assignment is dropped; whoever has it now does it again.
  void Clear();

  // The record at id.second was read, in order of offset. Without a job it needs no work. A
  // withdrawn one takes back the job of its key that the partition had before.
  void Read(JobId id, std::optional<Job> job, int64_t now_us);
  // The next job whose attempt is due, now in the air. The pointer is good until the next call.
  [[nodiscard]] const Job* TakeDue(int64_t now_us, JobId* id);
  // An attempt ended. Ids that are not in the air (an old assignment's) are ignored. Returns what
  // it means, kRetry also for the last attempt, which finishes the job as failed.
  Verdict Attempted(JobId id, const AttemptResult& result, int64_t now_us, int64_t wall_us);

  // Finished jobs whose reports are not committed yet.
  [[nodiscard]] std::vector<FinishedJob> Finished() const;
  // Positions to commit together with the reports of all finished jobs.
  [[nodiscard]] std::map<int32_t, int64_t> Positions() const;
  // A transaction with what Finished() and Positions() said was committed.
  void Committed(const std::vector<FinishedJob>& jobs);

  // The next offsets to read.
  [[nodiscard]] const std::map<int32_t, int64_t>& next_offsets() const { return next_offsets_; }
  [[nodiscard]] std::optional<int64_t> next_due_us() const;
  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] size_t in_flight() const { return in_flight_; }
  [[nodiscard]] size_t finished() const { return finished_; }

 private:
  enum class State : uint8_t { kWaiting, kInFlight, kFinished };
  struct Entry {
    Job job;
    State state = State::kWaiting;
    int64_t due_us = 0;  // while waiting
    bool withdrawn = false;
    int32_t attempts = 0;
    v1::DeliveryReported report;  // when finished
  };

  using Key = std::pair<int32_t, std::string>;  // partition, idempotency key

  [[nodiscard]] int64_t Backoff(int32_t attempts);
  void Wait(JobId id, Entry* entry, int64_t due_us);
  void Withdraw(const Key& key);
  void Forget(std::map<JobId, Entry>::iterator entry);

  const RetryPolicy policy_;
  std::mt19937_64 random_;
  std::map<JobId, Entry> entries_;
  std::map<Key, JobId> newest_;              // of those that are not withdrawn
  std::set<std::pair<int64_t, JobId>> due_;  // waiting ones by time
  std::map<int32_t, int64_t> next_offsets_;
  size_t in_flight_ = 0;
  size_t finished_ = 0;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SENDER_OUTBOX_H_
