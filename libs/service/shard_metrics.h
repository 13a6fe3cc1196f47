// What a scrape reads of the owned shards: lag, clock, control sums, parked keys.
// Lifecycle: reports from construction to destruction; registry and worker outlive it.
#ifndef REGULARS_LIBS_SERVICE_SHARD_METRICS_H_
#define REGULARS_LIBS_SERVICE_SHARD_METRICS_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "libs/metrics/metrics.h"
#include "libs/shard/worker.h"

namespace regulars::service {

class ShardMetrics {
 public:
  ShardMetrics(metrics::Registry* metrics, const shard::Worker* worker);

 private:
  using SumName = std::tuple<int32_t, std::string, std::string>;  // shard, pool, sum
  struct Parked {
    metrics::Gauge keys, inputs;
  };
  void Report();
  metrics::Gauge& SumOf(const SumName& name);
  Parked& ParkedOf(int32_t shard);

  metrics::Registry* const metrics_;
  const shard::Worker* const worker_;
  metrics::Gauge owned_, input_age_, clock_skew_;
  std::map<SumName, metrics::Gauge> sums_;
  std::map<int32_t, Parked> parked_;
  std::shared_ptr<void> hook_;  // keeps Report called at every scrape
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_SHARD_METRICS_H_
