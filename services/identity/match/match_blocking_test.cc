// Which records meet.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "libs/base/text.h"
#include "services/identity/match/blocking.h"
#include "services/identity/match/candidate_pairs.h"
#include "services/identity/match/match_samples.h"

namespace regulars::identity::match {
namespace {

const Person kMary = {"mary", "green",         "19560409",  "1804974", "0412345678",
                      "17",   "wallaby place", "cleveland", "2119"};

std::string Kinds(const Record& record) {
  std::string out;
  for (const BlockingKey& key : BlockingKeys(record)) {
    Append(&out, out.empty() ? "" : " ", NameOf(key.kind));
  }
  return out;
}

// The kinds under which the two meet.
std::string Shared(const Person& a, const Person& b) {
  const std::vector<BlockingKey> x = BlockingKeys(RecordOf(a)), y = BlockingKeys(RecordOf(b));
  std::vector<BlockingKey> both;
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
  std::string out;
  for (const BlockingKey& key : both) Append(&out, out.empty() ? "" : " ", NameOf(key.kind));
  return out;
}

TEST(BlockingKeys, AreNamedAndFew) {
  EXPECT_EQ(Kinds(RecordOf(kMary)),
            "document phone_surname birth_name birth_name birth_postcode address");
  EXPECT_EQ(Kinds(Record()), "");
  EXPECT_EQ(Kinds(RecordOf({"mary", "", "", "", "041", "17", "", "", "2119"})), "");
  RecordText full;
  for (size_t i = 0; i < kFieldCount; ++i)
    full.values[i] = Cat(std::string(3, static_cast<char>('a' + i)), "0000");
  full.reading = "reading";
  EXPECT_EQ(BlockingKeys(Record::Of(full)).size(), kBlockingKeysMax);
  full.reading = "";
  EXPECT_EQ(BlockingKeys(Record::Of(full)).size(), kBlockingKeysMax);
}

TEST(BlockingKeys, OneWrongValueHidesNobody) {
  const std::string all = Shared(kMary, kMary);
  EXPECT_EQ(all, Kinds(RecordOf(kMary)));
  Person other = kMary;
  other.birth = "19560904";
  EXPECT_EQ(Shared(kMary, other), "document phone_surname address");
  other = kMary;
  std::swap(other.given, other.surname);
  other.document = other.phone = other.street = "";
  EXPECT_EQ(Shared(kMary, other), "birth_name birth_name birth_postcode");
  other = kMary;
  other.surname = "white";
  EXPECT_EQ(Shared(kMary, other), "document birth_name birth_postcode address");
}

TEST(BlockingKeys, AReadingBringsHomophonesOfOneDistrictTogether) {
  const Person a = {"小明", "王", "", "", "", "", "", "徐汇区", "", "wang xiaoming"};
  Person b = {"晓明", "汪", "", "", "", "", "", "徐汇区", "", "Wang Xiaoming"};
  EXPECT_EQ(Shared(a, b), "name_place");
  b.locality = "浦东新区";
  EXPECT_EQ(Shared(a, b), "");
}

std::vector<Record> People(size_t count, const char* document) {
  std::vector<Record> out;
  for (size_t i = 0; i < count; ++i) {
    Person person;
    person.document = document;
    out.push_back(RecordOf(person));
  }
  return out;
}

TEST(CandidatePairs, AreDistinctAndSkipBlocksThatSayNothing) {
  const CandidatePairs within = PairsWithin(People(kBlockRecordsMax, "1804974"));
  EXPECT_EQ(within.pairs.size(), kBlockRecordsMax * (kBlockRecordsMax - 1) / 2);
  EXPECT_EQ(within.blocks_skipped, 0U);
  const CandidatePairs over = PairsWithin(People(kBlockRecordsMax + 1, "1804974"));
  EXPECT_EQ(over.pairs.size(), 0U);
  EXPECT_EQ(over.blocks_skipped, 1U);
  const std::vector<Record> twice = {RecordOf(kMary), RecordOf(kMary)};
  EXPECT_EQ(PairsWithin(twice).pairs.size(), 1U);
}

TEST(CandidatePairs, BetweenListsLeaveEachListAlone) {
  const CandidatePairs between = PairsBetween(People(4, "1804974"), 1);
  const std::vector<std::pair<uint32_t, uint32_t>> want = {{0, 1}, {0, 2}, {0, 3}};
  EXPECT_EQ(between.pairs, want);
}

}  // namespace
}  // namespace regulars::identity::match
