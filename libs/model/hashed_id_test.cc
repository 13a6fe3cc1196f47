#include "libs/model/hashed_id.h"

#include <gtest/gtest.h>

namespace regulars::model {
namespace {

TEST(HashedId, IsPinned) {
  EXPECT_EQ(TouchId("till:shop7", "A-1"), HashedId({"till:shop7", "A-1"}));
  EXPECT_EQ(TouchId("till:shop7", "A-1"), "ctx0d90tqhkqpmdk5pwpkrda3r");
  EXPECT_EQ(TouchId("till:shop7", "A-1").size(), kHashedIdBytes);
}

TEST(HashedId, PartsDoNotRunIntoEachOther) {
  EXPECT_NE(HashedId({"ab", "c"}), HashedId({"a", "bc"}));
  EXPECT_NE(HashedId({"1:a", ""}), HashedId({"", "1:a"}));
  EXPECT_NE(HashedId({"a"}), HashedId({"a", ""}));
}

}  // namespace
}  // namespace regulars::model
