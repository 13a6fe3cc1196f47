// One worker of the shard runtime on a thread of its own, from start to stop.
// Lifecycle: runs from construction; Stop lets the open batch end, answers what is queued and
// joins. A worker that must not go on (fenced by another process of its slot) calls `on_fatal` once
// and ends.
#ifndef REGULARS_LIBS_SERVICE_WORKER_THREAD_H_
#define REGULARS_LIBS_SERVICE_WORKER_THREAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "libs/base/time.h"
#include "libs/log/log.h"
#include "libs/shard/worker.h"

namespace regulars::service {

class WorkerThread {
 public:
  WorkerThread(std::unique_ptr<shard::Worker> worker, const log::Logger* logger,
               std::function<void()> on_fatal);
  ~WorkerThread();

  [[nodiscard]] shard::Worker* worker() { return worker_.get(); }
  // Since the loop last came round; monotonic clock.
  [[nodiscard]] Micros IdleMicros() const;
  void Stop();

 private:
  void Run();

  const std::unique_ptr<shard::Worker> worker_;
  const log::Logger* const logger_;
  const std::function<void()> on_fatal_;
  std::atomic<bool> stop_{false};
  std::atomic<Micros> progress_us_;
  std::thread thread_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_WORKER_THREAD_H_
