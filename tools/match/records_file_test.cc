// Record files: what is read and what is refused.
#include "tools/match/records_file.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"

namespace regulars::match {
namespace {

using identity::match::Field;
using identity::match::ToUtf8;

std::string ErrorOf(const std::string& text) {
  const auto list = ParseRecords(text);
  return list.ok() ? "accepted" : std::string(list.status().message());
}

TEST(ParseRecords, ReadsColumnsInAnyOrder) {
  const auto list =
      ParseRecords("surname\tid\treading\tgiven_name\n王\tr1\tWang Wei\t伟\n\tr2\t\t\n");
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->ids.size(), 2U);
  EXPECT_EQ(list->ids[0], "r1");
  EXPECT_EQ(ToUtf8(list->records[0][Field::kSurname]), "王");
  EXPECT_EQ(ToUtf8(list->records[0][Field::kGivenName]), "伟");
  EXPECT_EQ(ToUtf8(list->records[0].reading()), "wangwei");
  EXPECT_TRUE(list->records[1].Missing(Field::kSurname));
  EXPECT_TRUE(ParseRecords("id").ok());
}

TEST(ParseRecords, RefusesWithTheLine) {
  struct Row {
    std::string text;
    const char* error;
  };
  const Row rows[] = {
      {"", "line 1: a column that is no field"},
      {"surname\n", "line 1: no column id"},
      {"id\tshoe_size\n", "line 1: a column that is no field"},
      {"id\tid\n", "line 1: a column twice"},
      {"id\tsurname\nr1\n", "line 2: 1 values for 2 columns"},
      {"id\tsurname\nr1\ta\tb\n", "line 2: 3 values for 2 columns"},
      {"id\nr1\nr1\n", "line 3: an id that is empty or known"},
      {"id\tsurname\n\ta\n", "line 2: an id that is empty or known"},
      {"id\n" + std::string(kLineBytesMax, 'a') + "\n", "accepted"},
      {"id\n" + std::string(kLineBytesMax + 1, 'a') + "\n", "line 2: more than 65536 bytes"},
  };
  for (const Row& row : rows) EXPECT_EQ(ErrorOf(row.text), row.error) << row.text.substr(0, 40);
}

TEST(ReadRecords, SaysWhichFileIsNotThere) {
  EXPECT_EQ(ReadRecords("/nowhere/records.tsv").status().message(),
            "cannot read /nowhere/records.tsv");
}

}  // namespace
}  // namespace regulars::match
