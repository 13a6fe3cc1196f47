#include "libs/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "libs/base/assert.h"

namespace regulars::metrics {
namespace {

constexpr std::string_view kPrefix = "regulars_";

bool IsWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void CheckName(std::string_view name, bool counter, const Labels& labels) {
  REGULARS_ASSERT(IsWord(name) && name.substr(0, kPrefix.size()) == kPrefix,
                  "metric name is not regulars_<module>_<thing>_<unit>");
  REGULARS_ASSERT(name.ends_with("_total") == counter, "counters and only counters end in _total");
  for (const auto& [label, value] : labels) {
    REGULARS_ASSERT(IsWord(label), "label name is malformed");
    const auto* end = std::end(kForbiddenLabels);
    REGULARS_ASSERT(std::find(std::begin(kForbiddenLabels), end, label) == end,
                    "label would hold an unbounded or personal value");
  }
}

}  // namespace

struct Registry::Impl {
  prometheus::Registry registry;
  prometheus::Counter* refused = nullptr;
  std::mutex mutex;                                 // guards series
  std::set<std::pair<std::string, Labels>> series;  // every series handed out
  std::mutex hooks_mutex;                           // guards hooks; held while one runs
  std::map<uint64_t, std::function<void()>> hooks;
  uint64_t next_hook = 0;

  // False when there are too many series already.
  bool Admit(const std::string& name, const Labels& labels) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (series.contains({name, labels})) return true;
    if (series.size() >= kSeriesMax) {
      refused->Increment();
      return false;
    }
    series.emplace(name, labels);
    return true;
  }
};

void Counter::Add(int64_t n) {
  REGULARS_ASSERT(n >= 0, "a counter never goes back");
  if (counter_ != nullptr) counter_->Increment(static_cast<double>(n));
}

int64_t Counter::value() const {
  return counter_ == nullptr ? 0 : static_cast<int64_t>(counter_->Value());
}

void Gauge::Set(double value) {
  if (gauge_ != nullptr) gauge_->Set(value);
}

void Gauge::Add(double delta) {
  if (gauge_ != nullptr) gauge_->Increment(delta);
}

double Gauge::value() const { return gauge_ == nullptr ? 0 : gauge_->Value(); }

void Histogram::Observe(double value) {
  if (histogram_ != nullptr) histogram_->Observe(value);
}

std::vector<double> LatencyBuckets() {
  return {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}

Registry::Registry() : impl_(std::make_shared<Impl>()) {
  impl_->refused = &prometheus::BuildCounter()
                        .Name("regulars_metrics_series_refused_total")
                        .Help("series not kept because there were too many")
                        .Register(impl_->registry)
                        .Add({});
}

Registry::~Registry() = default;

Counter Registry::MakeCounter(const std::string& name, const std::string& help,
                              const Labels& labels) {
  CheckName(name, true, labels);
  if (!impl_->Admit(name, labels)) return Counter();
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
  return Counter(&family.Add(labels));
}

Gauge Registry::MakeGauge(const std::string& name, const std::string& help, const Labels& labels) {
  CheckName(name, false, labels);
  if (!impl_->Admit(name, labels)) return Gauge();
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  return Gauge(&family.Add(labels));
}

Histogram Registry::MakeHistogram(const std::string& name, const std::string& help,
                                  const Labels& labels, const std::vector<double>& buckets) {
  CheckName(name, false, labels);
  REGULARS_ASSERT(std::is_sorted(buckets.begin(), buckets.end()), "bucket bounds must ascend");
  if (!impl_->Admit(name, labels)) return Histogram();
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
  return Histogram(&family.Add(labels, buckets));
}

std::shared_ptr<void> Registry::OnScrape(std::function<void()> hook) {
  const std::lock_guard<std::mutex> lock(impl_->hooks_mutex);
  const uint64_t id = impl_->next_hook++;
  impl_->hooks.emplace(id, std::move(hook));
  // The deleter of an object that is not there: it only removes the hook.
  return std::shared_ptr<void>(nullptr, [impl = impl_, id](void*) {
    const std::lock_guard<std::mutex> remove(impl->hooks_mutex);
    impl->hooks.erase(id);
  });
}

std::string Registry::Text() {
  {
    const std::lock_guard<std::mutex> lock(impl_->hooks_mutex);
    for (const auto& [id, hook] : impl_->hooks) hook();
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace regulars::metrics
