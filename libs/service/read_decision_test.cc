#include "libs/service/read_decision.h"

#include <gtest/gtest.h>

#include <vector>

#include "libs/base/base32.h"
#include "libs/base/status.h"

namespace regulars::service {
namespace {

using redis::ViewMeta;
using runtime::v1::PositionToken;

PositionToken Token(const std::string& log_id, int32_t shard, int64_t sequence) {
  PositionToken token;
  token.set_log_id(log_id);
  token.set_shard(shard);
  token.set_sequence(sequence);
  return token;
}

ViewMeta Meta(const std::string& log_id, int64_t applied, bool whole) {
  return {.log_id = log_id, .epoch = 5, .generation = 6, .applied = applied, .whole = whole};
}

struct Row {
  const char* says;
  std::optional<ViewMeta> meta;
  std::vector<std::optional<std::string>> values;
  std::optional<PositionToken> token;
  Micros now;  // wait until 100
  ReadStep step;
};

TEST(ReadDecisionTest, TheTable) {
  const std::vector<Row> rows = {
      {"no meta", std::nullopt, {"v"}, std::nullopt, 0, ReadStep::kAbsent},
      {"no meta, token", std::nullopt, {"v"}, Token("l", 0, 7), 0, ReadStep::kAbsent},
      {"being written anew", Meta("l", 9, false), {"v"}, std::nullopt, 0, ReadStep::kAbsent},
      {"anew, token reached", Meta("l", 9, false), {"v"}, Token("l", 0, 7), 0, ReadStep::kAbsent},
      {"whole", Meta("l", 9, true), {"v"}, std::nullopt, 0, ReadStep::kAnswer},
      {"whole, all of two", Meta("l", 9, true), {"v", "w"}, std::nullopt, 0, ReadStep::kAnswer},
      {"an empty value is a value", Meta("l", 9, true), {""}, std::nullopt, 0, ReadStep::kAnswer},
      {"a key is missing", Meta("l", 9, true), {std::nullopt}, std::nullopt, 0, ReadStep::kMissing},
      {"one of two is missing",
       Meta("l", 9, true),
       {"v", std::nullopt},
       std::nullopt,
       0,
       ReadStep::kMissing},
      {"beyond the token", Meta("l", 9, true), {"v"}, Token("l", 0, 8), 0, ReadStep::kAnswer},
      {"exactly the token", Meta("l", 9, true), {"v"}, Token("l", 0, 9), 0, ReadStep::kAnswer},
      {"one before the token", Meta("l", 9, true), {"v"}, Token("l", 0, 10), 99, ReadStep::kWait},
      {"no time left", Meta("l", 9, true), {"v"}, Token("l", 0, 10), 100, ReadStep::kBehind},
      {"a key may come with the token",
       Meta("l", 9, true),
       {std::nullopt},
       Token("l", 0, 10),
       99,
       ReadStep::kWait},
      {"token reached, key missing",
       Meta("l", 9, true),
       {std::nullopt},
       Token("l", 0, 9),
       0,
       ReadStep::kMissing},
      {"token of another log",
       Meta("l", 9, true),
       {"v"},
       Token("k", 0, 1),
       0,
       ReadStep::kOtherView},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(DecideRead({row.meta, row.values}, row.token, row.now, 100), row.step) << row.says;
  }
}

TEST(ReadDecisionTest, ATokenHasOneShardAndOneSpelling) {
  const std::string good = Base32Encode(Token("log", 2, 7).SerializeAsString());
  const auto none = ParsePositionToken("", 2);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  const auto parsed = ParsePositionToken(good, 2);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)->sequence(), 7);
  const std::string no_log = Base32Encode(Token("", 2, 7).SerializeAsString());
  const std::string no_sequence = Base32Encode(Token("log", 2, 0).SerializeAsString());
  const std::string too_long(kPositionTokenBytesMax + 1, '0');
  for (const std::string& bad : {std::string("!"), std::string("00"), no_log, no_sequence, too_long,
                                 std::string(kPositionTokenBytesMax, '0')}) {
    EXPECT_EQ(ReasonOf(ParsePositionToken(bad, 2).status()), "POSITION_TOKEN_INVALID") << bad;
  }
  EXPECT_EQ(ReasonOf(ParsePositionToken(good, 3).status()), "POSITION_TOKEN_INVALID");
}

TEST(ReadDecisionTest, AnOwnerThatLacksTheWriteIsOneNoLonger) {
  EXPECT_TRUE(Reached(Token("l", 0, 7), std::nullopt));
  EXPECT_TRUE(Reached(Token("l", 0, 7), Token("l", 0, 7)));
  EXPECT_FALSE(Reached(Token("l", 0, 7), Token("l", 0, 8)));
  EXPECT_TRUE(Reached(Token("l", 0, 7), Token("k", 0, 8))) << "the log was replaced";
}

}  // namespace
}  // namespace regulars::service
