// Feeds the view from the worker on a thread of its own, so that Redis never holds up a commit.
// The thread sleeps until the worker hands something over, and looks once a second at the meta of
// what it owns; only while Redis is away does it try again by itself, ever less often.
// Lifecycle: runs from construction to destruction. What the view missed at the end is mended by
// the next owner. Thread-safety: the ViewSink methods from the worker's thread.
#ifndef REGULARS_LIBS_SERVICE_VIEW_THREAD_H_
#define REGULARS_LIBS_SERVICE_VIEW_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/metrics/metrics.h"
#include "libs/shard/view_writer.h"

namespace regulars::service {

class ViewThread : public shard::ViewSink {
 public:
  // `metrics` must outlive this object.
  ViewThread(std::unique_ptr<shard::ViewWriter> writer, metrics::Registry* metrics);
  ~ViewThread() override;

  void Own(const Ownership& ownership) override;
  void Lost(int32_t shard) override;
  void Append(int32_t shard, int64_t from_sequence, int64_t to_sequence,
              std::vector<redis::ViewOp> ops) override;
  void Refresh(int32_t shard, int64_t sequence, std::vector<redis::ViewOp> ops) override;
  bool WantsSnapshot(int32_t shard) override;
  void GiveSnapshot(int32_t shard, int64_t sequence,
                    std::unique_ptr<store::ReadView> snapshot) override;

  // Turns of the thread so far, for tests.
  [[nodiscard]] int64_t turns() const;

 private:
  void Run();
  void Wake();
  void Report();

  const std::unique_ptr<shard::ViewWriter> writer_;
  metrics::Counter rebuilds_, gaps_, fenced_, away_, applied_keys_, overflows_;
  metrics::Gauge caught_up_;
  shard::ViewWriter::Counters reported_;  // touched by scrapes only, one at a time
  std::shared_ptr<void> hook_;            // keeps Report called at every scrape
  mutable std::mutex mutex_;              // guards work_, stop_ and turns_
  std::condition_variable wake_;
  bool work_ = false;  // something was handed over since the last turn began
  bool stop_ = false;
  int64_t turns_ = 0;
  std::thread thread_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_VIEW_THREAD_H_
