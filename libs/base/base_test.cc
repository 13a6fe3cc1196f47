// assert, strong_id, checked, base32: small values, one table each.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/checked.h"
#include "libs/base/strong_id.h"
#include "libs/base/text.h"

namespace regulars {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(AssertDeathTest, BrokenInvariant_AbortsAndSaysWhy) {
  EXPECT_DEATH(REGULARS_ASSERT(1 == 2, "one is not two"), "assertion failed: one is not two");
}

TEST(AssertTest, HeldInvariant_DoesNothing) { REGULARS_ASSERT(true, "never printed"); }

using MemberId = StrongId<struct MemberTag>;
using Birth = StrongInt<struct BirthTag>;
static_assert(!std::is_convertible_v<std::string, MemberId>, "conversion only when asked");
static_assert(!std::is_same_v<MemberId, StrongId<struct ShopTag>>, "a member is not a shop");

TEST(StrongIdTest, ComparesOrdersAndHashesLikeItsValue) {
  EXPECT_EQ(MemberId("a"), MemberId("a"));
  EXPECT_LT(MemberId("a"), MemberId("b"));
  EXPECT_LT(Birth(-1), Birth(2));
  const absl::flat_hash_set<MemberId> fast{MemberId("a"), MemberId("a"), MemberId("b")};
  EXPECT_EQ(fast.size(), 2U);
  const std::unordered_set<Birth> slow{Birth(1), Birth(1)};
  EXPECT_EQ(slow.size(), 1U);
}

TEST(CheckedTest, ArithmeticAtTheEdges) {
  EXPECT_EQ(CheckedAdd(kMax, 0), kMax);
  EXPECT_EQ(CheckedAdd(kMax, 1), std::nullopt);
  EXPECT_EQ(CheckedSub(kMin, 1), std::nullopt);
  EXPECT_EQ(CheckedSub(0, kMin), std::nullopt);
  EXPECT_EQ(CheckedMul(kMax, 2), std::nullopt);
  EXPECT_EQ(CheckedMul(-3, 7), -21);
}

TEST(CheckedTest, DivisionNamesItsRounding) {
  struct Row {
    int64_t a, b;
    std::optional<int64_t> floor, half_up;
  };
  const Row rows[] = {{7, 2, 3, 4},
                      {-7, 2, -4, -4},
                      {7, -2, -4, -4},
                      {5, 3, 1, 2},
                      {4, 3, 1, 1},
                      {-4, 3, -2, -1},
                      {6, 3, 2, 2},
                      {kMax, 2, kMax / 2, kMax / 2 + 1},
                      {kMin, 2, kMin / 2, kMin / 2},
                      {kMin, -1, std::nullopt, std::nullopt},
                      {kMin, kMin, 1, 1},
                      {1, kMin, -1, 0},
                      {1, 0, std::nullopt, std::nullopt}};
  for (const Row& row : rows) {
    EXPECT_EQ(CheckedDivFloor(row.a, row.b), row.floor) << row.a << " / " << row.b;
    EXPECT_EQ(CheckedDivHalfUp(row.a, row.b), row.half_up) << row.a << " / " << row.b;
  }
}

TEST(CheckedDeathTest, OverflowBehindTheEdge_Aborts) {
  EXPECT_EQ(AddOrDie(2, 3), 5);
  EXPECT_DEATH((void)AddOrDie(kMax, 1), "addition overflows");
  EXPECT_DEATH((void)SubOrDie(kMin, 1), "subtraction overflows");
  EXPECT_DEATH((void)MulOrDie(kMin, -1), "multiplication overflows");
}

TEST(TextTest, StdViewsCrossIntoAbseilAndBack) {
  const std::string_view view = "topic";
  EXPECT_EQ(Cat("no ", view, ":", 3, std::string("x")), "no topic:3x");
  EXPECT_EQ(StdView(AbslView(view)), view);
  const absl::flat_hash_map<std::string, int, TextHash, TextEq> map{{"topic", 1}};
  EXPECT_EQ(map.find(view)->second, 1);
}

TEST(Base32Test, KnownTexts) {
  EXPECT_EQ(Base32Encode(""), "");
  EXPECT_EQ(Base32Encode("f"), "cr");
  EXPECT_EQ(Base32Encode("foobar"), "csqpyrk1e8");
  EXPECT_EQ(Base32Encode(std::string(5, '\xff')), "zzzzzzzz");
}

TEST(Base32Test, EveryByteStringComesBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(Base32Decode(Base32Encode(bytes)), bytes) << i;
    bytes.push_back(static_cast<char>(i * 37));
  }
}

TEST(Base32Test, OtherSpellings_AreRefused) {
  for (const char* bad : {"CR", "cr=", "c", "cs", "il", "ou", "cr c", "csqpyrk1e8z"}) {
    EXPECT_EQ(Base32Decode(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace regulars
