#include "services/segmentation/shell/rules_section.h"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>

namespace regulars::segmentation {
namespace {

std::pair<Rules, config::Problems> Read(std::string_view yaml) {
  std::pair<Rules, config::Problems> read;
  std::optional<config::Section> pool = config::ParseYaml(yaml, &read.second);
  if (pool) read.first = ReadRules(&*pool);
  return read;
}

TEST(RulesSectionTest, EveryFieldHasADefault) {
  for (const std::string_view yaml : {"name: cofco", "segmentation: {}"}) {
    const auto [rules, problems] = Read(yaml);
    EXPECT_EQ(rules.lapsed_after_days, 180);
    EXPECT_EQ(rules.repeat_purchases_min, 2);
    EXPECT_TRUE(problems.empty());
  }
}

TEST(RulesSectionTest, EveryFieldIsRead) {
  const auto [rules, problems] = Read("segmentation: {lapsed_after_days: 30, repeat_purchases: 3}");
  EXPECT_EQ(rules.lapsed_after_days, 30);
  EXPECT_EQ(rules.repeat_purchases_min, 3);
  EXPECT_TRUE(problems.empty());
}

TEST(RulesSectionTest, WhetherThePoolLinksIsRead) {
  EXPECT_FALSE(Read("identity: {touch_window_days: 400}").first.linking);
  const auto [rules, problems] = Read("identity: {linking: true, link_scope: member}");
  EXPECT_TRUE(rules.linking);
  EXPECT_TRUE(problems.empty());
}

TEST(RulesSectionTest, EveryMistakeIsNamed) {
  for (const std::string_view yaml :
       {"segmentation: {lapsed_after_days: 0}", "segmentation: {lapsed_after_days: 36501}",
        "segmentation: {repeat_purchases: 0}", "segmentation: {repeat_purchases: 1001}",
        "segmentation: {lapsed: 5}"}) {
    EXPECT_EQ(Read(yaml).second.size(), 1U) << yaml;
  }
}

}  // namespace
}  // namespace regulars::segmentation
