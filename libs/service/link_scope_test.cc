#include "libs/service/link_scope.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"

namespace regulars::service {
namespace {

TEST(LinkScopeTest, IsThePoolWhereItLinksAndIsNotTooLarge) {
  struct Row {
    std::string yaml;
    bool pool;
    std::string problem;
  };
  const std::string too_small = "link_scope: LINK_SCOPE_TOO_SMALL: ";
  const Row rows[] = {
      {"{}", false, ""},
      {"linking: true", true, ""},
      {"linking: false", false, ""},
      {"{linking: true, link_scope: pool}", true, ""},
      {"{linking: true, link_scope: member}", false, ""},
      // A pool that will link, or pauses it, stays where it is.
      {"{linking: false, link_scope: pool}", true, ""},
      {"{linking: true, expected_members: 5000000}", true, ""},
      {"{linking: true, expected_members: 5000001}", true, too_small},
      {"{linking: true, link_scope: pool, expected_members: 5000001}", true, too_small},
      {"{linking: true, link_scope: member, expected_members: 5000001}", false, ""},
      {"{linking: false, expected_members: 5000001}", false, ""},
      {"link_scope: shard", false, "link_scope: must be one of "},
      {"expected_members: 0", false, "expected_members: must be a whole number from 1"},
      {"expected_members: 10000000001", false, "expected_members: must be a whole number from 1"},
  };
  for (const Row& row : rows) {
    config::Problems problems;
    auto section = config::ParseYaml(row.yaml, &problems);
    ASSERT_TRUE(section.has_value()) << row.yaml;
    EXPECT_EQ(IsLinkScopePool(&*section), row.pool) << row.yaml;
    ASSERT_EQ(problems.size(), row.problem.empty() ? 0u : 1u) << row.yaml;
    if (problems.empty()) continue;
    EXPECT_TRUE(problems[0].starts_with(row.problem)) << problems[0];
  }
}

}  // namespace
}  // namespace regulars::service
