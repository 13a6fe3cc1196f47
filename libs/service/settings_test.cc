#include "libs/service/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace regulars::service {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

config::Options::Result Read(const std::string& yaml, Settings* settings,
                             const PoolReader& reader = nullptr) {
  config::Options options("points", "Keeps points.");
  DeclareSettings("points", reader, &options, settings);
  const std::string path = testing::TempDir() + "/settings_test.yaml";
  std::ofstream(path) << yaml;
  const char* argv[] = {"points", "--config", path.c_str()};
  return options.Parse(3, argv, [](const char*) { return nullptr; });
}

TEST(SettingsTest, TheSharedFile_IsReadByOneService) {
  Settings settings;
  std::string program;
  const auto result = Read(
      "generation: g7\nshards: 64\nredis_addresses: [a:1, b:2]\ningest: {anything: 1}\n"
      "pools:\n- name: cofco\n  clock: event\n  api_keys_file: /k\n  identity: {x: 1}\n"
      "  points: {program: loyalty}\n",
      &settings, [&](const PoolConfig&, config::Section* section) {
        auto own = section->Child("points");
        ASSERT_TRUE(own.has_value());
        program = own->Text("program");
        own->Finish();
      });
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(settings.generation, 7);
  EXPECT_EQ(settings.shards, 64);
  ASSERT_EQ(settings.pools.size(), 1U);
  EXPECT_TRUE(settings.pools[0].event_clock);
  EXPECT_EQ(program, "loyalty");
  EXPECT_EQ(settings.redis_addresses.size(), 2U);
}

TEST(SettingsTest, OnlyIdentityKeepsAPoolTogether) {
  Settings settings;
  const auto result = Read(
      "pools:\n- {name: near, identity: {linking: true}}\n"
      "- {name: far, identity: {linking: true, link_scope: member}}\n- {name: off}\n",
      &settings);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_THAT(PoolsTogether(settings, "identity"), testing::ElementsAre("near"));
  EXPECT_THAT(PoolsTogether(settings, "points"), IsEmpty());
}

TEST(SettingsTest, Mistakes) {
  for (const char* bad :
       {"generation: 1\n", "generation: g0\n", "generation: gx\n", "shards: 0\n", "shards: 4097\n",
        "kafka_security_protocol: none\n", "pools: [{name: UPPER}]\n",
        "pools: [{name: a}, {name: a}]\n", "pools: [{name: a, clock: sun}]\n",
        "pools: [{name: a, secret: x}]\n", "pools: [{}]\n",
        "pools: [{name: a, identity: {linking: true, expected_members: 5000001}}]\n"}) {
    Settings settings;
    EXPECT_EQ(Read(bad, &settings).exit_code, 2) << bad;
  }
}

}  // namespace
}  // namespace regulars::service
