#include "libs/model/identifier.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/limits.h"

namespace regulars::model {
namespace {

struct Row {
  std::string type;
  std::string value;
  std::optional<std::string> normal;
};

TEST(Identifier, HasOneSpellingPerValue) {
  const std::string longest(limits::kIdentifierValueMax, 'x');
  const Row rows[] = {
      {"email", "  Ann.Lee@Example.COM ", "ann.lee@example.com"},
      {"email", "ann+shop@example.com", "ann+shop@example.com"},  // never folded: another mailbox
      {"phone", "+86 138-0013-8000", "+8613800138000"},
      {"phone", "(021) 6123.4567", "02161234567"},
      {"openid", " oABC-x_y ", "oABC-x_y"},
      {"card", "A 1", "A 1"},
      {"name", "张伟", "张伟"},
      {"card", "", std::nullopt},
      {"card", " \t ", std::nullopt},
      {"phone", "- ( ) -", std::nullopt},
      {"card", "a\x01z", std::nullopt},
      {"card", "a\x7Fz", std::nullopt},
      {"card", "a\xC2\x85z", std::nullopt},        // a C1 control
      {"card", "a\xC0\xAFz", std::nullopt},        // overlong slash
      {"card", "\xED\xA0\x80", std::nullopt},      // surrogate
      {"card", "\xF4\x90\x80\x80", std::nullopt},  // above the last code point
      {"card", "\xE5\xBC", std::nullopt},          // cut off
      {"card", longest, longest},
      {"card", longest + "x", std::nullopt},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(NormalizeIdentifier(row.type, row.value), row.normal)
        << row.type << ": " << row.value;
  }
}

TEST(Identifier, TypesAreLowerCaseWords) {
  EXPECT_TRUE(IsIdentifierType("openid"));
  EXPECT_TRUE(IsIdentifierType(std::string(limits::kIdentifierTypeMax, 'a')));
  EXPECT_FALSE(IsIdentifierType(std::string(limits::kIdentifierTypeMax + 1, 'a')));
  EXPECT_FALSE(IsIdentifierType(""));
  EXPECT_FALSE(IsIdentifierType("Phone"));
  EXPECT_FALSE(IsIdentifierType("a/b"));
}

// The key is part of the data on disk.
TEST(Identifier, KeyIsPinned) {
  const std::string key = IdentifierKey(std::string(32, '\x5A'));
  EXPECT_EQ(key, "i_b9d5mpjtb9d5mpjtb9d5mpjtb8");
  EXPECT_EQ(key.size(), kIdentifierKeyBytes);
}

TEST(PlainText, AllowsLinesOnlyWhereAsked) {
  EXPECT_TRUE(IsUtf8("two\nlines"));
  EXPECT_FALSE(IsPlainText("two\nlines"));
  EXPECT_TRUE(IsPlainText("好评 👍"));
  EXPECT_FALSE(IsUtf8("\xFF"));
}

}  // namespace
}  // namespace regulars::model
