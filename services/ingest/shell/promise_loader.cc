#include "services/ingest/shell/promise_loader.h"

#include <algorithm>
#include <utility>

namespace regulars::ingest {

PromiseLoader::PromiseLoader(ClockDesk* desk, LoaderPauses pauses,
                             std::function<void(const absl::Status&)> on_failure)
    : desk_(desk),
      pauses_(pauses),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

PromiseLoader::~PromiseLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void PromiseLoader::Run() {
  absl::Duration pause = pauses_.first;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const absl::Status status = desk_->Load(pauses_.try_timeout);
    if (!status.ok()) on_failure_(status);
    lock.lock();
    if (status.ok()) {
      loaded_ = true;
      return;
    }
    wake_.wait_for(lock, absl::ToChronoMicroseconds(pause), [this] { return stop_; });
    pause = std::min(pause * 2, pauses_.max);
  }
}

}  // namespace regulars::ingest
