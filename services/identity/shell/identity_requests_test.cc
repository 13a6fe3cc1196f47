#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "services/identity/shell/identity_service.h"
#include "services/identity/shell/pool_section.h"

namespace regulars::identity {
namespace {

class Requests : public testing::Test {
 protected:
  Requests()
      : pepper_(*seal::Pepper::Parse(Cat("p1 ", absl::Base64Escape(std::string(32, 'p')), "\n"),
                                     "tea")) {}

  absl::StatusOr<std::string> Lookup(const std::string& parent, const std::string& type,
                                     const std::string& scope, const std::string& value) {
    v1::LookupMemberRequest request;
    request.set_parent(parent);
    request.mutable_identifier()->set_type(type);
    request.mutable_identifier()->set_scope(scope);
    request.mutable_identifier()->set_value(value);
    return EntityOf(
        request, [this](const std::string& pool) { return pool == "tea" ? &pepper_ : nullptr; },
        [this](const std::string& pool) { return pool == "tea" ? &options_ : nullptr; });
  }

  seal::Pepper pepper_;
  normalize::Options options_;
};

TEST_F(Requests, LookUpUnderTheKeyThatIngestWrites) {
  const absl::StatusOr<std::string> key = Lookup("pools/tea", "phone", "", " 139-1234 5670 ");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(*key, model::IdentifierKey(pepper_.Hmac("phone", "", "+8613912345670")));
  EXPECT_NE(*key, *Lookup("pools/tea", "phone", "x", "13912345670"));
}

TEST_F(Requests, SpellAsThePoolDoes) {
  options_.default_region = "HK";
  options_.blocked["card"] = {"demo"};
  EXPECT_EQ(*Lookup("pools/tea", "phone", "", "6123 4567"),
            model::IdentifierKey(pepper_.Hmac("phone", "", "+85261234567")));
  // Blocked today, but perhaps recorded before.
  EXPECT_EQ(*Lookup("pools/tea", "card", "", "demo"),
            model::IdentifierKey(pepper_.Hmac("card", "", "demo")));
  EXPECT_EQ(*Lookup("pools/tea", "card", "", "null"),
            model::IdentifierKey(pepper_.Hmac("card", "", "null")));
}

TEST_F(Requests, RefuseWhatIsMalformed) {
  const std::string too_long(limits::kIdentifierScopeMax + 1, 'x');
  EXPECT_EQ(ReasonOf(Lookup("tea", "card", "", "1").status()), "NAME_MALFORMED");
  EXPECT_EQ(ReasonOf(Lookup("pools/tea", "Card!", "", "1").status()), "IDENTIFIER_INVALID");
  EXPECT_EQ(ReasonOf(Lookup("pools/tea", "card", too_long, "1").status()), "IDENTIFIER_INVALID");
  EXPECT_EQ(ReasonOf(Lookup("pools/tea", "card", "", " ").status()), "IDENTIFIER_INVALID");
  EXPECT_EQ(ReasonOf(Lookup("pools/tea", "phone", "", "138****8000").status()),
            "IDENTIFIER_INVALID");
  EXPECT_EQ(ReasonOf(Lookup("pools/tea", "openid", "", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M").status()),
            "IDENTIFIER_INVALID");
  EXPECT_EQ(ReasonOf(Lookup("pools/moon", "card", "", "1").status()), "POOL_UNKNOWN");
}

TEST_F(Requests, ReadAMemberByItsName) {
  v1::GetMemberRequest request;
  request.set_name("pools/tea/members/m_00000000000000000000000000");
  EXPECT_EQ(*EntityOf(request), "m_00000000000000000000000000");
  for (const char* bad : {"", "members/x", "pools/tea/members/", "pools/tea/members/x/y"}) {
    request.set_name(bad);
    EXPECT_EQ(ReasonOf(EntityOf(request).status()), "NAME_MALFORMED") << bad;
  }
}

TEST(PoolSection, HasAWindowWithinBounds) {
  struct Row {
    std::string yaml;
    int64_t days;
    size_t problems;
  };
  const Row rows[] = {{"touch_window_days: 30", 30, 0},
                      {"{}", 400, 0},
                      {"touch_window_days: 0", 400, 1},
                      {"touch_window_days: 3651", 400, 1}};
  for (const Row& row : rows) {
    config::Problems problems;
    auto section = config::ParseYaml(row.yaml, &problems);
    ASSERT_TRUE(section.has_value()) << row.yaml;
    EXPECT_EQ(ReadTouchRules(&*section).window_us, row.days * kMicrosPerDay) << row.yaml;
    section->Finish();
    EXPECT_EQ(problems.size(), row.problems) << row.yaml;
  }
}

TEST(PoolSection, LinkingIsOffUnlessThePoolSaysSo) {
  struct Row {
    std::string yaml;
    bool enabled;
    size_t limits;
    size_t problems;
  };
  const size_t standard = LinkRules().limits.size();
  const Row rows[] = {
      {"{}", false, standard, 0},
      {"linking: true", true, standard, 0},
      {"link_limits: [\"phone=5/365d\", \"card=1\"]", false, 2, 0},
      {"link_limits: [\"phone=0\"]", false, 0, 1},
      {"link_limits: [\"phone=5/3651d\"]", false, 0, 1},
      {"link_limits: [\"phone=5/365\"]", false, 0, 1},
      {"link_limits: [\"Phone=5\"]", false, 0, 1},
      {"link_limits: [\"phone\"]", false, 0, 1},
      {"identifiers_max: 1001", false, standard, 1},
      {"merges_max: 101", false, standard, 1},
      {"merges_per_window: \"3/7d\"", false, standard, 0},
      {"merges_per_window: \"1000000/3650d\"", false, standard, 0},
      {"merges_per_window: \"off\"", false, standard, 0},
      {"merges_per_window: \"3\"", false, standard, 1},
      {"merges_per_window: \"0/1d\"", false, standard, 1},
      {"merges_per_window: \"1000001/1d\"", false, standard, 1},
      {"merges_per_window: \"3/3651d\"", false, standard, 1},
      {"merges_per_window: \"3/1h\"", false, standard, 1},
      {"contested_max: 0", false, standard, 1},
      {"recycle_after_days: 0", false, standard, 1},
      {"link_rules_version: \"\"", false, standard, 1},
  };
  for (const Row& row : rows) {
    config::Problems problems;
    auto section = config::ParseYaml(row.yaml, &problems);
    ASSERT_TRUE(section.has_value()) << row.yaml;
    const LinkRules rules = ReadLinkRules(&*section);
    section->Finish();
    EXPECT_EQ(rules.enabled, row.enabled) << row.yaml;
    EXPECT_EQ(rules.limits.size(), row.limits) << row.yaml;
    EXPECT_EQ(problems.size(), row.problems) << row.yaml;
  }
}

}  // namespace
}  // namespace regulars::identity
