// Estimation from people made up with known errors: what comes out is near what went in.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "services/identity/match/estimate.h"
#include "services/identity/match/matcher.h"
#include "services/identity/match/mixture.h"

namespace regulars::identity::match {
namespace {

constexpr size_t kPeople = 2'000;
constexpr uint64_t kRegions = 5;

std::string Word(uint64_t number, size_t letters) {
  std::string out;
  for (size_t i = 0; i < letters; ++i, number /= 20)
    out.push_back("bcdfghjklmnpqrstvwxz"[number % 20]);
  return out;
}

// People with a document, a birth date, names and a region; every second one twice, the copy with a
// wrong region in one of ten cases, without a document in one of two.
std::vector<Record> Population(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Record> out;
  for (size_t i = 0; i < kPeople; ++i) {
    RecordText text;
    text[Field::kGivenName] = Word(random() % 100 * 977, 5);
    text[Field::kSurname] = Word(random() % 3 == 0 ? 1 : random() % 500 * 7919, 7);
    text[Field::kBirthDate] = Cat(1940 + random() % 60, 10 + random() % 3, 10 + random() % 19);
    text[Field::kDocument] = Cat(1'000'000 + random() % 8'000'000);
    const uint64_t region = random() % kRegions;
    text[Field::kRegion] = Cat("r", region);
    out.push_back(Record::Of(text));
    if (i % 2 == 0) continue;
    if (random() % 10 == 0) text[Field::kRegion] = Cat("r", (region + 1) % kRegions);
    if (random() % 2 == 0) text[Field::kDocument] = "";
    out.push_back(Record::Of(text));
  }
  return out;
}

EstimateOptions Quick() {
  EstimateOptions options;
  options.random_pairs = 100'000;
  return options;
}

TEST(EstimateParameters, FindsHowOftenFieldsAgree) {
  const auto estimate = EstimateParameters({Population(1)}, Quick());
  ASSERT_TRUE(estimate.ok()) << estimate.status();
  const auto& region = estimate->parameters.weights_mbit[Index(Field::kRegion)];
  // m = 0.9 and u = 1/5; 0.1 and 4/5.
  EXPECT_NEAR(region[Index(Level::kEqual)], 1000 * std::log2(0.9 * 5), 100);
  EXPECT_NEAR(region[Index(Level::kDifferent)], 1000 * std::log2(0.1 / 0.8), 500);
  // 1'000 pairs of one person among 3'000 * 2'999 / 2.
  EXPECT_NEAR(estimate->parameters.prior_mbit, 1000 * std::log2(1000 / 4'498'500.0), 150);
  EXPECT_EQ(estimate->parameters.weighted, Bit(Field::kGivenName) | Bit(Field::kSurname) |
                                               Bit(Field::kBirthDate) | Bit(Field::kDocument) |
                                               Bit(Field::kRegion));
}

TEST(EstimateParameters, FindsThatOneSurnameIsCommon) {
  const auto estimate = EstimateParameters({Population(1)}, Quick());
  ASSERT_TRUE(estimate.ok());
  const FrequencyTable& surnames = estimate->parameters.frequencies[Index(Field::kSurname)];
  RecordText common;
  common[Field::kSurname] = Word(1, 7);
  const int32_t mbit = surnames.Of(Record::Of(common).hash(Field::kSurname));
  EXPECT_LT(mbit, -1'000);
  EXPECT_GT(surnames.unlisted_mbit, 3'000);
}

TEST(EstimateParameters, ListsOnlyValuesOfSoManyRecords) {
  EstimateOptions options = Quick();
  options.listed_min = 2;
  const auto many = EstimateParameters({Population(1)}, options);
  options.listed_min = 10'000;
  const auto none = EstimateParameters({Population(1)}, options);
  ASSERT_TRUE(many.ok() && none.ok());
  EXPECT_GT(many->parameters.full_names_mbit.size(), 100U);
  EXPECT_EQ(none->parameters.full_names_mbit.size(), 0U);
  for (const FrequencyTable& table : none->parameters.frequencies) {
    EXPECT_EQ(table.listed.size(), 0U);
  }
}

TEST(EstimateParameters, DoesNotDependOnTheOrderOfRecords) {
  std::vector<Record> records = Population(2);
  const auto first = EstimateParameters({records}, Quick());
  std::shuffle(records.begin(), records.end(), std::mt19937_64(9));
  const auto second = EstimateParameters({records}, Quick());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(FormatParameters(first->parameters), FormatParameters(second->parameters));
}

TEST(EstimateParameters, GivesAFileThatIsAcceptedAndAMatcherThatTellsPeopleApart) {
  const auto estimate = EstimateParameters({Population(3)}, Quick());
  ASSERT_TRUE(estimate.ok());
  const auto parsed = ParseParameters(FormatParameters(estimate->parameters));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Matcher matcher(*parsed);
  const std::vector<Record> others = Population(4);
  int links = 0;
  for (size_t i = 0; i + 1 < others.size(); ++i) {
    const bool twin = others[i].hash(Field::kBirthDate) == others[i + 1].hash(Field::kBirthDate) &&
                      others[i].hash(Field::kGivenName) == others[i + 1].hash(Field::kGivenName);
    const bool link = matcher.Judge(others[i], others[i + 1]).band == Band::kLink;
    EXPECT_TRUE(twin || !link) << i;
    links += link ? 1 : 0;
  }
  EXPECT_GE(links, 1'000);
}

TEST(EstimateParameters, RefusesWhatSaysNothing) {
  const auto error = [](std::vector<std::vector<Record>> populations) {
    const auto estimate = EstimateParameters(std::move(populations), Quick());
    return estimate.ok() ? "accepted" : std::string(estimate.status().message());
  };
  RecordText text;
  text[Field::kDocument] = "1804974";
  const Record one = Record::Of(text);
  text[Field::kDocument] = "2401432";
  const Record other = Record::Of(text);
  EXPECT_EQ(error({}), "no list has two records");
  EXPECT_EQ(error({{one}, {other}}), "no list has two records");
  EXPECT_EQ(error({{one, other}}), "no pair shares a blocking key");
  EXPECT_EQ(error({{one, one}}), "no field has values in 100 candidate and random pairs");
}

TEST(WeightsMbit, NeighboursWhoseRatioFallsArePooled) {
  Mixture mixture;
  auto& m = mixture.m[Index(Field::kPostcode)];
  auto& u = mixture.u[Index(Field::kPostcode)];
  m[Index(Level::kDifferent)] = 0.1, u[Index(Level::kDifferent)] = 0.8;
  m[Index(Level::kTypo)] = 0.5, u[Index(Level::kTypo)] = 0.05;
  m[Index(Level::kEqual)] = 0.4, u[Index(Level::kEqual)] = 0.15;
  const auto weights = WeightsMbit(Field::kPostcode, mixture);
  EXPECT_EQ(weights[Index(Level::kDifferent)], -3000);
  EXPECT_EQ(weights[Index(Level::kTypo)], Log2Mbit(0.9 / 0.2));
  EXPECT_EQ(weights[Index(Level::kEqual)], Log2Mbit(0.9 / 0.2));
  EXPECT_EQ(Log2Mbit(8), 3000);
  EXPECT_EQ(Log2Mbit(0x1p-100), -kWeightMbitMax);
}

}  // namespace
}  // namespace regulars::identity::match
