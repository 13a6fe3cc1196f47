// The matcher: two records of any bytes under sample parameters, or any text as a parameters file.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "services/identity/match/blocking.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/match/matcher.h"
#include "services/identity/match/parameters.h"
#include "services/identity/match/record.h"
#include "services/identity/match/text.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

namespace match = identity::match;

// Eleven values and a reading.
match::RecordText ReadText(Bytes* bytes) {
  match::RecordText text;
  for (std::string& value : text.values) value = std::string(bytes->Text());
  text.reading = std::string(bytes->Text());
  return text;
}

void CheckText(std::string_view value) {
  const match::Folded folded = match::Fold(value);
  FUZZ_CHECK(folded.letters.size() <= match::kLettersMax);
  FUZZ_CHECK(!folded.too_long || folded.letters.empty());
  const match::Folded again = match::Fold(match::ToUtf8(folded.letters));
  FUZZ_CHECK(again.letters == folded.letters && again.gaps == 0);
  const match::HanName name = match::SplitHanName(value);
  FUZZ_CHECK(name.surname + name.given_name == match::ToUtf8(folded.letters));
}

void CheckKeys(const match::Record& record) {
  const std::vector<match::BlockingKey> keys = match::BlockingKeys(record);
  FUZZ_CHECK(keys.size() <= match::kBlockingKeysMax);
  FUZZ_CHECK(std::is_sorted(keys.begin(), keys.end()));
  FUZZ_CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

void CheckPair(const match::Matcher& matcher, const match::Record& a, const match::Record& b) {
  const match::Verdict verdict = matcher.Judge(a, b), back = matcher.Judge(b, a);
  FUZZ_CHECK(verdict.band == back.band && verdict.reason == back.reason);
  FUZZ_CHECK(verdict.total_mbit == back.total_mbit);
  FUZZ_CHECK(std::abs(verdict.total_mbit) <= match::kTotalMbitMax);
  FUZZ_CHECK(match::Explain(verdict, matcher.parameters()) ==
             match::Explain(back, matcher.parameters()));
}

void CheckRecords(Bytes* bytes) {
  static const match::Matcher matcher(match::SampleParameters());
  const match::RecordText texts[] = {ReadText(bytes), ReadText(bytes)};
  std::vector<match::Record> records;
  for (const match::RecordText& text : texts) {
    for (const std::string& value : text.values) CheckText(value);
    CheckText(text.reading);
    records.push_back(match::Record::Of(text));
    CheckKeys(records.back());
  }
  CheckPair(matcher, records[0], records[1]);
  CheckPair(matcher, records[0], records[0]);
}

// What is accepted is sound, is written and read as the same, and can be judged with.
void CheckParameters(std::string_view json) {
  const absl::StatusOr<match::Parameters> parsed = match::ParseParameters(json);
  if (!parsed.ok()) return;
  FUZZ_CHECK(match::Validate(*parsed).ok());
  const std::string written = match::FormatParameters(*parsed);
  const absl::StatusOr<match::Parameters> again = match::ParseParameters(written);
  FUZZ_CHECK(again.ok() && match::FormatParameters(*again) == written);
  const match::Matcher matcher(*parsed);
  const match::Record a =
      match::RecordOf({"小明", "王", "19900102", "", "13912345670", "12", "长安街", "", "100031"});
  const match::Record b =
      match::RecordOf({"mary", "wynn", "19900201", "5304218", "", "21", "wynn street", "hall", ""});
  CheckPair(matcher, a, b);
  CheckPair(matcher, b, b);
}

Input Of(const std::vector<std::string>& values) {
  Input input;
  input.Byte(1);
  for (const std::string& value : values) input.Text(value);
  return input;
}

}  // namespace

// 0, then a parameters file; or anything else, then two records.
void One(std::string_view input) {
  Bytes bytes(input);
  if (bytes.Byte() == 0) return CheckParameters(bytes.Rest());
  CheckRecords(&bytes);
}

std::vector<std::string> Seeds() {
  match::Parameters listed = match::SampleParameters();
  listed.frequencies[0] = {500, {{1, -2'000}}};
  listed.full_names_mbit[2] = -3'000;
  return {
      Input().Byte(0).Rest(match::FormatParameters(match::SampleParameters())),
      Input().Byte(0).Rest(match::FormatParameters(listed)),
      Input().Byte(0).Rest("{\"format\":\"regulars.match.v1\",\"prior_mbit\":1e9}"),
      Of({"mary",         "wynn",   "19900102", "5304218", "0412345678", "12",
          "wynn street",  "unit 3", "carlton",  "3053",    "vic",        "",
          "wynn",         "mary",   "19900201", "5304281", "0412345678", "21",
          "wynne street", "",       "carlton",  "3054",    "vic"}),
      Of({"小明",
          "王",
          "19900102",
          "",
          "１３９１２３４５６７０",
          "",
          "长安街１号",
          "",
          "",
          "100031",
          "北京",
          "wang xiaoming",
          "晓明",
          "王",
          "19900102",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "",
          "wang xiao ming"}),
      Of({"\xff\xfe\xe7", "Ａ.Б\u0301é", std::string(70, 'a'), "-", " "}),
  };
}

}  // namespace regulars::fuzz
