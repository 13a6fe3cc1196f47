#include "services/messaging/sender/outbox.h"

#include <algorithm>

#include "libs/base/assert.h"
#include "services/messaging/kernel/kernel.h"

namespace regulars::messaging {

Verdict VerdictOf(int32_t http_status) {
  if (http_status >= 200 && http_status < 300) return Verdict::kDelivered;
  if (http_status == 0 || http_status == 408 || http_status == 429 || http_status >= 500) {
    return Verdict::kRetry;
  }
  return Verdict::kRefused;
}

void Outbox::Assign(int32_t partition, int64_t position) { next_offsets_[partition] = position; }

void Outbox::Clear() {
  entries_.clear();
  newest_.clear();
  due_.clear();
  next_offsets_.clear();
  in_flight_ = 0;
  finished_ = 0;
}

void Outbox::Read(JobId id, std::optional<Job> job, int64_t now_us) {
  const auto next = next_offsets_.find(id.first);
  if (next == next_offsets_.end() || id.second < next->second) return;
  next->second = id.second + 1;
  if (!job.has_value()) return;
  const Key key(id.first, job->decision.idempotency_key());
  if (job->decision.withdrawn()) return Withdraw(key);
  Entry& entry = entries_[id];
  entry.job = *std::move(job);
  newest_[key] = id;
  Wait(id, &entry, now_us);
}

void Outbox::Wait(JobId id, Entry* entry, int64_t due_us) {
  entry->state = State::kWaiting;
  entry->due_us = due_us;
  due_.emplace(due_us, id);
}

void Outbox::Withdraw(const Key& key) {
  const auto newest = newest_.find(key);
  if (newest == newest_.end()) return;  // it was reported before
  const auto entry = entries_.find(newest->second);
  newest_.erase(newest);
  entry->second.withdrawn = true;
  if (entry->second.state != State::kWaiting) return;
  due_.erase({entry->second.due_us, entry->first});
  entries_.erase(entry);
}

void Outbox::Forget(std::map<JobId, Entry>::iterator entry) {
  const auto newest =
      newest_.find({entry->first.first, entry->second.job.decision.idempotency_key()});
  if (newest != newest_.end() && newest->second == entry->first) newest_.erase(newest);
  entries_.erase(entry);
}

const Job* Outbox::TakeDue(int64_t now_us, JobId* id) {
  if (due_.empty() || due_.begin()->first > now_us) return nullptr;
  *id = due_.begin()->second;
  due_.erase(due_.begin());
  Entry& entry = entries_.at(*id);
  entry.state = State::kInFlight;
  ++entry.attempts;
  ++in_flight_;
  return &entry.job;
}

// Exponential with jitter, so that a provider that comes back is not met by all at once.
int64_t Outbox::Backoff(int32_t attempts) {
  int64_t pause = policy_.backoff_first_us;
  for (int32_t i = 1; i < attempts && pause < policy_.backoff_max_us; ++i) pause *= 2;
  pause = std::min(pause, policy_.backoff_max_us);
  return pause - static_cast<int64_t>(random_() % static_cast<uint64_t>(pause / 2 + 1));
}

Verdict Outbox::Attempted(JobId id, const AttemptResult& result, int64_t now_us, int64_t wall_us) {
  const Verdict verdict = VerdictOf(result.http_status);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.state != State::kInFlight) return verdict;
  Entry& entry = found->second;
  --in_flight_;
  if (entry.withdrawn && verdict != Verdict::kDelivered) {
    Forget(found);
    return verdict;
  }
  if (verdict == Verdict::kRetry && entry.attempts < policy_.attempts_max) {
    Wait(id, &entry, now_us + Backoff(entry.attempts));
    return verdict;
  }
  entry.state = State::kFinished;
  ++finished_;
  v1::DeliveryReported& report = entry.report;
  report.set_send_id(entry.job.decision.send_id());
  report.set_member(entry.job.decision.member());
  report.set_origin_member(entry.job.decision.origin_member());
  report.set_delivered(verdict == Verdict::kDelivered);
  report.set_attempts(entry.attempts);
  if (result.provider_message_id.size() <= kProviderIdBytesMax) {
    report.set_provider_message_id(result.provider_message_id);
  }
  report.set_http_status(result.http_status);
  if (verdict == Verdict::kRetry) report.set_failure("ATTEMPTS_EXHAUSTED");
  if (verdict == Verdict::kRefused) report.set_failure("PROVIDER_REFUSED");
  report.set_finished_us(wall_us);
  return verdict;
}

std::vector<FinishedJob> Outbox::Finished() const {
  std::vector<FinishedJob> jobs;
  jobs.reserve(finished_);
  for (const auto& [id, entry] : entries_) {
    if (entry.state != State::kFinished) continue;
    jobs.push_back({id, entry.job.pool, entry.job.decision.decided_us(), entry.report});
  }
  return jobs;
}

std::map<int32_t, int64_t> Outbox::Positions() const {
  std::map<int32_t, int64_t> positions = next_offsets_;
  for (const auto& [id, entry] : entries_) {
    if (entry.state == State::kFinished) continue;
    int64_t& position = positions.at(id.first);
    position = std::min(position, id.second);
  }
  return positions;
}

void Outbox::Committed(const std::vector<FinishedJob>& jobs) {
  for (const FinishedJob& job : jobs) {
    const auto found = entries_.find(job.id);
    if (found == entries_.end()) continue;
    REGULARS_ASSERT(found->second.state == State::kFinished, "an unfinished job was committed");
    Forget(found);
    --finished_;
  }
}

std::optional<int64_t> Outbox::next_due_us() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

}  // namespace regulars::messaging
