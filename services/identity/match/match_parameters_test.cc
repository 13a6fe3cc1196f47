// The parameters file: what is accepted, and the error for everything else.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "libs/base/text.h"
#include "services/identity/match/parameters.h"

namespace regulars::identity::match {
namespace {

using Json = nlohmann::json;

Json Sound() {
  return Json::parse(R"({
    "format": "regulars.match.v1", "prior_mbit": -12000, "high_mbit": 10000, "low_mbit": -2000,
    "individual_min_mbit": 6000,
    "rules": [["document"], ["given_name", "surname", "birth_date"]],
    "weights_mbit": {
      "surname": {"different": -3600, "sounds_alike": 500, "similar": 4900, "swapped": 6500,
                  "typo": 7400, "equal": 7400},
      "region": {"different": -4100, "equal": 2100}},
    "frequencies": {"surname": {"unlisted_mbit": 1500, "listed_mbit": {"00000000000000ff": -900}}},
    "full_names_mbit": {"ffffffffffffffff": -1000}})");
}

std::string ErrorOf(const Json& json) {
  const auto parsed = ParseParameters(json.dump());
  return parsed.ok() ? "accepted" : std::string(parsed.status().message());
}

TEST(Parameters, AreReadAsWritten) {
  const auto parsed = ParseParameters(Sound().dump());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->prior_mbit, -12000);
  EXPECT_EQ(parsed->high_mbit, 10000);
  EXPECT_EQ(parsed->low_mbit, -2000);
  EXPECT_EQ(parsed->individual_min_mbit, 6000);
  ASSERT_EQ(parsed->rules.size(), 2U);
  EXPECT_EQ(parsed->rules[0], Bit(Field::kDocument));
  EXPECT_EQ(parsed->weighted, Bit(Field::kSurname) | Bit(Field::kRegion));
  EXPECT_EQ(parsed->weights_mbit[Index(Field::kSurname)][Index(Level::kSwapped)], 6500);
  EXPECT_EQ(parsed->frequencies[Index(Field::kSurname)].Of(255), -900);
  EXPECT_EQ(parsed->frequencies[Index(Field::kSurname)].Of(254), 1500);
  EXPECT_EQ(parsed->full_names_mbit.at(~uint64_t{0}), -1000);
}

TEST(Parameters, AreWrittenAsRead) {
  const auto parsed = ParseParameters(Sound().dump());
  ASSERT_TRUE(parsed.ok());
  const std::string text = FormatParameters(*parsed);
  EXPECT_EQ(Json::parse(text), Sound());
  const auto again = ParseParameters(text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FormatParameters(*again), text);
}

TEST(Parameters, ThatAreNotSoundAreRefusedWithTheirPlace) {
  struct Row {
    const char* pointer;  // what is set
    const char* value;    // to what; nullptr: removed
    const char* error;
  };
  const Row rows[] = {
      {"/format", R"("regulars.match.v2")", "format: is not regulars.match.v1"},
      {"/format", nullptr, "parameters: \"format\" is missing"},
      {"/extra", "1", "parameters: unknown member \"extra\""},
      {"/prior_mbit", "60001", "prior_mbit: 60001 is not in [-60000, 60000]"},
      {"/prior_mbit", "-60001", "prior_mbit: -60001 is not in [-60000, 60000]"},
      {"/prior_mbit", "1.5", "prior_mbit: is not an integer"},
      {"/prior_mbit", "18446744073709551615", "prior_mbit: is too large"},
      {"/prior_mbit", "-3000000000", "prior_mbit: is too large"},
      {"/low_mbit", "10001", "low_mbit: more than high_mbit"},
      {"/rules", "{}", "rules: is not an array"},
      {"/rules", R"(["document"])", "rules: a rule is not an array of field names"},
      {"/rules", R"([[1]])", "rules: a field's name is not a string"},
      {"/rules", R"([["shoe_size"]])", "rules: no such field"},
      {"/rules", "[[]]", "rules: a rule names a document or three fields at least"},
      {"/rules", R"([["surname", "postcode"]])",
       "rules: a rule names a document or three fields at least"},
      {"/weights_mbit", "[]", "weights_mbit: is not an object"},
      {"/weights_mbit/shoe_size", "{}", "weights_mbit: no such field"},
      {"/weights_mbit/region/typo", "0", "weights_mbit.region: unknown member \"typo\""},
      {"/weights_mbit/region/equal", nullptr, "weights_mbit.region: \"equal\" is missing"},
      {"/weights_mbit/region/equal", "-1", "weights_mbit.region.equal: weighs against"},
      {"/weights_mbit/region/different", "1", "weights_mbit.region.different: weighs for"},
      {"/weights_mbit/region/equal", "60001",
       "weights_mbit.region.equal: 60001 is not in [-60000, 60000]"},
      {"/weights_mbit/surname/typo", "6499", "weights_mbit.surname.typo: less than swapped"},
      {"/frequencies", "1", "frequencies: is not an object"},
      {"/frequencies/surname/unlisted_mbit", R"("x")",
       "frequencies.surname.unlisted_mbit: is not an integer"},
      {"/frequencies/surname/listed_mbit", "[]",
       "frequencies.surname.listed_mbit: is not an object"},
      {"/frequencies/surname/listed_mbit/smith", "1",
       "frequencies.surname.listed_mbit: a key is not 16 hexadecimal digits"},
      {"/full_names_mbit/00000000000000FF", "1",
       "full_names_mbit: a key is not 16 hexadecimal digits"},
      {"/full_names_mbit/0000000000000001", "60001",
       "full_names_mbit: 60001 is not in [-60000, 60000]"},
  };
  for (const Row& row : rows) {
    Json json = Sound();
    const Json::json_pointer at(row.pointer);
    if (row.value == nullptr) {
      json[at.parent_pointer()].erase(at.back());
    } else {
      json[at] = Json::parse(row.value);
    }
    const std::string error = ErrorOf(json);
    // A weight out of its range also breaks the order; the range is told first.
    EXPECT_EQ(error, row.error) << row.pointer;
  }
}

TEST(Parameters, TooManyRulesAndTooManyBytesAreRefused) {
  Json json = Sound();
  json["rules"] = Json::array();
  for (size_t i = 0; i < kRulesMax; ++i) json["rules"].push_back({"document"});
  EXPECT_EQ(ErrorOf(json), "accepted");
  json["rules"].push_back({"document"});
  EXPECT_EQ(ErrorOf(json), "rules: more than 16");
  std::string padded = Sound().dump();
  padded.resize(kParametersBytesMax, ' ');
  EXPECT_TRUE(ParseParameters(padded).ok());
  EXPECT_FALSE(ParseParameters(padded + " ").ok());
}

TEST(Parameters, NoTextBreaksTheReader) {
  const std::string sound = Sound().dump();
  std::mt19937_64 random(3);
  for (int i = 0; i < 5'000; ++i) {
    std::string text = sound;
    for (uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 20);
        if (text.empty()) text = "{";
      } else {
        text[at] = static_cast<char>(random());
      }
    }
    const auto parsed = ParseParameters(text);
    if (parsed.ok()) {
      EXPECT_TRUE(Validate(*parsed).ok());
    } else {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
  for (const char* text : {"", "null", "[]", "{", "[[[[[[[[", "\xFF\xFE"}) {
    EXPECT_FALSE(ParseParameters(text).ok()) << text;
  }
  EXPECT_FALSE(ParseParameters(std::string(1'000'000, '[')).ok());
}

}  // namespace
}  // namespace regulars::identity::match
