// Random people, misspelt at random: a verdict is the same both ways, agreement never costs, and no
// bytes stop the comparison.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "services/identity/match/blocking.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/match/matcher.h"

namespace regulars::identity::match {
namespace {

constexpr int kTries = 30'000;

class Random {
 public:
  explicit Random(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t n) { return random_() % n; }

  std::string Value() {
    static const char* const kWords[] = {"",
                                         "mary",
                                         "marry",
                                         "green",
                                         "geren",
                                         "white",
                                         "王",
                                         "汪",
                                         "小明",
                                         "晓明",
                                         "19560409",
                                         "19560904",
                                         "19560419",
                                         "1804974",
                                         "1804947",
                                         "7",
                                         "17",
                                         "wallaby place",
                                         "wallabyplace",
                                         "南京西路一二三弄",
                                         "南京西路一二三号",
                                         "nsw",
                                         "2119",
                                         "2191"};
    if (Below(8) == 0) return Bytes();
    return kWords[Below(std::size(kWords))];
  }

  std::string Bytes() {
    std::string out(Below(12), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  RecordText Text() {
    RecordText text;
    for (std::string& value : text.values) value = Value();
    if (Below(3) == 0) text.reading = Value();
    return text;
  }

  // Some values of `text` changed, dropped or exchanged.
  RecordText Near(RecordText text) {
    for (std::string& value : text.values) {
      if (Below(4) == 0) value = Value();
      if (!value.empty() && Below(4) == 0) value.erase(Below(value.size()), 1);
    }
    if (Below(4) == 0) std::swap(text[Field::kGivenName], text[Field::kSurname]);
    if (Below(4) == 0) std::swap(text[Field::kAddress1], text[Field::kAddress2]);
    return text;
  }

 private:
  std::mt19937_64 random_;
};

Parameters WithFrequencies() {
  Parameters out = SampleParameters();
  for (const Field field : {Field::kGivenName, Field::kSurname, Field::kLocality}) {
    FrequencyTable& table = out.frequencies[Index(field)];
    table.unlisted_mbit = 2'000;
    for (const char* value : {"mary", "王", "green"}) {
      table.listed[ValueHash(Fold(value).letters)] = -5'000;
    }
  }
  Person mary;
  mary.given = "mary", mary.surname = "green";
  out.full_names_mbit[FullNameHash(RecordOf(mary))] = -9'000;
  return out;
}

TEST(Judge, IsSymmetricAndItsSumAddsUp) {
  const Matcher matcher(WithFrequencies());
  Random random(1);
  for (int i = 0; i < kTries; ++i) {
    const RecordText text = random.Text();
    const Record a = Record::Of(text), b = Record::Of(random.Near(text));
    const Verdict verdict = matcher.Judge(a, b);
    EXPECT_EQ(Explain(verdict, matcher.parameters()),
              Explain(matcher.Judge(b, a), matcher.parameters()));
    int32_t sum = verdict.prior_mbit + verdict.full_name_mbit;
    for (size_t field = 0; field < kFieldCount; ++field) {
      EXPECT_TRUE(Possible(kFields[field].kind, verdict.comparison.levels[field]));
      sum += verdict.weight_mbit[field] + verdict.frequency_mbit[field];
    }
    EXPECT_EQ(verdict.total_mbit, sum);
    EXPECT_LE(std::abs(verdict.total_mbit), kTotalMbitMax);
  }
}

// Levels as another comparison would have found them: higher in one field, the same in all others.
TEST(Judge, MoreAgreementNeverWeighsLess) {
  const Parameters parameters = WithFrequencies();
  const Matcher matcher(parameters);
  Random random(2);
  for (int i = 0; i < kTries; ++i) {
    const RecordText text = random.Text();
    const RecordText near = random.Near(text);
    const Field field = static_cast<Field>(random.Below(kFieldCount));
    if (KindOf(field) == Kind::kName || KindOf(field) == Kind::kLine) continue;  // see below
    RecordText equal = near;
    equal[field] = text[field];
    const Record a = Record::Of(text);
    const Record before = Record::Of(near), after = Record::Of(equal);
    if (a.Missing(field) || before.Missing(field)) continue;
    EXPECT_LE(matcher.Judge(a, before).total_mbit, matcher.Judge(a, after).total_mbit);
  }
}

// Names and lines may change places, so only whole equality is compared: nobody is more like a
// record than itself, as far as what both have goes.
TEST(Judge, NobodyIsMoreLikeARecordThanItself) {
  Parameters parameters = WithFrequencies();
  const Matcher matcher(parameters);
  Random random(3);
  for (int i = 0; i < kTries; ++i) {
    const RecordText text = random.Text();
    const Record a = Record::Of(text), b = Record::Of(random.Near(text));
    EXPECT_LE(matcher.Judge(a, b).total_mbit, matcher.Judge(a, a).total_mbit);
  }
}

TEST(BlockingKeys, OfAnyRecordAreFewSortedAndTheSameAgain) {
  Random random(4);
  for (int i = 0; i < kTries; ++i) {
    const Record record = Record::Of(random.Text());
    const auto keys = BlockingKeys(record);
    EXPECT_LE(keys.size(), kBlockingKeysMax);
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    EXPECT_EQ(keys, BlockingKeys(record));
  }
}

TEST(Record, OfHostileValuesIsComparable) {
  const Matcher matcher(SampleParameters());
  const std::string hostile[] = {std::string(1'000'000, 'x'), std::string(1'000'000, '\0'),
                                 std::string("\0\0", 2),      "\xFF\xFE\xFD",
                                 "'; DROP TABLE members; --", std::string(64, '\xF0'),
                                 "\xE2\x80\xAEgnirts",        "0000"};
  for (const std::string& value : hostile) {
    RecordText text;
    for (std::string& field : text.values) field = value;
    text.reading = value;
    const Record record = Record::Of(text);
    const Verdict verdict = matcher.Judge(record, record);
    EXPECT_EQ(verdict.band == Band::kNothing, record.Missing(Field::kDocument));
    EXPECT_LE(BlockingKeys(record).size(), kBlockingKeysMax);
  }
}

}  // namespace
}  // namespace regulars::identity::match
