#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "services/points/shell/program_section.h"

namespace regulars::points {
namespace {

struct Read {
  std::optional<ProgramConfig> program;
  config::Problems problems;
};

Read ReadYaml(std::string_view yaml) {
  Read read;
  std::optional<config::Section> pool = config::ParseYaml(yaml, &read.problems);
  if (pool) read.program = ReadProgram(&*pool);
  return read;
}

TEST(ProgramSection, APoolWithoutTheMapHasNoProgram) {
  const Read read = ReadYaml("name: cofco\n");
  EXPECT_FALSE(read.program.has_value());
  EXPECT_TRUE(read.problems.empty());
}

TEST(ProgramSection, AnEmptyMapIsTheDefaultProgram) {
  const Read read = ReadYaml("points: {}\n");
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(read.program->program, "loyalty");
  EXPECT_EQ(read.program->points_numerator, 1);
  EXPECT_EQ(read.program->points_denominator, 1);
  EXPECT_EQ(read.program->expiry_days, 365);
  EXPECT_TRUE(read.problems.empty());
}

TEST(ProgramSection, EveryFieldIsRead) {
  const Read read = ReadYaml(
      "points: {program: club, points: 3, per_units: 2, rounding: floor, expiry_days: 30}\n");
  ASSERT_TRUE(read.program.has_value());
  EXPECT_EQ(read.program->program, "club");
  EXPECT_EQ(read.program->points_numerator, 3);
  EXPECT_EQ(read.program->points_denominator, 2);
  EXPECT_EQ(read.program->expiry_days, 30);
  EXPECT_TRUE(read.problems.empty());
}

TEST(ProgramSection, EveryMistakeIsNamed) {
  for (const std::string_view yaml :
       {"points: {program: Club}", "points: {points: 0}", "points: {points: 10001}",
        "points: {points: 1.5}", "points: {per_units: 0}", "points: {per_units: 1000001}",
        "points: {rounding: up}", "points: {expiry_days: 0}", "points: {expiry_days: 36501}",
        "points: {expiry: 5}"}) {
    EXPECT_EQ(ReadYaml(yaml).problems.size(), 1U) << yaml;
  }
}

}  // namespace
}  // namespace regulars::points
