// Values that are no values, for every type; and what holds for any value at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "libs/normalize/ledger.h"
#include "libs/normalize/spelling.h"

namespace regulars::normalize {
namespace {

using enum Outcome;

constexpr std::string_view kTypes[] = {
    "phone", "virtual_phone", "email",  "openid", "unionid", "ouid",   "open_uid", "omid",
    "oaid",  "card",          "cookie", "device", "order",   "serial", "code",     "customer"};

TEST(Hostile, ValuesOfEveryTypeAreRefusedOrBlocked) {
  using namespace std::string_view_literals;
  const std::string megabyte(1'000'000, 'x');
  const std::string above(limits::kIdentifierValueMax + 1, '1');
  std::string grows;  // 18 letters from 3 bytes each
  for (int i = 0; i < 40; ++i) grows += "\uFDFA";
  const Row rows[] = {
      {"", kEmpty},
      {"   ", kEmpty},
      {"\u3000\u00A0", kEmpty},
      {"\u200B\u200F\u202E\uFEFF", kEmpty},
      {"a\0b"sv, kNotText},
      {"\0"sv, kNotText},
      {"a\tb", kNotText},
      {"1\n2", kNotText},
      {"a\x1B[31m", kNotText},
      {"a\x7Fz", kNotText},
      {"a\xC2\x85z", kNotText},    // a C1 control
      {"a\u2028z", kNotText},      // a line separator
      {"a\xC0\xAFz", kNotText},    // overlong slash
      {"\xED\xA0\x80", kNotText},  // a surrogate alone
      {"\xED\xB0\x80\xED\xA0\x80", kNotText},
      {"\xF4\x90\x80\x80", kNotText},  // above the last code point
      {"\xE5\xBC", kNotText},          // cut off
      {"\xFF\xFE", kNotText},
      {megabyte, kTooLong},
      {above, kTooLong},
      {grows, kTooLong},
      {"0000", kPlaceholder, "0000"},
      {"０００", kPlaceholder, "000"},
      {"0-0", kPlaceholder, "0-0"},
      {"null", kPlaceholder, "null"},
      {"NULL", kPlaceholder, "NULL"},
      {"\u202Enull", kPlaceholder, "null"},
      {"\"undefined\"", kPlaceholder, "\"undefined\""},
      {"anonymous", kPlaceholder, "anonymous"},
      {"匿名用户", kPlaceholder, "匿名用户"},
      {"()", kPlaceholder, "()"},
  };
  for (const std::string_view type : kTypes) ExpectLedger(type, "s", rows);
}

TEST(Blocked, ValuesOfThePoolAreDroppedWhateverTheirSpelling) {
  Options options;
  options.blocked["phone"] = {"+862161234567"};
  options.blocked["email"] = {"@relay.example", "ann@example.com"};
  options.blocked["*"] = {"demo"};
  const Row phones[] = {{"021-6123 4567", kPoolBlocked, "+862161234567"},
                        {"021-6123 4568", kNormal, "+862161234568"}};
  ExpectLedger("phone", "", phones, options);
  const Row emails[] = {{"Ann@Example.com", kPoolBlocked, "ann@example.com"},
                        {"x7@relay.example", kPoolBlocked, "x7@relay.example"},
                        {"x7@sub.relay.example", kNormal, "x7@sub.relay.example"}};
  ExpectLedger("email", "", emails, options);
  const Row cards[] = {{"de mo", kPoolBlocked, "demo"}, {"demo2", kNormal, "demo2"}};
  ExpectLedger("card", "", cards, options);
}

TEST(Objects, KeepAnIdThatHasNoSpelling) {
  EXPECT_EQ(SpellObject(" A1 ", 256), "A1");
  EXPECT_EQ(SpellObject("Ａ１", 256), "A1");
  EXPECT_EQ(SpellObject("   ", 256), "   ");
  EXPECT_EQ(SpellObject(std::string(257, 'x'), 256), std::string(257, 'x'));
  EXPECT_EQ(SpellObject("null", 256), "null");
}

// Pieces that values are made of, and what gets between them.
std::string RandomValue(std::mt19937_64* random) {
  static const std::vector<std::string> kPieces = {"1",        "3",
                                                   "8",        "86",
                                                   "+86",      "0086",
                                                   "17951",    "139",
                                                   "12345670", "021",
                                                   "61234567", "950",
                                                   "400",      "0",
                                                   "00",       "-",
                                                   " ",        "(",
                                                   ")",        "/",
                                                   ".",        ",",
                                                   "转",       "ext",
                                                   ";ext=",    "x",
                                                   "*",        "**",
                                                   "#",        "@",
                                                   "ann",      "Ann",
                                                   "example",  ".com",
                                                   "xn--",     "xn--fsqu00a",
                                                   "例子",     "。",
                                                   "中国",     "ß",
                                                   "é",        "e\u0301",
                                                   "ﬁ",        "１",
                                                   "Ａ",       "＠",
                                                   "\u3000",   "\u200B",
                                                   "\u202E",   "\u200D",
                                                   "\u0301",   "\u00A8",
                                                   "\u1100",   "\u1161",
                                                   "\u3164",   "\uFFA0",
                                                   "\u2028",   "\xED\xA0\x80",
                                                   "\xFF",     "\n",
                                                   "null",     "+1",
                                                   "650",      "2530000",
                                                   "+39",      "+54",
                                                   "9",        "+52",
                                                   "55",       "\"",
                                                   "'",        "[",
                                                   "]",        "o6_bmjrPTlm6_2sgVt7hM"};
  std::string out;
  for (size_t parts = (*random)() % 9; parts > 0; --parts) {
    out += kPieces[(*random)() % kPieces.size()];
  }
  return out;
}

TEST(Properties, NormalValuesAreFixedPointsAndWithinTheirLimits) {
  std::mt19937_64 random(4);
  Options options;
  options.blocked["*"] = {"ann"};
  for (const char* region : {"CN", "US", "IT", "AR", "MX"}) {
    options.default_region = region;
    for (int i = 0; i < 20'000; ++i) {
      const std::string value = RandomValue(&random);
      const std::string_view type = kTypes[random() % std::size(kTypes)];
      const Normalized once = Normalize(type, "s", value, options);
      if (IsRefused(once.outcome)) {
        EXPECT_EQ(once.value, "") << type << ": " << value;
      }
      if (once.outcome == kNormal) {
        EXPECT_NE(once.value, "") << type << ": " << value;
      }
      if (once.value.empty()) continue;
      EXPECT_LE(once.value.size(), limits::kIdentifierValueMax);
      const Normalized twice = Normalize(type, "s", once.value, options);
      EXPECT_EQ(twice.value, once.value) << type << " in " << region << ": " << value;
      EXPECT_EQ(OutcomeText(twice.outcome), OutcomeText(once.outcome)) << type << ": " << value;
    }
  }
}

TEST(Properties, EveryChineseNumberIsAFixedPoint) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 5'000; ++i) {
    const std::string digits = Cat(random() % 1'000'000'000'000);
    for (const char* front : {"", "0", "+86", "1", "1795"}) {
      const Normalized once = Normalize("phone", "", front + digits, {});
      if (once.value.empty()) continue;
      const Normalized twice = Normalize("phone", "", once.value, {});
      EXPECT_EQ(twice.value, once.value) << front << digits;
      EXPECT_EQ(OutcomeText(twice.outcome), OutcomeText(once.outcome)) << front << digits;
    }
  }
}

TEST(Properties, ThreadsSeeTheSame) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(Normalize("phone", "", "0086 139 1234 5670", {}).value, "+8613912345670");
        EXPECT_EQ(Normalize("email", "", "ann@例子.中国", {}).value, "ann@xn--fsqu00a.xn--fiqs8s");
        EXPECT_EQ(Normalize("card", "", "６２２５", {}).value, "6225");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Outcomes, HaveDistinctTextsAndOneGroup) {
  std::vector<std::string_view> texts;
  for (int i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    texts.push_back(OutcomeText(outcome));
    EXPECT_EQ((outcome == kNormal) + IsBlocked(outcome) + IsRefused(outcome), 1);
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace
}  // namespace regulars::normalize
