// Loads the promises of a ClockDesk on a thread of its own, again and again with growing pauses: at
// a start the brokers may not be up yet, or a partition may have no leader. Thread-safety: loaded
// from any thread. Lifecycle: begins with construction; destruction ends a pause at once and a try
// within its time-out.
#ifndef REGULARS_SERVICES_INGEST_SHELL_PROMISE_LOADER_H_
#define REGULARS_SERVICES_INGEST_SHELL_PROMISE_LOADER_H_

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/ingest/shell/clock_desk.h"

namespace regulars::ingest {

struct LoaderPauses {
  absl::Duration first = absl::Milliseconds(100);  // doubled by every failure
  absl::Duration max = absl::Seconds(2);
  absl::Duration try_timeout = absl::Seconds(2);
};

class PromiseLoader {
 public:
  // `desk` must outlive this object; `on_failure` is told of every failed try.
  PromiseLoader(ClockDesk* desk, LoaderPauses pauses,
                std::function<void(const absl::Status&)> on_failure);
  ~PromiseLoader();

  [[nodiscard]] bool loaded() const { return loaded_; }

 private:
  void Run();

  ClockDesk* const desk_;
  const LoaderPauses pauses_;
  const std::function<void(const absl::Status&)> on_failure_;
  std::atomic<bool> loaded_{false};
  std::mutex mutex_;  // guards stop_
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_PROMISE_LOADER_H_
