#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "services/ingest/shell/pool_section.h"

namespace regulars::ingest {
namespace {

size_t Problems(const std::string& yaml, PoolRules* rules) {
  config::Problems problems;
  auto section = config::ParseYaml(yaml, &problems);
  EXPECT_TRUE(section.has_value()) << yaml;
  ReadIdentifierClasses(&*section, rules);
  section->Finish();
  return problems.size();
}

TEST(PoolSection, AddsAndReplacesClasses) {
  PoolRules rules;
  EXPECT_EQ(Problems("identifier_classes: [vip_card=unique, phone=weak]", &rules), 0u);
  EXPECT_EQ(rules.classes.at("vip_card"), types::v1::IDENTIFIER_CLASS_UNIQUE);
  EXPECT_EQ(rules.classes.at("phone"), types::v1::IDENTIFIER_CLASS_WEAK);
  EXPECT_EQ(rules.classes.at("email"), types::v1::IDENTIFIER_CLASS_STRONG);
}

TEST(PoolSection, NamesWhatIsWrong) {
  PoolRules rules;
  EXPECT_EQ(Problems("{}", &rules), 0u);
  EXPECT_EQ(Problems("identifier_classes: [vip_card]", &rules), 1u);
  EXPECT_EQ(Problems("identifier_classes: [vip_card=best]", &rules), 1u);
  EXPECT_EQ(Problems("identifier_classes: [\"Vip Card=weak\"]", &rules), 1u);
  std::string many = "identifier_classes: [";
  for (size_t i = 0; i <= kIdentifierClassesMax; ++i) many += Cat("t", i, "=weak,");
  EXPECT_EQ(Problems(many + "]", &rules), 1u);
}

}  // namespace
}  // namespace regulars::ingest
