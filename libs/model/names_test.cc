#include "libs/model/names.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/limits.h"
#include "libs/base/status.h"

namespace regulars::model {
namespace {

TEST(NamesTest, PoolNames) {
  for (const char* good : {"a", "cofco", "cdnow-1997", "0"}) EXPECT_TRUE(IsValidPoolName(good));
  for (const char* bad : {"", "-a", "a-", "A", "a_b", "a.b", "a/b", "a b", "\xe8\x80\x81"}) {
    EXPECT_FALSE(IsValidPoolName(bad)) << bad;
  }
  EXPECT_FALSE(IsValidPoolName(std::string_view("a\0b", 3)));
  EXPECT_TRUE(IsValidPoolName(std::string(limits::kPoolNameMax, 'a')));
  EXPECT_FALSE(IsValidPoolName(std::string(limits::kPoolNameMax + 1, 'a')));
}

TEST(NamesTest, OtherIds) {
  EXPECT_TRUE(IsValidMemberId("m_7h2k"));
  for (const char* bad : {"", "m_", "7h2k", "M_7h2k", "m_7H2K", "m_a/b", "m_a b"}) {
    EXPECT_FALSE(IsValidMemberId(bad)) << bad;
  }
  EXPECT_TRUE(IsValidMemberId("m_" + std::string(limits::kMemberIdMax - 2, 'a')));
  EXPECT_FALSE(IsValidMemberId("m_" + std::string(limits::kMemberIdMax - 1, 'a')));
  EXPECT_TRUE(IsValidResourceId("repeat_buyer"));
  for (const char* bad : {"", "_x", "-x", "X", "a.b"}) EXPECT_FALSE(IsValidResourceId(bad)) << bad;
  EXPECT_FALSE(IsValidResourceId(std::string(limits::kResourceIdMax + 1, 'a')));
  EXPECT_TRUE(IsValidOperationId("Order#2024:A.1~x"));
  for (const char* bad : {"", "a/b", "a b", "a\n", "\x7f"}) EXPECT_FALSE(IsValidOperationId(bad));
  EXPECT_TRUE(IsValidOperationId(std::string(limits::kOperationIdMax, 'a')));
  EXPECT_FALSE(IsValidOperationId(std::string(limits::kOperationIdMax + 1, 'a')));
}

TEST(NamesTest, MemberName_BothWays) {
  const absl::StatusOr<MemberName> name = ParseMemberName("pools/cofco/members/m_7h2k");
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->pool, PoolName("cofco"));
  EXPECT_EQ(name->member, MemberId("m_7h2k"));
  EXPECT_EQ(FormatMemberName(*name), "pools/cofco/members/m_7h2k");
}

TEST(NamesTest, DeepName_BothWays) {
  const char* pattern = "pools/{pool}/members/{member}/balances/{program}/entries/{entry}";
  const char* text = "pools/cofco/members/m_1/balances/main/entries/7";
  const auto ids = ParseName(text, pattern);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(*ids, (std::vector<std::string>{"cofco", "m_1", "main", "7"}));
  EXPECT_EQ(FormatName(pattern, *ids), text);
}

TEST(NamesTest, MalformedNames_AreRefusedWithTheirPattern) {
  for (const char* bad :
       {"", "/", "pools", "pools/", "pools//members/m_1", "pools/cofco", "pools/cofco/members",
        "pools/cofco/members/", "pools/cofco/members/m_1/", "/pools/cofco/members/m_1",
        "pools/COFCO/members/m_1", "pool/cofco/members/m_1", "pools/cofco/members/m_1/x",
        "pools/cofco/members/../members/m_1", "pools/{pool}/members/{member}"}) {
    const absl::Status status = ParseMemberName(bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(ReasonOf(status), "NAME_MALFORMED") << bad;
    EXPECT_EQ(MetadataOf(status)[0].second, "pools/{pool}/members/{member}");
  }
}

TEST(NamesTest, PoolOfName_LooksAtTheFrontOnly) {
  EXPECT_EQ(*PoolOfName("pools/cofco"), PoolName("cofco"));
  EXPECT_EQ(*PoolOfName("pools/cofco/anything/else"), PoolName("cofco"));
  for (const char* bad : {"", "pools", "pools/", "pools/A", "members/cofco"}) {
    EXPECT_EQ(ReasonOf(PoolOfName(bad).status()), "NAME_MALFORMED") << bad;
  }
}

TEST(NamesTest, MintedIds_FollowTheSeedAndAreValid) {
  const std::string seed(32, '\x17');
  EXPECT_EQ(MintMemberId(seed), MintMemberId(seed));
  EXPECT_NE(MintMemberId(seed), MintMemberId(std::string(32, '\x18')));
  EXPECT_TRUE(IsValidMemberId(MintMemberId(seed).value()));
  EXPECT_EQ(MintMemberId(seed).value().size(), 28U);
}

TEST(NamesDeathTest, WrongNumberOfIds_Aborts) {
  EXPECT_DEATH((void)FormatName("pools/{pool}", {}), "fewer ids");
  EXPECT_DEATH((void)FormatName("pools/{pool}", {"a", "b"}), "more ids");
  EXPECT_DEATH((void)MintMemberId("short"), "16 bytes");
}

}  // namespace
}  // namespace regulars::model
