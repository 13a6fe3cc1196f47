#include "services/messaging/shell/campaign_section.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/status.h"

namespace regulars::messaging {
namespace {

std::pair<std::vector<Campaign>, config::Problems> Read(std::string_view yaml) {
  std::pair<std::vector<Campaign>, config::Problems> read;
  std::optional<config::Section> pool = config::ParseYaml(yaml, &read.second);
  if (pool) read.first = ReadCampaigns(&*pool);
  return read;
}

TEST(CampaignSectionTest, NoMapMeansNoCampaigns) {
  for (const std::string_view yaml : {"name: cofco", "messaging: {}"}) {
    const auto [campaigns, problems] = Read(yaml);
    EXPECT_TRUE(campaigns.empty());
    EXPECT_TRUE(problems.empty());
  }
}

TEST(CampaignSectionTest, EveryFieldIsRead) {
  const auto [campaigns, problems] =
      Read("messaging: {campaigns: [{id: win-back, segment: lapsed, template: we-miss-you}]}");
  ASSERT_EQ(campaigns.size(), 1U);
  EXPECT_EQ(campaigns[0].id, "win-back");
  EXPECT_EQ(campaigns[0].segment, "lapsed");
  EXPECT_EQ(campaigns[0].channel, "webhook");
  EXPECT_EQ(campaigns[0].template_name, "we-miss-you");
  EXPECT_TRUE(problems.empty());
}

TEST(CampaignSectionTest, EveryMistakeIsNamed) {
  for (const std::string_view yaml :
       {"messaging: {campaigns: [{id: Win, segment: lapsed}]}",
        "messaging: {campaigns: [{id: a, segment: x}, {id: a, segment: y}]}",
        "messaging: {campaigns: [{id: a, segment: x, channel: pigeon}]}",
        "messaging: {campaigns: [{id: a, segment: x, url: y}]}", "messaging: {campaign: 1}"}) {
    EXPECT_EQ(Read(yaml).second.size(), 1U) << yaml;
  }
}

class SettingsTest : public testing::Test {
 protected:
  absl::StatusOr<SenderOptions> Parse(const std::vector<std::string>& assignments) {
    config::Options options("messaging", "test");
    settings_.Declare(&options);
    std::vector<const char*> arguments = {"messaging"};
    for (const std::string& assignment : assignments) {
      arguments.push_back("--set");
      arguments.push_back(assignment.c_str());
    }
    const config::Options::Result result =
        options.Parse(static_cast<int>(arguments.size()), arguments.data(),
                      [](const char*) -> const char* { return nullptr; });
    problems_ = result.problems;
    return settings_.Make(1, 3);
  }

  SenderSettings settings_;
  config::Problems problems_;
};

TEST_F(SettingsTest, DefaultsSendNothing) {
  const auto options = Parse({});
  ASSERT_TRUE(options.ok());
  EXPECT_FALSE(settings_.enabled());
  EXPECT_EQ(options->slot, 3);
  EXPECT_EQ(options->retry.attempts_max, 8);
  EXPECT_EQ(options->http.in_flight_max, 64U);
}

TEST_F(SettingsTest, ValuesAreRead) {
  const auto options = Parse({"webhook_url=http://127.0.0.1:9/x", "webhook_timeout_ms=100",
                              "webhook_attempts=3", "webhook_backoff_first_ms=7"});
  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(settings_.enabled());
  EXPECT_EQ(options->http.attempt_timeout, absl::Milliseconds(100));
  EXPECT_EQ(options->retry.attempts_max, 3);
  EXPECT_EQ(options->retry.backoff_first_us, 7000);
}

TEST_F(SettingsTest, OneAboveALimitIsAProblem) {
  for (const char* wrong : {"webhook_in_flight=1025", "webhook_attempts=1001",
                            "webhook_timeout_ms=120001", "webhook_queue=100001"}) {
    (void)Parse({wrong});
    EXPECT_EQ(problems_.size(), 1U) << wrong;
  }
}

TEST_F(SettingsTest, TheAuthorizationIsOneLineOfAFile) {
  const std::string path = testing::TempDir() + "/authorization";
  const std::string option = "webhook_authorization_file=" + path;
  std::ofstream(path) << "Bearer abc\n";
  EXPECT_EQ(Parse({option})->http.authorization, "Bearer abc");
  std::ofstream(path) << "Bearer abc\r\nX-Other: 1\n";
  EXPECT_EQ(ReasonOf(Parse({option}).status()), "AUTHORIZATION_FILE_INVALID");
  EXPECT_EQ(ReasonOf(Parse({option + "/nothing"}).status()), "AUTHORIZATION_FILE_INVALID");
}

}  // namespace
}  // namespace regulars::messaging
