// Metrics: small handles over a prometheus registry, and the text that a scrape reads.
//
// A module declares its series once, in a Probe class made from a Registry, and keeps the handles:
//   struct Probe {
//     explicit Probe(metrics::Registry& r)
//         : refused(r.MakeCounter("regulars_ingest_refused_total", "touches answered by an error",
//         {})) {}
//     metrics::Counter refused;
//   };
// Names: regulars_<module>_<thing>_<unit>[_total], seconds and bytes; counters and only counters
// end in _total (asserted). Labels are few and bounded: never a member id, a key or a text of a
// caller; names that would hold one (kForbiddenLabels) are asserted. After kSeriesMax series a
// handle counts nothing, and regulars_metrics_series_refused_total says so. Thread-safety:
// everything may be called from every thread. Handles are values; they must not outlive their
// Registry.
#ifndef REGULARS_LIBS_METRICS_METRICS_H_
#define REGULARS_LIBS_METRICS_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace regulars::metrics {

using Labels = std::map<std::string, std::string>;

inline constexpr std::size_t kSeriesMax = 10'000;
inline constexpr std::string_view kForbiddenLabels[] = {
    "member", "member_id", "identifier", "key", "phone", "email", "openid", "name", "request_id"};

class Counter {
 public:
  Counter() = default;
  void Add(int64_t n = 1);  // n >= 0
  [[nodiscard]] int64_t value() const;

 private:
  friend class Registry;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void Set(double value);
  void Add(double delta);
  [[nodiscard]] double value() const;

 private:
  friend class Registry;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  void Observe(double value);

 private:
  friend class Registry;
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  prometheus::Histogram* histogram_ = nullptr;
};

// Bounds of buckets from half a millisecond to ten seconds: what a touch or a call takes.
[[nodiscard]] std::vector<double> LatencyBuckets();

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The same name and labels give a handle on the same series. Malformed names are asserted.
  Counter MakeCounter(const std::string& name, const std::string& help, const Labels& labels);
  Gauge MakeGauge(const std::string& name, const std::string& help, const Labels& labels);
  // `buckets`: upper bounds, ascending.
  Histogram MakeHistogram(const std::string& name, const std::string& help, const Labels& labels,
                          const std::vector<double>& buckets);

  // Calls `hook` at the start of every scrape, on the scraping thread, one hook at a time: for
  // figures that are read rather than counted (queue lengths, sums that must fit together). It may
  // make new series, but no hooks. Ends when the returned object is destroyed, which waits for a
  // running call.
  [[nodiscard]] std::shared_ptr<void> OnScrape(std::function<void()> hook);

  // The text exposition format 0.0.4.
  [[nodiscard]] std::string Text();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the handles that OnScrape returned
};

}  // namespace regulars::metrics

#endif  // REGULARS_LIBS_METRICS_METRICS_H_
