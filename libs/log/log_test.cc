#include "libs/log/log.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/limits.h"
#include "libs/base/status.h"

namespace regulars::log {
namespace {

using nlohmann::json;

class LogTest : public testing::Test {
 protected:
  Sink Capture() {
    return [this](std::string_view line) { lines_.emplace_back(line); };
  }
  json Last() { return json::parse(lines_.back()); }

  std::vector<std::string> lines_;
};

TEST_F(LogTest, OneLineHasEveryFieldWithItsType) {
  const Logger logger(Capture(), "points", "0.1.0", Level::kInfo);
  logger.Info("shard owned", {{"shard", 3}, {"warm", true}, {"ratio", 0.5}, {"topic", "t"}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].back(), '\n');
  const json line = Last();
  EXPECT_EQ(line["service"], "points");
  EXPECT_EQ(line["version"], "0.1.0");
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["msg"], "shard owned");
  EXPECT_EQ(line["shard"], 3);
  EXPECT_EQ(line["warm"], true);
  EXPECT_EQ(line["ratio"], 0.5);
  EXPECT_EQ(line["topic"], "t");
  EXPECT_EQ(line["ts"].get<std::string>().back(), 'Z');
}

TEST_F(LogTest, LinesBelowTheLevel_AreNotWritten) {
  const Logger logger(Capture(), "s", "", Level::kWarn);
  logger.Debug("d");
  logger.Info("i");
  logger.Warn("w");
  logger.Error("e");
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_EQ(json::parse(lines_[0])["msg"], "w");
  Logger::Silent().Error("nobody hears it");
}

TEST_F(LogTest, AnyByteMakesOneValidLine) {
  const Logger logger(Capture(), "s", "", Level::kInfo);
  const std::string nasty[] = {"a\nb\r\t\"\\",     std::string("nul\0nul", 7),
                               "\x7f\x1b[31m",     "老客",
                               "\xff\xfe",         "\xe8\x80",
                               "\xed\xa0\x80",     "\xc0\xaf",
                               "\xf0\x9f\x98\x80", "\xf4\x90\x80\x80"};
  for (const std::string& text : nasty) {
    logger.Info(text, {{"value", text}});
    EXPECT_EQ(lines_.back().find('\n'), lines_.back().size() - 1) << "a forged line";
    for (const char c : lines_.back().substr(0, lines_.back().size() - 1)) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
    }
    const json line = Last();  // throws unless it is JSON and UTF-8
    EXPECT_EQ(line["msg"], line["value"]);
  }
  logger.Info("老客");
  EXPECT_EQ(Last()["msg"], "老客");
}

TEST_F(LogTest, TextAtTheLimit_IsWhole_OneAboveIsCut) {
  const Logger logger(Capture(), "s", "", Level::kInfo);
  const std::string whole(limits::kLogFieldMax, 'x');
  logger.Info("m", {{"value", whole}});
  EXPECT_EQ(Last()["value"], whole);
  logger.Info("m", {{"value", whole + "y"}});
  EXPECT_EQ(Last()["value"], whole + "...");
}

TEST_F(LogTest, NumbersThatJsonDoesNotKnow_AreNull) {
  const Logger logger(Capture(), "s", "", Level::kInfo);
  logger.Info("m", {{"value", std::numeric_limits<double>::infinity()}});
  EXPECT_TRUE(Last()["value"].is_null());
}

TEST_F(LogTest, AStatus_BringsCodeAndReason) {
  const Logger logger(Capture(), "s", "", Level::kInfo);
  logger.Error("failed", DomainError(absl::StatusCode::kNotFound, "MEMBER_NOT_FOUND", "no member"));
  EXPECT_EQ(Last()["error_code"], "NOT_FOUND");
  EXPECT_EQ(Last()["error_reason"], "MEMBER_NOT_FOUND");
  EXPECT_EQ(Last()["error"], "no member");
}

TEST(MaskedTest, SaysOnlyTheLength) { EXPECT_EQ(Masked("13800138000"), "(11 bytes)"); }

TEST(LevelTest, NamesComeBack) {
  EXPECT_EQ(ParseLevel("warn"), Level::kWarn);
  EXPECT_EQ(ParseLevel("WARN"), std::nullopt);
  EXPECT_EQ(ParseLevel(""), std::nullopt);
}

}  // namespace
}  // namespace regulars::log
