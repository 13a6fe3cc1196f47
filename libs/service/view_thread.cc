#include "libs/service/view_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "libs/base/wall_clock.h"

namespace regulars::service {
namespace {

// Until the next look at meta, when everything is written.
constexpr std::chrono::milliseconds kIdle{1000};
// Between tries while something is left to write and Redis does not take it.
constexpr std::chrono::milliseconds kRetryMin{1};
constexpr std::chrono::milliseconds kRetryMax{256};

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

void ViewThread::Own(const Ownership& ownership) {
  writer_->Own(ownership);
  Wake();
}

void ViewThread::Lost(int32_t shard) { writer_->Lost(shard); }

void ViewThread::Append(int32_t shard, int64_t from_sequence, int64_t to_sequence,
                        std::vector<redis::ViewOp> ops) {
  writer_->Append(shard, from_sequence, to_sequence, std::move(ops));
  Wake();
}

void ViewThread::Refresh(int32_t shard, int64_t sequence, std::vector<redis::ViewOp> ops) {
  writer_->Refresh(shard, sequence, std::move(ops));
  Wake();
}

bool ViewThread::WantsSnapshot(int32_t shard) { return writer_->WantsSnapshot(shard); }

void ViewThread::GiveSnapshot(int32_t shard, int64_t sequence,
                              std::unique_ptr<store::ReadView> snapshot) {
  writer_->GiveSnapshot(shard, sequence, std::move(snapshot));
  Wake();
}

int64_t ViewThread::turns() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return turns_;
}

void ViewThread::Wake() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    work_ = true;
  }
  wake_.notify_one();
}

void ViewThread::Run() {
  std::chrono::milliseconds retry = kRetryMin;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    work_ = false;
    ++turns_;
    lock.unlock();
    const bool worked = writer_->Step(MonotonicMicros());
    const bool caught_up = writer_->caught_up();
    lock.lock();
    if (worked) {
      retry = kRetryMin;
      continue;
    }
    const auto pause = caught_up ? kIdle : retry;
    retry = caught_up ? kRetryMin : std::min(retry * 2, kRetryMax);
    wake_.wait_for(lock, pause, [this] { return stop_ || work_; });
  }
}

}  // namespace regulars::service
