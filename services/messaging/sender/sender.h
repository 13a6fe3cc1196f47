// The sender: reads decided sends, posts each to the webhook provider until it is taken, refused or
// given up, and reports that back to messaging. A part of the messaging process with its own
// consumer group; one thread.
//
//   topic sends (read_committed) -> Outbox -> HttpPoster -> topic reports + offsets, in ONE
//   transaction
//
// At least once with an idempotency key: a crash after the provider's answer and before the commit
// posts the send again under the same key. The committed position of a partition never passes an
// unfinished send. Order is not kept, also not per member. A request body holds ids and the reason,
// no personal data. Errors: what the log refuses ends a session; a new one begins after
// `session_pause`. Nothing is lost, since positions are only moved in transactions. Back-pressure:
// at queued_max sends the fetching stops (an empty assignment, the group goes on) until half of
// them are done.
#ifndef REGULARS_SERVICES_MESSAGING_SENDER_SENDER_H_
#define REGULARS_SERVICES_MESSAGING_SENDER_SENDER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "services/messaging/sender/http_poster.h"
#include "services/messaging/sender/outbox.h"

namespace regulars::messaging {

inline constexpr char kSenderGroup[] = "regulars.messaging.sender";

struct SenderOptions {
  int32_t generation = 1;
  int32_t slot = 0;  // static member id and transactional.id
  HttpPosterOptions http;
  RetryPolicy retry;
  size_t queued_max = 2000;
  uint64_t jitter_seed = 1;
  absl::Duration commit_every = absl::Milliseconds(50);
  absl::Duration kafka_timeout = absl::Seconds(10);
  absl::Duration session_pause = absl::Seconds(1);
  absl::Duration drain_timeout = absl::Seconds(5);
};

// What the sender reports. Called on its thread; must be cheap.
class SenderProbe {
 public:
  virtual ~SenderProbe() = default;
  virtual void Attempted(Verdict /*verdict*/) {}
  virtual void Committed(size_t /*reports*/) {}
  virtual void Queue(size_t /*queued*/, size_t /*in_flight*/) {}
  virtual void Trouble(std::string_view /*what*/, std::string_view /*detail*/) {}
};

class Sender : private kafka::RebalanceListener {
 public:
  struct Clocks {
    std::function<int64_t()> wall_us;
    std::function<int64_t()> steady_us;
  };
  // INVALID_ARGUMENT as HttpPoster::Make. `log` and `probe` must outlive the sender.
  static absl::StatusOr<std::unique_ptr<Sender>> Make(kafka::Log* log, SenderProbe* probe,
                                                      Clocks clocks, const SenderOptions& options);

  // Works until Stop(): then finishes what is in the air, commits, returns.
  void Run();
  // Any thread.
  void Stop();

 private:
  Sender(kafka::Log* log, SenderProbe* probe, Clocks clocks, const SenderOptions& options,
         std::unique_ptr<HttpPoster> poster);

  absl::Status Session();
  absl::Status BeginAssignment();
  absl::Status ReadRecords();
  void ReadOne(const kafka::Record& record);
  absl::Status Throttle();
  absl::Status AssignNext(bool fetch);
  void StartPosts();
  void ServePosts(absl::Duration timeout);
  void MaybeCommit(bool now);
  [[nodiscard]] bool Commit();
  [[nodiscard]] bool ReadyProducer();
  kafka::TxnResult WriteBatch(const std::vector<FinishedJob>& jobs,
                              const std::map<int32_t, int64_t>& positions);
  void Drain();

  void OnAssigned(const std::vector<kafka::TopicPartition>& partitions) override;
  void OnRevoked(const std::vector<kafka::TopicPartition>& partitions) override;

  kafka::Log* const log_;
  SenderProbe* const probe_;
  const Clocks clocks_;
  const SenderOptions options_;
  const std::string sends_topic_;
  const std::string reports_topic_;
  const std::unique_ptr<HttpPoster> poster_;

  Outbox outbox_;
  std::unique_ptr<kafka::Consumer> consumer_;
  std::unique_ptr<kafka::TransactionalProducer> producer_;
  std::vector<kafka::TopicPartition> assigned_;
  std::shared_ptr<const kafka::GroupToken> token_;  // taken in OnAssigned
  std::map<int32_t, int64_t> committed_;
  bool assignment_pending_ = false;  // OnAssigned came, fetching has not begun
  bool fetching_ = false;
  int64_t next_commit_us_ = 0;   // not earlier, unless there is nothing left to wait for
  int64_t retry_commit_us_ = 0;  // not earlier after a failure

  std::atomic<bool> stop_{false};
  std::mutex wake_mutex_;  // guards consumer_ against Stop()
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SENDER_SENDER_H_
