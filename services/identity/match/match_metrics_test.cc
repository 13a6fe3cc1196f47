// String metrics against published values and against plain definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "services/identity/match/metrics.h"

namespace regulars::identity::match {
namespace {

std::u32string L(const std::string& text) { return Fold(text).letters; }

std::string SoundexOf(const std::string& text) {
  const uint32_t code = Soundex(L(text));
  std::string out;
  for (int shift = 24; code != 0 && shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(code >> shift & 0xFF));
  }
  return out;
}

// The definition, whole table, without limits or shortcuts.
size_t PlainEditDistance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

TEST(JaroWinkler, GivesThePublishedValues) {
  struct Row {
    const char* a;
    const char* b;
    int32_t thousandths;
  };
  // Winkler 1990 and 1994, table of string comparators.
  const Row rows[] = {
      {"martha", "marhta", 961},
      {"dwayne", "duane", 840},
      {"dixon", "dicksonx", 813},
      {"jones", "johnson", 832},
      {"massey", "massie", 933},
      {"abroms", "abrams", 922},
      {"hardin", "martinez", 722},
      {"itman", "smith", 466},
      {"michelle", "michael", 921},
      {"julies", "julius", 933},
      {"tanya", "tonya", 880},
      {"sean", "susan", 805},
      {"same", "same", 1000},
      {"abc", "xyz", 0},
      {"", "", 0},
      {"", "a", 0},
      {"a", "b", 0},
  };
  for (const Row& row : rows) {
    EXPECT_NEAR(JaroWinkler(L(row.a), L(row.b)), row.thousandths * 1000, 1000)
        << row.a << " " << row.b;
  }
}

TEST(EditDistance, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  struct Row {
    const char* a;
    const char* b;
    size_t distance;
  };
  const Row rows[] = {
      {"", "", 0},
      {"a", "", 1},
      {"abc", "abc", 0},
      {"abc", "acb", 1},
      {"ca", "abc", 3},
      {"kitten", "sitting", 3},
      {"7180320", "7180230", 1},
      {"peter", "pteer", 1},
      {"19560409", "19560904", 2},
      {"张伟", "张卫", 1},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(EditDistance(L(row.a), L(row.b), 5), row.distance) << row.a << " " << row.b;
  }
}

TEST(EditDistance, IsThatOfTheDefinitionUpToItsLimit) {
  std::mt19937_64 random(7);
  const auto word = [&](size_t letters) {
    std::u32string out(random() % 13, U'a');
    for (char32_t& letter : out) letter = U'a' + static_cast<char32_t>(random() % letters);
    return out;
  };
  for (int i = 0; i < 50'000; ++i) {
    const std::u32string a = word(2 + i % 3);
    std::u32string b = word(2 + i % 3);
    if (i % 2 == 0) {  // near each other
      b = a;
      for (uint64_t edits = random() % 4; edits > 0 && !b.empty(); --edits) {
        const size_t at = random() % b.size();
        if (random() % 2 == 0)
          b.erase(at, 1);
        else
          std::swap(b[at], b[b.size() - 1]);
      }
    }
    const size_t plain = PlainEditDistance(a, b);
    for (const size_t most : {size_t{0}, size_t{1}, size_t{2}, size_t{4}}) {
      EXPECT_EQ(EditDistance(a, b, most), std::min(plain, most + 1));
    }
  }
}

TEST(Metrics, AreSymmetricAndInTheirRange) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t size = 1 + random() % (kLettersMax + 1), alphabet = 1 + random() % 300;
    std::u32string a(random() % size, U'a'), b(random() % size, U'a');
    for (char32_t& letter : a) letter += static_cast<char32_t>(random() % alphabet);
    for (char32_t& letter : b) letter += static_cast<char32_t>(random() % alphabet);
    const int32_t similarity = JaroWinkler(a, b);
    EXPECT_EQ(similarity, JaroWinkler(b, a));
    EXPECT_GE(similarity, 0);
    EXPECT_LE(similarity, kMillion);
    EXPECT_EQ(EditDistance(a, b, 3), EditDistance(b, a, 3));
    const uint64_t set_a = LetterSet(a), set_b = LetterSet(b);
    EXPECT_GE(EditDistance(a, b, kLettersMax), EditDistanceMin(set_a, set_b));
    EXPECT_LE(similarity, JaroWinklerMax(a, set_a, b, set_b));
  }
}

TEST(Soundex, IsTheAmericanOne) {
  struct Row {
    const char* name;
    const char* code;
  };
  // The examples of the US National Archives.
  const Row rows[] = {{"Washington", "w252"}, {"Lee", "l000"},
                      {"Gutierrez", "g362"},  {"Pfister", "p236"},
                      {"Jackson", "j250"},    {"Tymczak", "t522"},
                      {"Ashcraft", "a261"},   {"Robert", "r163"},
                      {"Rupert", "r163"},     {"", ""},
                      {"张伟", ""},           {"1234", ""}};
  for (const Row& row : rows) EXPECT_EQ(SoundexOf(row.name), row.code) << row.name;
}

}  // namespace
}  // namespace regulars::identity::match
