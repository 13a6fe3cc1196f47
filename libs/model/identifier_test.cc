#include "libs/model/identifier.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/limits.h"

namespace regulars::model {
namespace {

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
  for (const char* bad : {"a\x01z", "a\x7Fz", "a\xC2\x85z" /* C1 */, "a\xC0\xAFz" /* overlong */,
                          "\xED\xA0\x80" /* surrogate */, "\xF4\x90\x80\x80", "\xE5\xBC"}) {
    EXPECT_FALSE(IsPlainText(bad));
  }
}

}  // namespace
}  // namespace regulars::model
