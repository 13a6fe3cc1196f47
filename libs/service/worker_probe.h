// What a worker reports, as metrics and log lines. One per worker; called on its thread.
#ifndef REGULARS_LIBS_SERVICE_WORKER_PROBE_H_
#define REGULARS_LIBS_SERVICE_WORKER_PROBE_H_

#include <string>
#include <string_view>
#include <vector>

#include "libs/log/log.h"
#include "libs/metrics/metrics.h"
#include "libs/shard/worker.h"

namespace regulars::service {

class MetricsProbe final : public shard::WorkerProbe {
 public:
  // Both must outlive the probe.
  MetricsProbe(metrics::Registry* metrics, const log::Logger* logger);

  void Input(std::string_view type, std::string_view outcome) override;
  void Committed(int64_t inputs, absl::Duration transaction) override;
  void Aborted(std::string_view why) override;
  void Alarm(std::string_view what, std::string_view detail) override;
  void Event(std::string_view what, std::string_view detail) override;

 private:
  struct InputSeries {
    std::string type, outcome;
    metrics::Counter count;
  };
  metrics::Registry* const metrics_;
  const log::Logger* const logger_;
  std::vector<InputSeries> inputs_;  // few: searched from the front
  metrics::Counter committed_inputs_;
  metrics::Counter aborts_;
  metrics::Histogram commit_seconds_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_WORKER_PROBE_H_
