#include "libs/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace regulars::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsTest, SeriesAppearInTheText) {
  Registry registry;
  Counter touches = registry.MakeCounter("regulars_ingest_touches_total", "h", {{"result", "ok"}});
  Gauge queue = registry.MakeGauge("regulars_shard_queue_inputs", "h", {});
  Histogram took = registry.MakeHistogram("regulars_shard_commit_seconds", "h", {}, {0.1, 1});
  touches.Add();
  touches.Add(41);
  queue.Set(7);
  queue.Add(-2);
  took.Observe(0.5);
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("regulars_ingest_touches_total{result=\"ok\"} 42"));
  EXPECT_THAT(text, HasSubstr("regulars_shard_queue_inputs 5"));
  EXPECT_THAT(text, HasSubstr("regulars_shard_commit_seconds_bucket{le=\"0.1\"} 0"));
  EXPECT_THAT(text, HasSubstr("regulars_shard_commit_seconds_bucket{le=\"1\"} 1"));
  EXPECT_EQ(touches.value(), 42);
}

TEST(MetricsTest, SameNameAndLabels_AreOneSeries) {
  Registry registry;
  Counter a = registry.MakeCounter("regulars_a_b_total", "h", {});
  Counter b = registry.MakeCounter("regulars_a_b_total", "h", {});
  a.Add(2);
  EXPECT_EQ(b.value(), 2);
}

TEST(MetricsTest, OneSeriesAboveTheLimit_CountsNothingAndIsReported) {
  Registry registry;
  for (std::size_t i = 0; i < kSeriesMax; ++i) {
    registry.MakeCounter("regulars_a_b_total", "h", {{"n", std::to_string(i)}}).Add();
  }
  Counter last = registry.MakeCounter("regulars_a_b_total", "h", {{"n", "0"}});
  last.Add();
  EXPECT_EQ(last.value(), 2) << "a known series is still found";
  Counter above = registry.MakeCounter("regulars_a_b_total", "h", {{"n", "above"}});
  above.Add();
  EXPECT_EQ(above.value(), 0);
  EXPECT_THAT(registry.Text(), HasSubstr("regulars_metrics_series_refused_total 1"));
  EXPECT_THAT(registry.Text(), Not(HasSubstr("above")));
}

TEST(MetricsTest, HookRunsAtEveryScrapeUntilItIsDropped) {
  Registry registry;
  Gauge queue = registry.MakeGauge("regulars_shard_queue_inputs", "h", {});
  int scrapes = 0;
  {
    const auto hook = registry.OnScrape([&] { queue.Set(++scrapes); });
    EXPECT_THAT(registry.Text(), HasSubstr("regulars_shard_queue_inputs 1"));
    EXPECT_THAT(registry.Text(), HasSubstr("regulars_shard_queue_inputs 2"));
  }
  EXPECT_THAT(registry.Text(), HasSubstr("regulars_shard_queue_inputs 2"));
}

TEST(MetricsTest, ManyThreadsCountTogether) {
  Registry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry] {
      Counter counter = registry.MakeCounter("regulars_a_b_total", "h", {});
      for (int i = 0; i < 1000; ++i) counter.Add();
      (void)registry.Text();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.MakeCounter("regulars_a_b_total", "h", {}).value(), 4000);
}

TEST(MetricsDeathTest, MalformedSeries_Abort) {
  Registry r;
  EXPECT_DEATH((void)r.MakeCounter("touches_total", "h", {}), "metric name");
  EXPECT_DEATH((void)r.MakeCounter("regulars_Touches_total", "h", {}), "metric name");
  EXPECT_DEATH((void)r.MakeCounter("regulars_touches", "h", {}), "_total");
  EXPECT_DEATH((void)r.MakeGauge("regulars_queue_total", "h", {}), "_total");
  EXPECT_DEATH((void)r.MakeGauge("regulars_queue", "h", {{"member_id", "m"}}), "personal");
  EXPECT_DEATH((void)r.MakeGauge("regulars_queue", "h", {{"Bad-Label", "m"}}), "label name");
  EXPECT_DEATH(r.MakeCounter("regulars_a_total", "h", {}).Add(-1), "never goes back");
}

TEST(MetricsTest, AHookMayMakeASeries) {
  Registry registry;
  const auto hook = registry.OnScrape(
      [&] { registry.MakeGauge("regulars_test_late_shards", "made by a scrape", {}).Set(7); });
  EXPECT_THAT(registry.Text(), testing::HasSubstr("regulars_test_late_shards 7"));
}

}  // namespace
}  // namespace regulars::metrics
