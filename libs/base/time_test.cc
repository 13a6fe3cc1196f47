#include "libs/base/time.h"

#include <gtest/gtest.h>

#include "libs/base/wall_clock.h"

namespace regulars {
namespace {

TEST(TimeTest, CivilUtc_BothWays) {
  EXPECT_EQ(FromCivilUtc(absl::CivilSecond(1970, 1, 1)), 0);
  EXPECT_EQ(FromCivilUtc(absl::CivilSecond(1998, 6, 30, 23, 59, 59)), 899'251'199'000'000);
  EXPECT_EQ(ToCivilUtc(899'251'199'999'999), absl::CivilSecond(1998, 6, 30, 23, 59, 59));
  EXPECT_EQ(FromCivilUtc(absl::CivilSecond(9999, 12, 31, 23, 59, 59)) + 999'999, kMicrosMax);
}

TEST(TimeTest, Rfc3339_BothWays) {
  struct Row {
    const char* text;
    Micros t;
    const char* canonical;
  };
  const Row rows[] = {{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
                      {"1997-01-01T08:00:00+08:00", 852'076'800'000'000, "1997-01-01T00:00:00Z"},
                      {"1970-01-01T00:00:01.5Z", 1'500'000, "1970-01-01T00:00:01.5Z"},
                      {"1970-01-01T00:00:00.0000019Z", 1, "1970-01-01T00:00:00.000001Z"},
                      {"9999-12-31T23:59:59.999999Z", kMicrosMax, "9999-12-31T23:59:59.999999Z"}};
  for (const Row& row : rows) {
    const absl::StatusOr<Micros> t = ParseRfc3339(row.text);
    ASSERT_TRUE(t.ok()) << row.text << t.status();
    EXPECT_EQ(*t, row.t) << row.text;
    EXPECT_EQ(FormatRfc3339(*t), row.canonical);
  }
}

TEST(TimeTest, OtherTexts_AreRefused) {
  for (const char* bad : {"", "1997-01-01", "1997-01-01 00:00:00", "1997-13-01T00:00:00Z",
                          "1997-01-01T00:00:00", "1969-12-31T23:59:59Z", "10000-01-01T00:00:00Z",
                          "infinite-future", "1997-01-01T00:00:00Zx"}) {
    EXPECT_EQ(ParseRfc3339(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(TimeTest, ValidInstants) {
  EXPECT_TRUE(IsValidInstant(0));
  EXPECT_TRUE(IsValidInstant(kMicrosMax));
  EXPECT_FALSE(IsValidInstant(-1));
  EXPECT_FALSE(IsValidInstant(kMicrosMax + 1));
}

TEST(WallClockTest, ClocksRun) {
  EXPECT_GT(WallMicros(), FromCivilUtc(absl::CivilSecond(2024, 1, 1)));
  const Micros before = MonotonicMicros();
  EXPECT_GE(MonotonicMicros(), before);
}

}  // namespace
}  // namespace regulars
