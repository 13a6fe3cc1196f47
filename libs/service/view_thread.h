// Feeds the view from the worker on a thread of its own, so that Redis never holds up a commit.
// Lifecycle: runs from construction to destruction. What the view missed at the end is mended by
// the next owner.
#ifndef REGULARS_LIBS_SERVICE_VIEW_THREAD_H_
#define REGULARS_LIBS_SERVICE_VIEW_THREAD_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "libs/metrics/metrics.h"
#include "libs/shard/view_writer.h"

namespace regulars::service {

class ViewThread {
 public:
  // `metrics` must outlive this object.
  ViewThread(std::unique_ptr<shard::ViewWriter> writer, metrics::Registry* metrics);
  ~ViewThread();

  [[nodiscard]] shard::ViewSink* sink() { return writer_.get(); }

 private:
  void Run();
  void Report();

  const std::unique_ptr<shard::ViewWriter> writer_;
  metrics::Counter rebuilds_, gaps_, fenced_, away_, applied_keys_, overflows_;
  metrics::Gauge caught_up_;
  shard::ViewWriter::Counters reported_;  // touched by scrapes only, one at a time
  std::shared_ptr<void> hook_;            // keeps Report called at every scrape
  std::mutex mutex_;                      // guards stop_
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_VIEW_THREAD_H_
