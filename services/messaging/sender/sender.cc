#include "services/messaging/sender/sender.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"

namespace regulars::messaging {
namespace {

constexpr int kRecordsPerTurn = 256;
constexpr int kSameCallMax = 5;  // of a retriable transactional call
constexpr absl::Duration kIdleWait = absl::Milliseconds(500);
constexpr absl::Duration kBusyWait = absl::Milliseconds(10);

// What the provider gets: ids and the reason, no personal data.
std::string BodyOf(const Job& job) {
  const v1::SendDecided& decision = job.decision;
  nlohmann::json body = {
      {"pool", job.pool},
      {"member", decision.member()},
      {"campaign", decision.campaign()},
      {"occurrence", decision.occurrence_us()},
      {"send_id", decision.send_id()},
      {"channel", decision.channel()},
      {"template", decision.template_()},
      {"reason", decision.reason().text()},
  };
  if (!decision.origin_member().empty()) body["origin_member"] = decision.origin_member();
  return body.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sender>> Sender::Make(kafka::Log* log, SenderProbe* probe,
                                                     Clocks clocks, const SenderOptions& options) {
  REGULARS_ASSIGN_OR_RETURN(std::unique_ptr<HttpPoster> poster, HttpPoster::Make(options.http));
  return std::unique_ptr<Sender>(
      new Sender(log, probe, std::move(clocks), options, std::move(poster)));
}

Sender::Sender(kafka::Log* log, SenderProbe* probe, Clocks clocks, const SenderOptions& options,
               std::unique_ptr<HttpPoster> poster)
    : log_(log),
      probe_(probe),
      clocks_(std::move(clocks)),
      options_(options),
      sends_topic_(events::TopicName(events::kMessaging, events::kSendsKind, options.generation)),
      reports_topic_(
          events::TopicName(events::kMessaging, events::kReportsKind, options.generation)),
      poster_(std::move(poster)),
      outbox_(options.retry, options.jitter_seed) {}

void Sender::Stop() {
  stop_ = true;
  const std::lock_guard lock(wake_mutex_);
  if (consumer_ != nullptr) consumer_->Wake();
  poster_->Wake();
}

void Sender::Run() {
  while (!stop_) {
    const absl::Status status = Session();
    poster_->CancelAll();
    outbox_.Clear();
    producer_.reset();
    {
      const std::lock_guard lock(wake_mutex_);
      consumer_.reset();
    }
    if (stop_) return;
    probe_->Trouble("session", std::string(status.message()));
    const int64_t until = clocks_.steady_us() + absl::ToInt64Microseconds(options_.session_pause);
    while (!stop_ && clocks_.steady_us() < until) (void)poster_->Poll(kIdleWait);
  }
}

absl::Status Sender::Session() {
  assigned_.clear();
  committed_.clear();
  token_.reset();
  assignment_pending_ = false;
  fetching_ = false;
  REGULARS_ASSIGN_OR_RETURN(
      std::unique_ptr<kafka::Consumer> consumer,
      log_->NewConsumer({kSenderGroup, Cat("messaging-sender-", options_.slot)}));
  {
    const std::lock_guard lock(wake_mutex_);
    consumer_ = std::move(consumer);
  }
  REGULARS_RETURN_IF_ERROR(consumer_->Subscribe({sends_topic_}, this));
  while (!stop_) {
    REGULARS_RETURN_IF_ERROR(ReadRecords());
    if (assignment_pending_) REGULARS_RETURN_IF_ERROR(BeginAssignment());
    StartPosts();
    if (outbox_.in_flight() > 0) ServePosts(kBusyWait);
    MaybeCommit(outbox_.size() == outbox_.finished());
    REGULARS_RETURN_IF_ERROR(Throttle());
    probe_->Queue(outbox_.size(), outbox_.in_flight());
  }
  Drain();
  return absl::OkStatus();
}

void Sender::OnAssigned(const std::vector<kafka::TopicPartition>& partitions) {
  assigned_ = partitions;
  token_ = consumer_->Group();
  assignment_pending_ = true;
}

void Sender::OnRevoked(const std::vector<kafka::TopicPartition>&) {
  assigned_.clear();
  committed_.clear();
  token_.reset();
  assignment_pending_ = false;
  fetching_ = false;
  poster_->CancelAll();  // the next owner posts them again, under the same keys
  outbox_.Clear();
}

// Positions come from the group; the low watermark where there are none yet.
absl::Status Sender::BeginAssignment() {
  assignment_pending_ = false;
  outbox_.Clear();
  if (assigned_.empty()) return absl::OkStatus();
  const auto offsets = consumer_->Committed(assigned_, options_.kafka_timeout);
  if (absl::IsUnavailable(offsets.status())) {
    assignment_pending_ = true;  // a transaction on them is still open
    return absl::OkStatus();
  }
  REGULARS_RETURN_IF_ERROR(offsets.status());
  for (const kafka::TopicPartitionOffset& offset : *offsets) {
    int64_t position = offset.offset;
    if (position == kafka::kNoOffset) {
      REGULARS_ASSIGN_OR_RETURN(
          const kafka::Watermarks marks,
          consumer_->QueryWatermarks({offset.topic, offset.partition}, options_.kafka_timeout));
      position = marks.low;
    } else {
      committed_[offset.partition] = position;
    }
    outbox_.Assign(offset.partition, position);
  }
  return AssignNext(true);
}

absl::Status Sender::AssignNext(bool fetch) {
  fetching_ = fetch;
  std::vector<kafka::TopicPartitionOffset> offsets;
  if (fetch) {
    for (const auto& [partition, next] : outbox_.next_offsets()) {
      offsets.push_back({sends_topic_, partition, next});
    }
  }
  return consumer_->Assign(offsets);
}

absl::Status Sender::ReadRecords() {
  absl::Duration wait = kIdleWait;
  if (outbox_.in_flight() > 0 || outbox_.finished() > 0 || assignment_pending_) {
    wait = absl::ZeroDuration();
  } else if (const auto due = outbox_.next_due_us(); due.has_value()) {
    wait = std::clamp(absl::Microseconds(*due - clocks_.steady_us()), absl::ZeroDuration(), wait);
  }
  for (int i = 0; i < kRecordsPerTurn && outbox_.size() < options_.queued_max; ++i) {
    REGULARS_ASSIGN_OR_RETURN(const std::optional<kafka::Record> record, consumer_->Poll(wait));
    if (!record.has_value()) return absl::OkStatus();
    ReadOne(*record);
    wait = absl::ZeroDuration();
  }
  // The group wants to be served also when there is no room.
  if (outbox_.size() >= options_.queued_max && !fetching_) {
    REGULARS_ASSIGN_OR_RETURN(const std::optional<kafka::Record> none,
                              consumer_->Poll(absl::ZeroDuration()));
    if (none.has_value()) ReadOne(*none);
  }
  return absl::OkStatus();
}

void Sender::ReadOne(const kafka::Record& record) {
  const JobId id{record.partition, record.offset};
  const auto headers = events::FromHeaders(record.headers);
  std::optional<Job> job;
  if (headers.ok() && headers->type == events::kSendDecided) {
    job.emplace();
    job->pool = std::string(headers->pool);
    const bool readable =
        job->decision.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()));
    if (!readable || job->decision.idempotency_key().empty()) job.reset();
  }
  if (!job.has_value()) probe_->Trouble("record", "a record that is no decided send");
  outbox_.Read(id, std::move(job), clocks_.steady_us());
}

// An empty assignment instead of pausing: what was prefetched is dropped and read again later.
absl::Status Sender::Throttle() {
  if (assigned_.empty() || assignment_pending_) return absl::OkStatus();
  if (fetching_ && outbox_.size() >= options_.queued_max) return AssignNext(false);
  if (!fetching_ && outbox_.size() <= options_.queued_max / 2) return AssignNext(true);
  return absl::OkStatus();
}

void Sender::StartPosts() {
  JobId id;
  while (!poster_->full()) {
    const Job* job = outbox_.TakeDue(clocks_.steady_us(), &id);
    if (job == nullptr) return;
    poster_->Post(id, job->decision.idempotency_key(), BodyOf(*job));
  }
}

void Sender::ServePosts(absl::Duration timeout) {
  for (const auto& [id, result] : poster_->Poll(timeout)) {
    probe_->Attempted(outbox_.Attempted(id, result, clocks_.steady_us(), clocks_.wall_us()));
  }
}

void Sender::MaybeCommit(bool now) {
  if (assigned_.empty() || assignment_pending_ || token_ == nullptr) return;
  if (outbox_.finished() == 0 && outbox_.Positions() == committed_) return;
  const int64_t steady_us = clocks_.steady_us();
  if (steady_us < retry_commit_us_ || (!now && steady_us < next_commit_us_)) return;
  if (Commit()) {
    next_commit_us_ = clocks_.steady_us() + absl::ToInt64Microseconds(options_.commit_every);
  } else {
    retry_commit_us_ = clocks_.steady_us() + absl::ToInt64Microseconds(options_.session_pause);
  }
}

bool Sender::ReadyProducer() {
  if (producer_ != nullptr && producer_->dirty()) producer_.reset();
  if (producer_ != nullptr) return true;
  auto made = log_->NewTransactionalProducer({Cat("regulars.messaging.sender-", options_.slot)});
  if (!made.ok()) {
    probe_->Trouble("producer", std::string(made.status().message()));
    return false;
  }
  producer_ = *std::move(made);
  const kafka::TxnResult ready = producer_->Init(options_.kafka_timeout);
  if (ready.ok()) return true;
  probe_->Trouble("producer", ready.message);
  producer_.reset();
  return false;
}

// False: nothing was committed, and it is tried again later.
bool Sender::Commit() {
  if (!ReadyProducer()) return false;
  const std::vector<FinishedJob> jobs = outbox_.Finished();
  const std::map<int32_t, int64_t> positions = outbox_.Positions();
  const kafka::TxnResult result = WriteBatch(jobs, positions);
  if (result.ok()) {
    outbox_.Committed(jobs);
    committed_ = positions;
    probe_->Committed(jobs.size());
    return true;
  }
  probe_->Trouble("transaction", result.message);
  // After an error of a commit nobody knows whether it happened: reports may come twice, the first
  // one counts.
  if (result.error != kafka::TxnError::kFatal && producer_->Abort(options_.kafka_timeout).ok()) {
    return false;
  }
  producer_.reset();
  return false;
}

kafka::TxnResult Sender::WriteBatch(const std::vector<FinishedJob>& jobs,
                                    const std::map<int32_t, int64_t>& positions) {
  const auto call = [](auto&& method) {
    kafka::TxnResult result = method();
    for (int i = 1; i < kSameCallMax && result.error == kafka::TxnError::kRetriable; ++i) {
      result = method();
    }
    return result;
  };
  if (auto result = call([&] { return producer_->Begin(); }); !result.ok()) return result;
  for (const FinishedJob& job : jobs) {
    // The job's partition is the member's shard, and so the report's. Its time is the decision's: a
    // pool that replays history knows nothing of our wall clock, which stands in the report.
    const std::string shard = Cat(job.id.first);
    const std::string& origin = job.report.origin_member();
    const std::string id = Cat(job.report.member(), "/", origin, origin.empty() ? "" : "/",
                               job.report.send_id(), "/report");
    const std::string source = events::SourceOf(events::kMessaging);
    kafka::OutRecord record;
    record.topic = reports_topic_;
    record.partition = job.id.first;
    record.key = job.report.member();
    record.value = job.report.SerializeAsString();
    record.headers = events::ToHeaders({.type = events::kDeliveryReported,
                                        .id = id,
                                        .source = source,
                                        .subject = job.report.member(),
                                        .time_us = job.decided_us,
                                        .pool = job.pool,
                                        .shard = shard,
                                        .traceparent = ""});
    if (auto result = call([&] { return producer_->Produce(record); }); !result.ok()) return result;
  }
  std::vector<kafka::TopicPartitionOffset> offsets;
  for (const auto& [partition, position] : positions) {
    offsets.push_back({sends_topic_, partition, position});
  }
  auto result =
      call([&] { return producer_->SendOffsets(offsets, *token_, options_.kafka_timeout); });
  if (!result.ok()) return result;
  return call([&] { return producer_->Commit(options_.kafka_timeout); });
}

// The requests in the air may end, nothing new begins.
void Sender::Drain() {
  const int64_t until = clocks_.steady_us() + absl::ToInt64Microseconds(options_.drain_timeout);
  while (outbox_.in_flight() > 0 && clocks_.steady_us() < until) ServePosts(kBusyWait);
  MaybeCommit(true);
}

}  // namespace regulars::messaging
