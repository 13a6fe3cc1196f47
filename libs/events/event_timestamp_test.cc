#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "libs/events/timestamp.h"

namespace regulars::events {
namespace {

std::string Write(Micros t) {
  std::array<char, kTimestampBytes> text;
  WriteTimestamp(t, &text);
  return std::string(text.data(), text.size());
}

struct Row {
  Micros t;
  const char* text;
};

const std::vector<Row> kRows = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {852'076'800'000'000, "1997-01-01T00:00:00.000000Z"},
    {899'251'199'000'000, "1998-06-30T23:59:59.000000Z"},
    {951'782'400'000'000, "2000-02-29T00:00:00.000000Z"},
    {951'868'799'999'999, "2000-02-29T23:59:59.999999Z"},
    {951'868'800'000'000, "2000-03-01T00:00:00.000000Z"},
    {4'107'542'400'000'000, "2100-03-01T00:00:00.000000Z"},
    {kMicrosMax, "9999-12-31T23:59:59.999999Z"},
};

TEST(TimestampTest, WritesAndReadsSixDigitsInUtc) {
  for (const Row& row : kRows) {
    EXPECT_EQ(Write(row.t), row.text);
    const absl::StatusOr<Micros> parsed = ParseTimestamp(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text;
    EXPECT_EQ(*parsed, row.t);
  }
}

TEST(TimestampTest, AgreesWithTheGeneralFunctionsOnEveryDayOf160Years) {
  for (Micros day = 0; day < 160 * 366; ++day) {
    const Micros t = day * kMicrosPerDay + (day * 7'919'000'003) % kMicrosPerDay;
    const absl::StatusOr<Micros> general = ParseRfc3339(Write(t));
    ASSERT_TRUE(general.ok()) << Write(t);
    ASSERT_EQ(*general, t);
    ASSERT_EQ(*ParseTimestamp(FormatRfc3339(t)), t);
  }
}

TEST(TimestampTest, ReadsWhatOthersWrite) {
  const std::vector<Row> rows = {
      {852'076'800'000'000, "1997-01-01T00:00:00Z"},
      {852'076'800'000'000, "1997-01-01T08:00:00+08:00"},
      {852'076'800'500'000, "1997-01-01T00:00:00.5Z"},
      {852'076'800'123'456, "1997-01-01T00:00:00.123456789Z"},
  };
  for (const Row& row : rows) {
    const absl::StatusOr<Micros> parsed = ParseTimestamp(row.text);
    ASSERT_TRUE(parsed.ok()) << row.text;
    EXPECT_EQ(*parsed, row.t) << row.text;
  }
}

TEST(TimestampTest, RefusesWhatIsNoTime) {
  const std::vector<std::string> texts = {
      "",
      "yesterday",
      "1997-01-01",
      "1997-01-01T00:00:00",
      "1997-13-01T00:00:00.000000Z",
      "1997-02-29T00:00:00.000000Z",
      "1900-02-28T00:00:00.000000Z",
      "1997-01-00T00:00:00.000000Z",
      "1997-01-01T24:00:01.000000Z",
      "1997-01-01T00:60:00.000000Z",
      "1997-01-01T00:00:00.00000xZ",
      "1997-01-01T00:00:00.000000 ",
      " 1997-01-01T00:00:00Z",
      "1997-01-01T00:00:00Z\n",
      "10000-01-01T00:00:00.000000Z",
      std::string("1997-01-01T00:00:00Z\0", 21),
  };
  for (const std::string& text : texts) {
    const absl::StatusOr<Micros> parsed = ParseTimestamp(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(ReasonOf(parsed.status()), "TIME_INVALID") << text;
  }
}

}  // namespace
}  // namespace regulars::events
