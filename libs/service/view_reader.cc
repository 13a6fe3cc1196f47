#include "libs/service/view_reader.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libs/base/wall_clock.h"

namespace regulars::service {
namespace {

// Between looks of a read that waits for its position.
constexpr Micros kPauseMin = kMicrosPerMilli;
constexpr Micros kPauseMax = 16 * kMicrosPerMilli;

metrics::Counter Result(metrics::Registry* metrics, const char* result) {
  return metrics->MakeCounter("regulars_view_reads_total",
                              "reads by what the view gave; all but `view` went to the owner",
                              {{"result", result}});
}

}  // namespace

ViewReader::ViewReader(std::vector<std::unique_ptr<redis::View>> views, metrics::Registry* metrics)
    : answered_(Result(metrics, "view")),
      absent_(Result(metrics, "absent")),
      other_view_(Result(metrics, "other_log")),
      missing_(Result(metrics, "missing")),
      behind_(Result(metrics, "behind")),
      away_(Result(metrics, "away")),
      full_(Result(metrics, "queue_full")),
      views_(std::move(views)) {
  for (const std::unique_ptr<redis::View>& view : views_) {
    threads_.emplace_back([this, view = view.get()] { Run(view); });
  }
}

ViewReader::~ViewReader() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  for (const auto& [due, pending] : queue_) pending->job.done(std::nullopt);
}

bool ViewReader::away() const { return MonotonicMicros() < away_until_; }

void ViewReader::Read(Job job) {
  const Micros now = MonotonicMicros();
  auto pending = std::make_shared<Pending>();  // shared: the queue's copies are of handles
  pending->job = std::move(job);
  pending->wait_until = now + kReadBudget;
  metrics::Counter* refused = away() ? &away_ : nullptr;
  if (refused == nullptr) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_.size() < kReadsQueuedMax && !stop_) {
      queue_.emplace(now, std::move(pending));
    } else {
      refused = &full_;
    }
  }
  if (refused != nullptr) return AskOwner(pending.get(), refused);
  wake_.notify_one();
}

void ViewReader::AskOwner(Pending* pending, metrics::Counter* why) {
  why->Add();
  pending->job.done(std::nullopt);
}

std::optional<Micros> ViewReader::Look(redis::View* view, Pending* pending) {
  // Behind others that met a Redis which does not answer.
  if (away() || MonotonicMicros() > pending->wait_until + kReadBudget) {
    AskOwner(pending, &away_);
    return std::nullopt;
  }
  auto read = view->Read(pending->job.shard, pending->job.keys);
  const Micros now = MonotonicMicros();
  if (!read.ok()) {
    away_until_ = now + kAwayPause;
    AskOwner(pending, &away_);
    return std::nullopt;
  }
  switch (DecideRead(*read, pending->job.token, now, pending->wait_until)) {
    case ReadStep::kAnswer: {
      answered_.Add();
      Values values;
      for (std::optional<std::string>& value : read->values) values.push_back(*std::move(value));
      pending->job.done(std::move(values));
      return std::nullopt;
    }
    case ReadStep::kWait:
      pending->pause = std::clamp(pending->pause * 2, kPauseMin, kPauseMax);
      return now + pending->pause;
    case ReadStep::kAbsent:
      AskOwner(pending, &absent_);
      return std::nullopt;
    case ReadStep::kOtherView:
      AskOwner(pending, &other_view_);
      return std::nullopt;
    case ReadStep::kMissing:
      AskOwner(pending, &missing_);
      return std::nullopt;
    case ReadStep::kBehind:
      AskOwner(pending, &behind_);
      return std::nullopt;
  }
  return std::nullopt;
}

void ViewReader::Run(redis::View* view) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const Micros due = queue_.begin()->first;
    const Micros now = MonotonicMicros();
    if (due > now) {
      wake_.wait_for(lock, std::chrono::microseconds(due - now));
      continue;
    }
    const std::shared_ptr<Pending> pending = queue_.begin()->second;
    queue_.erase(queue_.begin());
    // Whoever waits, waits for something else: what was the earliest when it fell asleep.
    if (!queue_.empty()) wake_.notify_one();
    lock.unlock();
    const std::optional<Micros> again = Look(view, pending.get());
    lock.lock();
    if (again.has_value()) queue_.emplace(*again, pending);
  }
}

}  // namespace regulars::service
