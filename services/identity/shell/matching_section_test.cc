#include "services/identity/shell/matching_section.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "libs/base/text.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/match/parameters.h"

namespace regulars::identity {
namespace {

std::string FileWith(const std::string& name, const std::string& text) {
  const std::string path = Cat(testing::TempDir(), "/", name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(MatchingSection, IsOffUnlessThePoolSaysSo) {
  const std::string good =
      FileWith("match.json", match::FormatParameters(match::SampleParameters()));
  const std::string bad = FileWith("bad.json", "{}");
  struct Row {
    std::string yaml;
    bool linking;
    bool on;
    size_t problems;
  };
  const Row rows[] = {
      {"{}", true, false, 0},
      {Cat("matching: {parameters_file: ", good, "}"), true, true, 0},
      {Cat("matching: {parameters_file: ", good, "}"), false, true, 1},
      {Cat("matching: {parameters_file: ", bad, "}"), true, false, 1},
      {Cat("matching: {parameters_file: ", good, "-not-there}"), true, false, 1},
      {"matching: {}", true, false, 1},
      {Cat("matching: {parameters_file: ", good, ", other: 1}"), true, true, 1},
  };
  for (const Row& row : rows) {
    config::Problems problems;
    auto section = config::ParseYaml(row.yaml, &problems);
    ASSERT_TRUE(section.has_value()) << row.yaml;
    LinkRules links;
    links.enabled = row.linking;
    EXPECT_EQ(ReadMatching(&*section, links) != nullptr, row.on) << row.yaml;
    section->Finish();
    EXPECT_EQ(problems.size(), row.problems) << row.yaml;
  }
}

}  // namespace
}  // namespace regulars::identity
