// Levels of single fields and of exchanged ones.
#include <gtest/gtest.h>

#include <string>

#include "services/identity/match/compare.h"

namespace regulars::identity::match {
namespace {

Record With(Field field, const std::string& value) {
  RecordText text;
  text[field] = value;
  return Record::Of(text);
}

Record Named(const std::string& given, const std::string& surname,
             const std::string& reading = "") {
  RecordText text;
  text[Field::kGivenName] = given;
  text[Field::kSurname] = surname;
  text.reading = reading;
  return Record::Of(text);
}

struct Row {
  Field field;
  const char* a;
  const char* b;
  Level level;
};

class FieldLevels : public testing::TestWithParam<Row> {};

TEST_P(FieldLevels, BothWays) {
  const Row& row = GetParam();
  const Record a = With(row.field, row.a), b = With(row.field, row.b);
  EXPECT_EQ(NameOf(Compare(a, b)[row.field]), NameOf(row.level)) << row.a << " | " << row.b;
  EXPECT_EQ(Compare(a, b), Compare(b, a));
}

INSTANTIATE_TEST_SUITE_P(
    Table, FieldLevels,
    testing::Values(
        // Names.
        Row{Field::kSurname, "", "green", Level::kMissing},
        Row{Field::kSurname, "Green", "green", Level::kEqual},
        Row{Field::kSurname, "mc millan", "mcmillan", Level::kEqual},
        Row{Field::kSurname, "green", "greem", Level::kTypo},
        Row{Field::kSurname, "green", "geren", Level::kTypo},
        Row{Field::kSurname, "stephenson", "stephneosn", Level::kTypo},  // two edits, ten letters
        Row{Field::kSurname, "morrison", "morriso nzz", Level::kTypo},
        Row{Field::kSurname, "martha", "marthew", Level::kSimilar},
        Row{Field::kSurname, "rupert", "robert", Level::kSoundsLike},
        Row{Field::kSurname, "green", "white", Level::kDifferent},
        Row{Field::kGivenName, "jo", "ja", Level::kSoundsLike},  // too short for an edit
        Row{Field::kGivenName, "jo", "al", Level::kDifferent},
        // Chinese: one character is another name, a long line may have a slip.
        Row{Field::kGivenName, "小明", "小红", Level::kDifferent},
        Row{Field::kGivenName, "小明", "小明", Level::kEqual},
        Row{Field::kSurname, "王", "汪", Level::kDifferent},
        Row{Field::kAddress1, "南京西路一二三弄", "南京西路一二三号", Level::kTypo},
        Row{Field::kAddress1, "南京路", "南京西路", Level::kDifferent},
        // Dates.
        Row{Field::kBirthDate, "1956-04-09", "19560409", Level::kEqual},
        Row{Field::kBirthDate, "19560409", "19560419", Level::kTypo},
        Row{Field::kBirthDate, "19560409", "19560904", Level::kSwapped},
        Row{Field::kBirthDate, "19560409", "19561109", Level::kSimilar},
        Row{Field::kBirthDate, "19560409", "19740409", Level::kSimilar},
        Row{Field::kBirthDate, "19560409", "19741123", Level::kDifferent},
        Row{Field::kBirthDate, "1956", "19560409", Level::kDifferent},
        // Numbers.
        Row{Field::kDocument, "1804974", "1804947", Level::kTypo},
        Row{Field::kDocument, "1804974", "1084947", Level::kSimilar},
        Row{Field::kDocument, "1804974", "2401432", Level::kDifferent},
        Row{Field::kPhone, "+61 2 9876 5432", "61298765432", Level::kEqual},
        Row{Field::kStreetNumber, "7", "9", Level::kDifferent},
        Row{Field::kStreetNumber, "17", "71", Level::kTypo},
        Row{Field::kPostcode, "2119", "2191", Level::kTypo},
        Row{Field::kPostcode, "2119", "3165", Level::kDifferent},
        // Codes.
        Row{Field::kRegion, "nsw", "nws", Level::kDifferent},
        Row{Field::kRegion, "NSW", "nsw", Level::kEqual}));

TEST(Compare, ExchangedNamesAreSwapped) {
  const Comparison both = Compare(Named("jacob", "white"), Named("white", "jacob"));
  EXPECT_EQ(both[Field::kGivenName], Level::kSwapped);
  EXPECT_EQ(both[Field::kSurname], Level::kSwapped);
  const Comparison typing = Compare(Named("benjamni", "novak"), Named("novak", "benjamin"));
  EXPECT_EQ(typing[Field::kGivenName], Level::kSwapped);
  const Comparison one = Compare(Named("flynn", "weller"), Named("weller", "ebony"));
  EXPECT_EQ(one[Field::kGivenName], Level::kDifferent);
  EXPECT_EQ(one[Field::kSurname], Level::kSwapped);
  EXPECT_EQ(one, Compare(Named("weller", "ebony"), Named("flynn", "weller")));
  const Comparison half = Compare(Named("", "jacob"), Named("jacob", "white"));
  EXPECT_EQ(half[Field::kGivenName], Level::kMissing);
  EXPECT_EQ(half[Field::kSurname], Level::kSwapped);
}

TEST(Compare, NamesInPlaceAreNotSwapped) {
  const Comparison same = Compare(Named("thomas", "thomas"), Named("thomas", "thomas"));
  EXPECT_EQ(same[Field::kGivenName], Level::kEqual);
  const Comparison tie = Compare(Named("james", "thomas"), Named("james", "james"));
  EXPECT_EQ(tie[Field::kGivenName], Level::kEqual);
  EXPECT_EQ(tie[Field::kSurname], Level::kDifferent);
}

TEST(Compare, EqualReadingsLiftNamesThatDiffer) {
  const Comparison heard =
      Compare(Named("小明", "王", "wang xiaoming"), Named("晓明", "汪", "Wang Xiao Ming"));
  EXPECT_EQ(heard[Field::kGivenName], Level::kSoundsLike);
  EXPECT_EQ(heard[Field::kSurname], Level::kSoundsLike);
  const Comparison unknown = Compare(Named("小明", "王", "wang xiaoming"), Named("晓明", "王"));
  EXPECT_EQ(unknown[Field::kGivenName], Level::kDifferent);
}

TEST(Compare, ExactIsToTheGap) {
  const Record street = With(Field::kAddress1, "wynn street");
  EXPECT_EQ(Compare(street, street).exact, Bit(Field::kAddress1));
  EXPECT_EQ(Compare(street, With(Field::kAddress1, "WYNN  street")).exact, Bit(Field::kAddress1));
  const Comparison squeezed = Compare(street, With(Field::kAddress1, "wynnstreet"));
  EXPECT_EQ(squeezed[Field::kAddress1], Level::kEqual);
  EXPECT_EQ(squeezed.exact, 0);
  EXPECT_EQ(Compare(Record(), Record()).exact, 0);
}

TEST(Compare, AValueThatIsTooLongIsMissing) {
  const Record huge = With(Field::kSurname, std::string(1'000'000, 'a'));
  EXPECT_EQ(huge.too_long(), Bit(Field::kSurname));
  EXPECT_EQ(Compare(huge, huge)[Field::kSurname], Level::kMissing);
}

}  // namespace
}  // namespace regulars::identity::match
