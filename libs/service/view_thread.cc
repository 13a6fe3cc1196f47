#include "libs/service/view_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libs/base/wall_clock.h"

namespace regulars::service {
namespace {

// Waits between looks at an empty queue: short after work, long when nothing happens.
constexpr std::chrono::milliseconds kPauseMin{1};
constexpr std::chrono::milliseconds kPauseMax{32};

}  // namespace

ViewThread::ViewThread(std::unique_ptr<shard::ViewWriter> writer, metrics::Registry* metrics)
    : writer_(std::move(writer)),
      rebuilds_(metrics->MakeCounter("regulars_view_rebuilds_total", "views written anew", {})),
      gaps_(metrics->MakeCounter("regulars_view_gaps_total", "holes found in a view", {})),
      fenced_(metrics->MakeCounter("regulars_view_fenced_total", "writes of a former owner", {})),
      away_(
          metrics->MakeCounter("regulars_view_away_total", "calls that Redis did not answer", {})),
      applied_keys_(metrics->MakeCounter("regulars_view_applied_keys_total", "keys written", {})),
      overflows_(metrics->MakeCounter("regulars_view_overflows_total",
                                      "queues dropped because Redis was away too long", {})),
      caught_up_(metrics->MakeGauge("regulars_view_caught_up",
                                    "1 when every owned shard's view is whole and current", {})),
      hook_(metrics->OnScrape([this] { Report(); })),
      thread_([this] { Run(); }) {}

ViewThread::~ViewThread() {
  hook_.reset();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ViewThread::Report() {
  const shard::ViewWriter::Counters now = writer_->counters();
  rebuilds_.Add(now.rebuilds - reported_.rebuilds);
  gaps_.Add(now.gaps - reported_.gaps);
  fenced_.Add(now.fenced - reported_.fenced);
  away_.Add(now.away - reported_.away);
  applied_keys_.Add(now.applied_keys - reported_.applied_keys);
  overflows_.Add(now.overflows - reported_.overflows);
  caught_up_.Set(writer_->caught_up() ? 1 : 0);
  reported_ = now;
}

void ViewThread::Run() {
  std::chrono::milliseconds pause = kPauseMin;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const bool worked = writer_->Step(MonotonicMicros());
    lock.lock();
    pause = worked ? kPauseMin : std::min(pause * 2, kPauseMax);
    if (!worked) wake_.wait_for(lock, pause, [this] { return stop_; });
  }
}

}  // namespace regulars::service
