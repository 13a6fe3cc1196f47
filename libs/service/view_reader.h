// Reads of the view, off the threads of gRPC: a queue and a few threads, each with a connection of
// its own. A read ends with its values or with "ask the owner", within kReadBudget: it waits that
// long for a position, and not at all while Redis is away (after a failure nobody asks for
// kAwayPause). Nothing is decided from what is read here.
//
// Thread-safety: Read from any thread. Lifecycle: threads run from construction to destruction,
// asleep while nothing is asked; what is queued at the end is sent to the owner. Limits:
// kReadsQueuedMax; above it the owner is asked. Metric: regulars_view_reads_total{result}.
#ifndef REGULARS_LIBS_SERVICE_VIEW_READER_H_
#define REGULARS_LIBS_SERVICE_VIEW_READER_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/time.h"
#include "libs/metrics/metrics.h"
#include "libs/redis/view.h"
#include "libs/service/read_decision.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::service {

inline constexpr Micros kReadBudget = 150 * kMicrosPerMilli;
inline constexpr Micros kAwayPause = 500 * kMicrosPerMilli;
inline constexpr std::size_t kReadsQueuedMax = 10'000;
inline constexpr int kReadThreads = 2;

class ViewReader {
 public:
  using Values = std::vector<std::string>;
  struct Job {
    redis::ShardId shard;
    std::vector<std::string> keys;
    std::optional<runtime::v1::PositionToken> token;
    // Called once: the values in order of the keys, or nullopt = ask the owner. On a thread of the
    // reader, or before Read returns.
    std::function<void(std::optional<Values>)> done;
  };

  // One thread per view. `metrics` must outlive this object.
  ViewReader(std::vector<std::unique_ptr<redis::View>> views, metrics::Registry* metrics);
  ~ViewReader();

  void Read(Job job);

 private:
  struct Pending {
    Job job;
    Micros wait_until = 0;
    Micros pause = 0;  // before the last look
  };

  void Run(redis::View* view);
  // Ends the read, or says when to look again.
  std::optional<Micros> Look(redis::View* view, Pending* pending);
  void AskOwner(Pending* pending, metrics::Counter* why);
  [[nodiscard]] bool away() const;

  metrics::Counter answered_, absent_, other_view_, missing_, behind_, away_, full_;
  std::atomic<Micros> away_until_{0};
  std::mutex mutex_;  // guards queue_ and stop_
  std::condition_variable wake_;
  std::multimap<Micros, std::shared_ptr<Pending>> queue_;  // by when to look; monotonic clock
  bool stop_ = false;
  std::vector<std::unique_ptr<redis::View>> views_;
  std::vector<std::thread> threads_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_VIEW_READER_H_
