#include "services/ingest/shell/touch_counts.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "libs/base/text.h"

namespace regulars::ingest {
namespace {

TEST(TouchCounts, AddUpAtEveryMomentWhileThreadsWork) {
  TouchCounts counts({}, nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&counts, t] {
      for (int i = 0; i < 5000; ++i) {
        counts.Received("tea");
        if (t == 0) {
          counts.Acknowledged("tea");
        } else if (t == 1) {
          counts.Refused("tea", "TOUCH_MISSING");
        } else {
          counts.Quarantined("tea");
        }
      }
    });
  }
  for (int i = 0; i < 1000; ++i) {
    const TouchCounts::Snapshot now = counts.Read();
    EXPECT_EQ(now.received,
              now.acknowledged + now.quarantined + now.refused_total() + now.in_flight);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counts.Read().received, 15000);
  EXPECT_EQ(counts.InFlightOf("tea"), 0);
}

TEST(TouchCounts, AreShownToEveryScrapeAsCounters) {
  metrics::Registry registry;
  TouchCounts counts({}, &registry);
  counts.Received("tea");
  counts.Received("tea");
  counts.Refused("tea", "TOUCH_MISSING");
  std::string text = registry.Text();
  EXPECT_NE(text.find("regulars_ingest_touches_received_total 2"), std::string::npos) << text;
  EXPECT_NE(text.find("regulars_ingest_touches_in_flight 1"), std::string::npos);
  EXPECT_NE(text.find("regulars_ingest_touches_refused_total{reason=\"TOUCH_MISSING\"} 1"),
            std::string::npos);
  counts.Acknowledged("tea");
  text = registry.Text();
  EXPECT_NE(text.find("regulars_ingest_touches_acknowledged_total 1"), std::string::npos);
  EXPECT_NE(text.find("regulars_ingest_touches_in_flight 0"), std::string::npos);
}

// Types that only a pool's configuration has share a label: labels stay few.
TEST(TouchCounts, ShowWhatWasDroppedByTypeAndReason) {
  metrics::Registry registry;
  TouchCounts counts({}, &registry);
  constexpr char kName[] = "regulars_ingest_identifiers_dropped_total";
  EXPECT_NE(registry.Text().find(Cat(kName, "{reason=\"MASKED\",type=\"phone\"} 0")),
            std::string::npos)
      << registry.Text();
  counts.Dropped({{"phone", "MASKED"}, {"phone", "MASKED"}, {"fax", kTypeBlocked}});
  counts.Dropped({{"vip_card", kTypeBlocked}});
  const std::string text = registry.Text();
  EXPECT_NE(text.find(Cat(kName, "{reason=\"MASKED\",type=\"phone\"} 2")), std::string::npos);
  EXPECT_NE(text.find(Cat(kName, "{reason=\"TYPE_BLOCKED\",type=\"other\"} 2")), std::string::npos)
      << text;
  EXPECT_EQ(text.find("vip_card"), std::string::npos);
  EXPECT_EQ(registry.Text(), text);
}

TEST(TouchCounts, GiveRoomUpToTheLimit) {
  IntakeLimits limits;
  limits.records_in_flight_max = 2;
  limits.bytes_in_flight_max = 100;
  TouchCounts counts(limits, nullptr);
  EXPECT_FALSE(counts.TakeRoom(101));
  EXPECT_TRUE(counts.TakeRoom(100));
  EXPECT_FALSE(counts.TakeRoom(1));
  counts.GiveRoom(100);
  EXPECT_TRUE(counts.TakeRoom(1));
  EXPECT_TRUE(counts.TakeRoom(1));
  EXPECT_FALSE(counts.TakeRoom(1));
}

}  // namespace
}  // namespace regulars::ingest
