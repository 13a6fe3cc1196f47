// Reads the files of transport keys again and again, so that a new day's key arrives and a
// destroyed one leaves the memory of a running process. A file that cannot be read is said once and
// changes nothing. Metric: regulars_transport_key_age_days{pool}: 0 is right, more means that
// rotation is late, -1 that no key seals. Thread-safety: the thread runs from construction to
// destruction; the keys, metrics and logger outlive it.
#ifndef REGULARS_LIBS_SERVICE_KEY_REFRESH_H_
#define REGULARS_LIBS_SERVICE_KEY_REFRESH_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "libs/log/log.h"
#include "libs/metrics/metrics.h"
#include "libs/seal/transport_keys.h"

namespace regulars::service {

class KeyRefresh {
 public:
  // By pool; without any there is no thread.
  KeyRefresh(std::map<std::string, seal::TransportKeys*> keys, absl::Duration pause,
             metrics::Registry* metrics, const log::Logger* logger);
  ~KeyRefresh();

 private:
  void Run();
  void RefreshAll();

  const std::map<std::string, seal::TransportKeys*> keys_;
  const absl::Duration pause_;
  const log::Logger* const logger_;
  std::map<std::string, metrics::Gauge> ages_;
  std::map<std::string, bool> failed_;  // said already; the thread's own
  std::mutex mutex_;                    // guards stop_
  std::condition_variable wake_;
  bool stop_ = false;
  std::shared_ptr<void> on_scrape_;
  std::thread thread_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_KEY_REFRESH_H_
