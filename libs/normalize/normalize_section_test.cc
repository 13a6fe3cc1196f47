#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "libs/normalize/section.h"

namespace regulars::normalize {
namespace {

config::Problems Read(const std::string& yaml, Options* options) {
  config::Problems problems;
  auto section = config::ParseYaml(yaml, &problems);
  EXPECT_TRUE(section.has_value()) << yaml;
  *options = ReadOptions(&*section);
  section->Finish();
  return problems;
}

TEST(IdentifiersSection, IsReadAndSpelled) {
  Options options;
  const config::Problems problems = Read(
      "identifiers:\n"
      "  default_region: HK\n"
      "  shapes: [\"card=digits:4..8\", \"loyalty=key:6:scoped\"]\n"
      "  blocked: [\"phone=6123 4567\", \"email=@Relay.Example\", \"card=12 34\",\n"
      "            \"openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M\", \"*= demo \"]\n",
      &options);
  EXPECT_TRUE(problems.empty()) << problems.front();
  EXPECT_EQ(options.default_region, "HK");
  EXPECT_EQ(options.shapes.at("loyalty").min, 6u);
  EXPECT_TRUE(options.shapes.at("loyalty").scoped);
  EXPECT_TRUE(options.blocked.at("phone").contains("+85261234567"));
  EXPECT_TRUE(options.blocked.at("email").contains("@relay.example"));
  EXPECT_TRUE(options.blocked.at("card").contains("1234"));
  EXPECT_TRUE(options.blocked.at("openid").contains("o6_bmjrPTlm6_2sgVt7hMZOPfL2M"));
  EXPECT_TRUE(options.blocked.at("*").contains("demo"));
}

TEST(IdentifiersSection, MayBeAbsent) {
  Options options;
  EXPECT_TRUE(Read("{}", &options).empty());
  EXPECT_EQ(options.default_region, "CN");
  EXPECT_TRUE(options.blocked.empty() && options.shapes.empty());
}

TEST(IdentifiersSection, NamesWhatIsWrongButNoValue) {
  const struct {
    std::string yaml;
    std::string problem;
  } rows[] = {
      {"{default_region: cn}", "identifiers.default_region: must be a region"},
      {"{shapes: [card]}", "identifiers.shapes: each is"},
      {"{shapes: [\"card=digits\"]}", "identifiers.shapes: each is"},
      {"{shapes: [\"card=digits:1..321\"]}", "identifiers.shapes: each is"},
      {"{shapes: [\"Card=digits:1..3\"]}", "identifiers.shapes: each is"},
      {"{shapes: [\"phone=digits:11\"]}", "phone has a grammar of its own"},
      {"{blocked: [\"demo\"]}", "identifiers.blocked: entry 1: must be <type>=<value>"},
      {"{blocked: [\"*=x\", \"phone=1391234567\"]}", "entry 2: no phone looks so"},
      {"{blocked: [\"email=@localhost\"]}", "entry 1: no email looks so"},
      {"{blocked: [\"card=\"]}", "entry 1: no card looks so"},
      {"{blocked: phone}", "must be a list"},
      {"{region: CN}", "identifiers.region: unknown"},
      {"CN", "must be a map"},
  };
  for (const auto& row : rows) {
    Options options;
    const config::Problems problems = Read("identifiers: " + row.yaml, &options);
    ASSERT_EQ(problems.size(), 1u) << row.yaml;
    EXPECT_NE(problems[0].find(row.problem), std::string::npos) << row.yaml << ": " << problems[0];
    EXPECT_EQ(problems[0].find("1391234567"), std::string::npos) << problems[0];
    EXPECT_EQ(options.default_region, "CN");
  }
}

TEST(IdentifiersSection, HasLimits) {
  const auto list = [](const std::string& field, size_t count, const std::string& before,
                       const std::string& after) {
    std::string yaml = "identifiers: {" + field + ": [";
    for (size_t i = 0; i < count; ++i) yaml += Cat("\"", before, i, after, "\",");
    return yaml + "]}";
  };
  Options options;
  EXPECT_TRUE(Read(list("shapes", kShapesMax, "t", "=text:1"), &options).empty());
  EXPECT_EQ(options.shapes.size(), kShapesMax);
  EXPECT_EQ(Read(list("shapes", kShapesMax + 1, "t", "=text:1"), &options).size(), 1u);
  EXPECT_TRUE(Read(list("blocked", kBlockedMax, "card=v", ""), &options).empty());
  EXPECT_EQ(options.blocked.at("card").size(), kBlockedMax);
  EXPECT_EQ(Read(list("blocked", kBlockedMax + 1, "card=v", ""), &options).size(), 1u);
}

}  // namespace
}  // namespace regulars::normalize
