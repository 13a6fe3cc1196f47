#include "libs/service/shard_metrics.h"

#include <set>

#include "libs/base/text.h"
#include "libs/base/time.h"

namespace regulars::service {
namespace {

constexpr double kSecond = static_cast<double>(kMicrosPerSecond);

}  // namespace

ShardMetrics::ShardMetrics(metrics::Registry* metrics, const shard::Worker* worker)
    : metrics_(metrics),
      worker_(worker),
      owned_(metrics->MakeGauge("regulars_shard_owned", "shards owned by this instance", {})),
      input_age_(metrics->MakeGauge("regulars_shard_input_age_seconds",
                                    "age of the oldest record of the last batch", {})),
      clock_skew_(metrics->MakeGauge("regulars_shard_clock_skew_seconds",
                                     "wall clock less the broker's time at the last commit", {})),
      hook_(metrics->OnScrape([this] { Report(); })) {}

metrics::Gauge& ShardMetrics::SumOf(const SumName& name) {
  const auto it = sums_.find(name);
  if (it != sums_.end()) return it->second;
  const auto& [shard, pool, sum] = name;
  return sums_
      .emplace(name, metrics_->MakeGauge("regulars_shard_sum", "control sums of an owned shard",
                                         {{"shard", Cat(shard)}, {"pool", pool}, {"sum", sum}}))
      .first->second;
}

ShardMetrics::Parked& ShardMetrics::ParkedOf(int32_t shard) {
  const auto it = parked_.find(shard);
  if (it != parked_.end()) return it->second;
  const metrics::Labels labels = {{"shard", Cat(shard)}};
  return parked_
      .emplace(shard, Parked{metrics_->MakeGauge("regulars_shard_parked_keys",
                                                 "keys set aside after a crash", labels),
                             metrics_->MakeGauge("regulars_shard_parked_inputs",
                                                 "inputs that wait for a redrive", labels)})
      .first->second;
}

void ShardMetrics::Report() {
  input_age_.Set(static_cast<double>(worker_->input_age_us()) / kSecond);
  clock_skew_.Set(static_cast<double>(worker_->clock_skew_us()) / kSecond);
  // A shard that went away counts nothing here: its new owner reports it.
  for (auto& [name, gauge] : sums_) gauge.Set(0);
  for (auto& [shard, parked] : parked_) {
    parked.keys.Set(0);
    parked.inputs.Set(0);
  }
  const auto shards = worker_->Snapshot();
  owned_.Set(static_cast<double>(shards.size()));
  for (const shard::ShardStatus& status : shards) {
    for (const auto& [name, value] : status.sums) {
      SumOf({status.shard, name.first, name.second}).Set(static_cast<double>(value));
    }
    Parked& parked = ParkedOf(status.shard);
    int64_t waiting = 0;
    for (const auto& key : status.parked) waiting += key.letters() - key.redriven();
    parked.keys.Set(static_cast<double>(status.parked.size()));
    parked.inputs.Set(static_cast<double>(waiting));
  }
}

}  // namespace regulars::service
