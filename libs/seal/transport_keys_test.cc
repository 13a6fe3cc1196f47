#include "libs/seal/transport_keys.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::seal {
namespace {

constexpr Micros kNoon = 1'795'435'200'000'000;  // 2026-11-23T12:00:00Z

std::string Line(const std::string& day, char fill) {
  return Cat("transport/", day, " ", absl::Base64Escape(std::string(kKeyBytes, fill)), "\n");
}

std::unique_ptr<TransportKeys> Keys(const std::string& text) {
  auto keys = TransportKeys::Parse(text);
  EXPECT_TRUE(keys.ok()) << keys.status();
  return *std::move(keys);
}

TEST(TransportKeysTest, TheKeyOfTheDaySeals) {
  EXPECT_EQ(TransportKeyId(kNoon), "transport/2026-11-23");
  const auto keys =
      Keys(Line("2026-11-22", 'a') + Line("2026-11-23", 'b') + Line("2026-11-24", 'c'));
  struct Row {
    const char* what;
    Micros at_us;
    const char* key_id;
  };
  const Row rows[] = {{"noon", kNoon, "transport/2026-11-23"},
                      {"the day before", kNoon - kMicrosPerDay, "transport/2026-11-22"},
                      {"last instant", kNoon + kMicrosPerDay / 2 - 1, "transport/2026-11-23"},
                      {"midnight", kNoon + kMicrosPerDay / 2, "transport/2026-11-24"},
                      {"rotation is late", kNoon + 9 * kMicrosPerDay, "transport/2026-11-24"}};
  for (const Row& row : rows) {
    const auto box = keys->Seal("13800138000", "tea/contact", row.at_us);
    ASSERT_TRUE(box.ok()) << row.what;
    EXPECT_EQ(box->key_id, row.key_id) << row.what;
    EXPECT_EQ(*keys->Open(*box, "tea/contact"), "13800138000") << row.what;
    EXPECT_EQ(ReasonOf(keys->Open(*box, "tea/text").status()), "SEAL_BROKEN") << row.what;
  }
  EXPECT_EQ(*keys->AgeDays(kNoon), 0);
  EXPECT_EQ(*keys->AgeDays(kNoon + 9 * kMicrosPerDay), 8);
  EXPECT_EQ(keys->AgeDays(kNoon - 2 * kMicrosPerDay), std::nullopt);
  EXPECT_EQ(ReasonOf(keys->Seal("x", "p", kNoon - 2 * kMicrosPerDay).status()),
            "TRANSPORT_KEY_MISSING");
  EXPECT_TRUE(keys->Seal(std::string(kPlaintextMax, 'x'), "p", kNoon).ok());
  EXPECT_EQ(ReasonOf(keys->Seal(std::string(kPlaintextMax + 1, 'x'), "p", kNoon).status()),
            "TOO_LARGE");
}

TEST(TransportKeysTest, ADestroyedDay_OpensNothingAndDerivesNothing) {
  const auto before = Keys(Line("2026-11-23", 'a'));
  const Box box = *before->Seal("text", "p", kNoon);
  EXPECT_TRUE(before->DeriveSeed(box, "tea/m_1").ok());
  const auto after = Keys(Line("2026-11-24", 'b'));
  EXPECT_EQ(ReasonOf(after->Open(box, "p").status()), "SEAL_KEY_UNKNOWN");
  EXPECT_EQ(ReasonOf(after->DeriveSeed(box, "tea/m_1").status()), "SEAL_KEY_UNKNOWN");
}

TEST(TransportKeysTest, ASeedIsTheSameForTheSameBoxAndPlaceOnly) {
  const auto keys = Keys(Line("2026-11-23", 'a'));
  const Box box = *keys->Seal("text", "p", kNoon);
  const Box other = *keys->Seal("text", "p", kNoon);
  EXPECT_EQ(*keys->DeriveSeed(box, "tea/m_1"), *keys->DeriveSeed(box, "tea/m_1"));
  EXPECT_NE(*keys->DeriveSeed(box, "tea/m_1"), *keys->DeriveSeed(box, "tea/m_2"));
  EXPECT_NE(*keys->DeriveSeed(box, "tea/m_1"), *keys->DeriveSeed(other, "tea/m_1"));
  EXPECT_EQ(keys->DeriveSeed(box, "tea/m_1")->size(), kKeyBytes);
}

TEST(TransportKeysTest, Refresh_TakesWhatTheFileSays_AndKeepsTheKeysWhenItIsBroken) {
  const std::string path = testing::TempDir() + "/transport-keys";
  std::ofstream(path) << Line("2026-11-23", 'a');
  auto keys = *TransportKeys::Load(path);
  const Box box = *keys->Seal("text", "p", kNoon);
  std::ofstream(path) << "half a li";
  EXPECT_FALSE(keys->Refresh().ok());
  EXPECT_TRUE(keys->Open(box, "p").ok());
  std::ofstream(path) << Line("2026-11-24", 'b');
  EXPECT_TRUE(keys->Refresh().ok());
  EXPECT_EQ(ReasonOf(keys->Open(box, "p").status()), "SEAL_KEY_UNKNOWN");
}

TEST(TransportKeysTest, OnlyDaysAreKeyIds) {
  for (const char* day : {"2026-11-31", "2026-1-1", "tomorrow", "2026-11-23T", ""}) {
    EXPECT_FALSE(TransportKeys::Parse(Line(day, 'a')).ok()) << day;
  }
  EXPECT_FALSE(
      TransportKeys::Parse(Cat("k1 ", absl::Base64Escape(std::string(kKeyBytes, 'a')))).ok());
  EXPECT_FALSE(TransportKeys::Load("/nonexistent").ok());
}

class Rotation : public testing::Test {
 protected:
  RotatedKeys Rotate(const std::string& text, Micros now_us, TransportRotation rotation = {}) {
    auto rotated = RotateTransportKeys(text, now_us, rotation, [this] {
      return std::string(kKeyBytes, static_cast<char>('A' + made_++));
    });
    EXPECT_TRUE(rotated.ok()) << rotated.status();
    return *std::move(rotated);
  }
  int made_ = 0;
};

using Ids = std::vector<std::string>;

TEST_F(Rotation, MakesTodayAndTheDaysAhead) {
  const RotatedKeys first = Rotate("", kNoon);
  EXPECT_EQ(first.made, (Ids{"transport/2026-11-23", "transport/2026-11-24", "transport/2026-11-25",
                             "transport/2026-11-26"}));
  EXPECT_TRUE(first.destroyed.empty());
  const RotatedKeys same_day = Rotate(first.text, kNoon + 1);
  EXPECT_EQ(same_day.text, first.text);
  EXPECT_TRUE(same_day.made.empty());
  const RotatedKeys next = Rotate(first.text, kNoon + kMicrosPerDay);
  EXPECT_EQ(next.made, Ids{"transport/2026-11-27"});
}

TEST_F(Rotation, DestroysADayWhenTheTouchesOfItsLastInstantAreGone) {
  const std::string text = Line("2026-11-01", 'a') + "# kept\n" + Line("2026-11-23", 'b');
  const TransportRotation days14{14, 0};
  // The last touch of 1 November is gone at the end of 15 November.
  const Micros last = kNoon - 8 * kMicrosPerDay + kMicrosPerDay / 2 - 1;
  EXPECT_TRUE(Rotate(text, last, days14).destroyed.empty());
  const RotatedKeys after = Rotate(text, last + 1, days14);
  EXPECT_EQ(after.destroyed, Ids{"transport/2026-11-01"});
  EXPECT_EQ(after.text.find("2026-11-01"), std::string::npos);
  EXPECT_NE(after.text.find("# kept"), std::string::npos);
  EXPECT_NE(after.text.find("2026-11-23"), std::string::npos);
}

TEST_F(Rotation, NothingSealedOnADestroyedDayOpensAgain) {
  const RotatedKeys first = Rotate("", kNoon, {1, 0});
  const Box box = *Keys(first.text)->Seal("13800138000", "tea/contact", kNoon);
  std::string text = first.text;
  for (int day = 1; day <= 2; ++day) {
    EXPECT_TRUE(Keys(text)->Open(box, "tea/contact").ok()) << day;
    text = Rotate(text, kNoon + day * kMicrosPerDay, {1, 0}).text;
  }
  EXPECT_EQ(ReasonOf(Keys(text)->Open(box, "tea/contact").status()), "SEAL_KEY_UNKNOWN");
  EXPECT_EQ(Keys(text)->Seal("x", "p", kNoon + 2 * kMicrosPerDay)->key_id, "transport/2026-11-25");
}

TEST_F(Rotation, LimitsAndForeignFiles_AreRefused) {
  const auto none = [] { return std::string(kKeyBytes, 'x'); };
  const TransportRotation good{kTransportRetentionDaysMax, kTransportAheadDaysMax};
  EXPECT_TRUE(RotateTransportKeys("", kNoon, good, none).ok());
  for (const TransportRotation& bad :
       {TransportRotation{0, 3}, TransportRotation{kTransportRetentionDaysMax + 1, 3},
        TransportRotation{14, -1}, TransportRotation{14, kTransportAheadDaysMax + 1}}) {
    EXPECT_FALSE(RotateTransportKeys("", kNoon, bad, none).ok());
  }
  const std::string seal_keys = Cat("s1 ", absl::Base64Escape(std::string(kKeyBytes, 'a')));
  EXPECT_FALSE(RotateTransportKeys(seal_keys, kNoon, {}, none).ok());
}

}  // namespace
}  // namespace regulars::seal
