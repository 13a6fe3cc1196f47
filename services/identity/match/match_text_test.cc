// Folding of any bytes.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "services/identity/match/text.h"

namespace regulars::identity::match {
namespace {

TEST(Fold, TakesSpacesPunctuationAndCaseAway) {
  struct Row {
    const char* value;
    const char* letters;
    uint64_t gaps;
  };
  const Row rows[] = {
      {"Wynn Street", "wynnstreet", 1 << 4},
      {"  Wynn   Street ", "wynnstreet", 1 << 4},
      {"wynnstreet", "wynnstreet", 0},
      {"O'Shanassy", "oshanassy", 1 << 1},
      {"ÉMILE Ärger ΑΒΓ ЖУК", "émileärgerαβγжук", 1 << 5 | 1 << 10 | 1 << 13},
      {"ＡＢ１２", "ab12", 0},     // full width
      {"张　三", "张三", 1 << 1},  // ideographic space
      {"迪丽热巴·迪力木拉提", "迪丽热巴迪力木拉提", 1 << 4},
      {"", "", 0},
      {" .-/ ", "", 0},
      {"\x01\x02\x7f", "", 0},
  };
  for (const Row& row : rows) {
    const Folded folded = Fold(row.value);
    EXPECT_EQ(ToUtf8(folded.letters), row.letters) << row.value;
    EXPECT_EQ(folded.gaps, row.gaps) << row.value;
    EXPECT_FALSE(folded.too_long);
  }
}

TEST(Fold, BytesThatAreNoUtf8StandAsReplacements) {
  const std::string replacement = "\xEF\xBF\xBD";
  const std::string r2 = replacement + replacement, r3 = r2 + replacement;
  EXPECT_EQ(ToUtf8(Fold("a\xFF"
                        "b")
                       .letters),
            "a" + replacement + "b");
  EXPECT_EQ(ToUtf8(Fold("\xC0\xAF").letters), r2);                        // overlong
  EXPECT_EQ(ToUtf8(Fold("\xED\xA0\x80").letters), r3);                    // surrogate
  EXPECT_EQ(ToUtf8(Fold("\xE5\xBC").letters), r2);                        // cut
  EXPECT_EQ(ToUtf8(Fold("\xF4\x90\x80\x80").letters), r3 + replacement);  // above U+10FFFF
}

TEST(Fold, OneLetterOverTheLimitIsNotComparable) {
  EXPECT_EQ(Fold(std::string(kLettersMax, 'a')).letters.size(), kLettersMax);
  const Folded over = Fold(std::string(kLettersMax + 1, 'a'));
  EXPECT_TRUE(over.too_long);
  EXPECT_TRUE(over.letters.empty());
  EXPECT_TRUE(Fold(std::string(1'000'000, 'x')).too_long);
  EXPECT_FALSE(Fold(std::string(1'000'000, ' ')).too_long);
}

TEST(Fold, OfAnyBytesIsStable) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const Folded once = Fold(bytes);
    const Folded twice = Fold(ToUtf8(once.letters));
    EXPECT_EQ(once.letters, twice.letters);
    EXPECT_EQ(twice.gaps, 0U);
    EXPECT_LE(once.letters.size(), kLettersMax);
  }
}

TEST(SplitHanName, TakesTheSurnameOff) {
  struct Row {
    const char* name;
    const char* surname;
    const char* given_name;
  };
  const Row rows[] = {
      {"张伟", "张", "伟"},         {"王小明", "王", "小明"},
      {"欧阳娜娜", "欧阳", "娜娜"}, {"欧阳", "欧", "阳"},
      {"司 马 光", "司马", "光"},   {"李", "", "李"},
      {"Li Wei", "", "liwei"},      {"", "", ""},
  };
  for (const Row& row : rows) {
    const HanName name = SplitHanName(row.name);
    EXPECT_EQ(name.surname, row.surname) << row.name;
    EXPECT_EQ(name.given_name, row.given_name) << row.name;
  }
}

}  // namespace
}  // namespace regulars::identity::match
