// A ledger of values and what becomes of them, for the tests of this folder.
#ifndef REGULARS_LIBS_NORMALIZE_LEDGER_H_
#define REGULARS_LIBS_NORMALIZE_LEDGER_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "libs/normalize/normalize.h"

namespace regulars::normalize {

struct Row {
  std::string_view value;
  Outcome outcome;
  std::string_view normal = "";
};

// Checks each row, and that what was given out stays what it is.
template <typename Rows>
void ExpectLedger(std::string_view type, std::string_view scope, const Rows& rows,
                  const Options& options = {}) {
  for (const Row& row : rows) {
    const Normalized found = Normalize(type, scope, row.value, options);
    EXPECT_EQ(OutcomeText(found.outcome), OutcomeText(row.outcome)) << type << ": " << row.value;
    EXPECT_EQ(found.value, row.normal) << type << ": " << row.value;
    if (found.value.empty()) continue;
    const Normalized again = Normalize(type, scope, found.value, options);
    EXPECT_EQ(OutcomeText(again.outcome), OutcomeText(row.outcome)) << type << ": " << found.value;
    EXPECT_EQ(again.value, found.value) << type << ": " << row.value;
  }
}

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_LEDGER_H_
