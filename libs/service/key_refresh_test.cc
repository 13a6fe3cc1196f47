#include "libs/service/key_refresh.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"

namespace regulars::service {
namespace {

std::string Line(Micros day_us, char fill) {
  return Cat(seal::TransportKeyId(day_us), " ",
             absl::Base64Escape(std::string(seal::kKeyBytes, fill)), "\n");
}

bool Within10s(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
  }
  return true;
}

TEST(KeyRefreshTest, ADestroyedKeyLeavesTheProcess_AndALateRotationIsSeen) {
  const std::string path = testing::TempDir() + "/refreshed-keys";
  const Micros now = WallMicros();
  std::ofstream(path) << Line(now - 2 * kMicrosPerDay, 'a');
  auto keys = *seal::TransportKeys::Load(path);
  const seal::Box box = *keys->Seal("text", "p", now);
  metrics::Registry metrics;
  const log::Logger logger([](std::string_view) {}, "test", "0", log::Level::kError);
  const KeyRefresh refresh({{"tea", keys.get()}}, absl::Milliseconds(1), &metrics, &logger);
  const std::string age = "regulars_transport_key_age_days{pool=\"tea\"} ";
  EXPECT_NE(metrics.Text().find(age + "2"), std::string::npos) << metrics.Text();

  std::ofstream(path) << Line(now, 'b');
  EXPECT_TRUE(Within10s([&] { return !keys->Open(box, "p").ok(); }));
  EXPECT_NE(metrics.Text().find(age + "0"), std::string::npos) << metrics.Text();
  EXPECT_TRUE(keys->Seal("text", "p", now).ok());
}

TEST(KeyRefreshTest, WithoutKeys_NothingRuns) {
  metrics::Registry metrics;
  const log::Logger logger([](std::string_view) {}, "test", "0", log::Level::kError);
  const KeyRefresh refresh({}, absl::Milliseconds(1), &metrics, &logger);
  EXPECT_EQ(metrics.Text().find("transport_key"), std::string::npos);
}

}  // namespace
}  // namespace regulars::service
