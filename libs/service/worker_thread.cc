#include "libs/service/worker_thread.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/wall_clock.h"

namespace regulars::service {
namespace {

constexpr absl::Duration kTurn = absl::Seconds(1);
constexpr absl::Duration kPauseAfterError = absl::Milliseconds(300);

}  // namespace

WorkerThread::WorkerThread(std::unique_ptr<shard::Worker> worker, const log::Logger* logger,
                           std::function<void()> on_fatal)
    : worker_(std::move(worker)),
      logger_(logger),
      on_fatal_(std::move(on_fatal)),
      progress_us_(MonotonicMicros()),
      thread_([this] { Run(); }) {}

WorkerThread::~WorkerThread() { Stop(); }

Micros WorkerThread::IdleMicros() const {
  return MonotonicMicros() - std::max<Micros>(progress_us_, worker_->alive_us());
}

void WorkerThread::Stop() {
  stop_ = true;
  if (!thread_.joinable()) return;
  worker_->Wake();
  thread_.join();
}

void WorkerThread::Run() {
  while (!stop_) {
    const absl::Status status = worker_->Step(kTurn);
    progress_us_ = MonotonicMicros();
    if (status.ok()) continue;
    logger_->Error("the shard loop begins again", status);
    if (status.code() == absl::StatusCode::kPermissionDenied ||
        status.code() == absl::StatusCode::kCancelled) {
      on_fatal_();
      break;
    }
    absl::SleepFor(kPauseAfterError);
  }
  worker_->Stop();
}

}  // namespace regulars::service
