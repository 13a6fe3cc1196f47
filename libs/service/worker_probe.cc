#include "libs/service/worker_probe.h"

#include <cstddef>

namespace regulars::service {
namespace {

// More kinds of input than any service has; above it they are counted together.
constexpr std::size_t kInputSeriesMax = 256;

}  // namespace

MetricsProbe::MetricsProbe(metrics::Registry* metrics, const log::Logger* logger)
    : metrics_(metrics),
      logger_(logger),
      committed_inputs_(metrics->MakeCounter("regulars_shard_committed_inputs_total",
                                             "inputs whose transaction committed", {})),
      aborts_(metrics->MakeCounter("regulars_shard_aborts_total", "transactions given up", {})),
      commit_seconds_(metrics->MakeHistogram("regulars_shard_commit_seconds",
                                             "time of one transaction", {},
                                             metrics::LatencyBuckets())) {}

void MetricsProbe::Input(std::string_view type, std::string_view outcome) {
  for (InputSeries& series : inputs_) {
    if (series.type == type && series.outcome == outcome) return series.count.Add();
  }
  const bool full = inputs_.size() >= kInputSeriesMax;
  InputSeries fresh;
  fresh.type = full ? "other" : std::string(type);
  fresh.outcome = full ? "other" : std::string(outcome);
  fresh.count = metrics_->MakeCounter("regulars_shard_inputs_total", "inputs applied, by outcome",
                                      {{"input", fresh.type}, {"outcome", fresh.outcome}});
  fresh.count.Add();
  if (!full) inputs_.push_back(std::move(fresh));
}

void MetricsProbe::Committed(int64_t inputs, absl::Duration transaction) {
  committed_inputs_.Add(inputs);
  commit_seconds_.Observe(absl::ToDoubleSeconds(transaction));
}

void MetricsProbe::Aborted(std::string_view why) {
  aborts_.Add();
  logger_->Warn("transaction aborted", {{"why", why}});
}

void MetricsProbe::Alarm(std::string_view what, std::string_view detail) {
  metrics_
      ->MakeCounter("regulars_shard_alarms_total", "what must never happen, by kind",
                    {{"alarm", std::string(what)}})
      .Add();
  logger_->Error("alarm", {{"alarm", what}, {"detail", detail}});
}

void MetricsProbe::Event(std::string_view what, std::string_view detail) {
  logger_->Info("shard event", {{"event", what}, {"detail", detail}});
}

}  // namespace regulars::service
