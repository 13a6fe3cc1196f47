// Bands and their reasons, a ledger of pairs.
#include "services/identity/match/matcher.h"

#include <gtest/gtest.h>

#include <string>

#include "services/identity/match/match_samples.h"

namespace regulars::identity::match {
namespace {

const Person kMary = {"mary", "green",         "19560409",  "1804974", "",
                      "17",   "wallaby place", "cleveland", "2119"};

Person Mary(void (*change)(Person*)) {
  Person person = kMary;
  change(&person);
  return person;
}

struct Row {
  const char* what;
  Person a, b;
  Band band;
  Reason reason;
  int32_t total_mbit;
};

class Pairs : public testing::TestWithParam<Row> {};

TEST_P(Pairs, AreJudged) {
  const Row& row = GetParam();
  const Matcher matcher(SampleParameters());
  const Record a = RecordOf(row.a), b = RecordOf(row.b);
  const Verdict verdict = matcher.Judge(a, b);
  const std::string explained = Explain(verdict, matcher.parameters());
  EXPECT_EQ(NameOf(verdict.band), NameOf(row.band)) << explained;
  EXPECT_EQ(NameOf(verdict.reason), NameOf(row.reason)) << explained;
  EXPECT_EQ(verdict.total_mbit, row.total_mbit) << explained;
  EXPECT_EQ(Explain(matcher.Judge(b, a), matcher.parameters()), explained);
}

INSTANTIATE_TEST_SUITE_P(
    Ledger, Pairs,
    testing::Values(
        Row{"the same document is a rule, whatever else",
            kMary,
            {"otto", "lang", "19910101", "1804974", "", "3", "hill road", "perth", "6000"},
            Band::kLink,
            Reason::kRule,
            -12'000 - 3'000 - 3'000 - 4'000 + 18'000 - 3'000 - 5'000 - 4'000 - 4'000},
        Row{"both names and the birth date are a rule",
            {"mary", "green", "19560409", "", "", "", "", "", ""},
            {"Mary", "Green", "1956-04-09", "", "", "", "", "", ""},
            Band::kLink,
            Reason::kRule,
            -12'000 + 7'000 + 8'000 + 14'000},
        Row{"slips in name, date and document", kMary, Mary([](Person* p) {
              p->given = "marry", p->birth = "19560419", p->document = "1804947";
            }),
            Band::kLink, Reason::kHigh,
            -12'000 + 6'000 + 8'000 + 5'000 + 11'000 + 6'000 + 10'000 + 9'000 + 9'000},
        Row{"exchanged names, moved house", kMary, Mary([](Person* p) {
              p->given = "green", p->surname = "mary", p->document = "";
              p->number = "3", p->street = "hill road", p->locality = "", p->postcode = "";
            }),
            Band::kReview, Reason::kBetween, -12'000 + 5'000 + 5'000 + 14'000 - 3'000 - 5'000},
        Row{"husband and wife under one roof", kMary, Mary([](Person* p) {
              p->given = "otto", p->birth = "19530102", p->document = "2401432";
            }),
            Band::kReview, Reason::kHousehold,
            -12'000 - 3'000 + 8'000 - 4'000 - 4'000 + 6'000 + 10'000 + 9'000 + 9'000},
        Row{"twins", Mary([](Person* p) { p->document = ""; }),
            Mary([](Person* p) { p->given = "otto", p->document = ""; }), Band::kReview,
            Reason::kOtherGivenName,
            -12'000 - 3'000 + 8'000 + 14'000 + 6'000 + 10'000 + 9'000 + 9'000},
        Row{"another given name, but the document agrees", kMary,
            Mary([](Person* p) { p->given = "otto", p->document = "1804947"; }), Band::kLink,
            Reason::kHigh,
            -12'000 - 3'000 + 8'000 + 14'000 + 11'000 + 6'000 + 10'000 + 9'000 + 9'000},
        Row{"two people",
            kMary,
            {"otto", "lang", "19910101", "2401432", "", "3", "hill road", "perth", "6000"},
            Band::kNothing,
            Reason::kBelow,
            -12'000 - 3'000 - 3'000 - 4'000 - 4'000 - 3'000 - 5'000 - 4'000 - 4'000},
        Row{"nothing to compare", {}, kMary, Band::kNothing, Reason::kBelow, -12'000},
        Row{"one name in common",
            {"mary", "", "", "", "", "", "", "", ""},
            {"mary", "", "", "", "", "", "", "", ""},
            Band::kNothing,
            Reason::kBelow,
            -12'000 + 7'000},
        Row{"one sound, other characters, one phone",
            {"小明", "王", "", "", "13812345678", "", "", "", "", "wang xiaoming"},
            {"晓明", "王", "", "", "13812345678", "", "", "", "", "wangxiaoming"},
            Band::kReview,
            Reason::kBetween,
            -12'000 + 1'000 + 8'000 + 10'000}),
    [](const testing::TestParamInfo<Row>& row) {
      std::string name;
      for (const char* c = row.param.what; *c != '\0'; ++c) {
        if (*c == ' ') name.push_back('_');
        if (*c >= 'a' && *c <= 'z') name.push_back(*c);
      }
      return name;
    });

TEST(Bands, BeginAtTheirLimits) {
  const Record mary = RecordOf({"mary", "", "19560409", "", "", "", "", "", ""});
  Parameters parameters = SampleParameters();
  parameters.rules.clear();
  const int32_t total = Matcher(parameters).Judge(mary, mary).total_mbit;  // 9'000
  const auto band = [&](int32_t low, int32_t high, int32_t individual) {
    parameters.low_mbit = low;
    parameters.high_mbit = high;
    parameters.individual_min_mbit = individual;
    return Matcher(parameters).Judge(mary, mary).band;
  };
  EXPECT_EQ(band(total, total, 21'000), Band::kLink);
  EXPECT_EQ(band(total, total, 21'001), Band::kReview);
  EXPECT_EQ(band(total, total + 1, 0), Band::kReview);
  EXPECT_EQ(band(total + 1, total + 1, 0), Band::kNothing);
}

TEST(Frequencies, ACommonNameSaysLessAndARareOneMore) {
  Parameters parameters = SampleParameters();
  const Person common = {"伟", "张", "", "", "", "", "", "", ""};
  const Person rare = {"罡", "欧阳", "", "", "", "", "", "", ""};
  FrequencyTable& surnames = parameters.frequencies[Index(Field::kSurname)];
  surnames.unlisted_mbit = 3'000;
  surnames.listed[RecordOf(common).hash(Field::kSurname)] = -1'500;
  const auto total = [&](const Person& person) {
    const Record record = RecordOf(person);
    return Matcher(parameters).Judge(record, record).total_mbit;
  };
  EXPECT_EQ(total(rare), -12'000 + 7'000 + 8'000 + 3'000);
  EXPECT_EQ(total(common), -12'000 + 7'000 + 8'000 - 1'500);
  // The whole name's frequency stands in place of the surname's.
  parameters.full_names_mbit[FullNameHash(RecordOf(common))] = -1'800;
  EXPECT_EQ(total(common), -12'000 + 7'000 + 8'000 - 1'800);
  // Never less than a slip in one of the names would leave.
  parameters.full_names_mbit[FullNameHash(RecordOf(common))] = -50'000;
  EXPECT_EQ(total(common), -12'000 + 7'000 + 8'000 - 2'000);
}

TEST(Explain, ShowsEveryFieldAndNoValue) {
  const Matcher matcher(SampleParameters());
  const Person otto = Mary([](Person* p) { p->given = "otto", p->document = "1804947"; });
  EXPECT_EQ(Explain(matcher.Judge(RecordOf(kMary), RecordOf(otto)), matcher.parameters()),
            "link: high, total +52.000 bit (review from -2.000, link from +10.000), individual "
            "+22.000 (at least +6.000)\n"
            "  prior -12.000\n"
            "  given_name different -3.000\n"
            "  surname equal +8.000\n"
            "  birth_date equal +14.000\n"
            "  document typo +11.000\n"
            "  phone missing +0.000\n"
            "  street_number equal +6.000\n"
            "  address_1 equal +10.000\n"
            "  address_2 missing +0.000\n"
            "  locality equal +9.000\n"
            "  postcode equal +9.000\n"
            "  region missing +0.000\n");
}

TEST(MatcherDeathTest, TakesOnlyValidParameters) {
  Parameters parameters = SampleParameters();
  parameters.low_mbit = parameters.high_mbit + 1;
  EXPECT_DEATH(Matcher{parameters}, "parameters were not validated");
}

}  // namespace
}  // namespace regulars::identity::match
