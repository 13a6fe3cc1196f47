#include <gtest/gtest.h>

#include <string>

#include "libs/base/status.h"
#include "services/points/shell/requests.h"

namespace regulars::points {
namespace {

TEST(Requests, TheMemberIsInTheName) {
  EXPECT_EQ(MemberOfBalance("pools/cofco/members/m_7h2k/balances/loyalty").value(), "m_7h2k");
  EXPECT_EQ(
      MemberOfRedemption("pools/cofco/members/m_7h2k/balances/loyalty/redemptions/x9").value(),
      "m_7h2k");
  EXPECT_EQ(ReasonOf(MemberOfBalance("pools/cofco/members/m_7h2k").status()), "NAME_MALFORMED");
  EXPECT_EQ(ReasonOf(MemberOfRedemption("pools/cofco/members/m_7h2k/balances/loyalty").status()),
            "NAME_MALFORMED");
}

TEST(Requests, ARequestIdIsAUuidOrEmpty) {
  EXPECT_TRUE(CheckRequestId("").ok());
  EXPECT_TRUE(CheckRequestId("8d2f5a4e-0000-4000-8000-00000000aB01").ok());
  for (const std::string& id :
       {std::string("x"), std::string("8d2f5a4e-0000-4000-8000-0000000000010"),
        std::string("8d2f5a4e-0000-4000-8000-00000000000"),
        std::string("8d2f5a4e00000-4000-8000-000000000001"),
        std::string("8d2f5a4g-0000-4000-8000-000000000001")}) {
    EXPECT_EQ(ReasonOf(CheckRequestId(id)), "REQUEST_ID_INVALID") << id;
  }
}

TEST(Imbalance, IsTheSumOfDifferencesWithoutSign) {
  EXPECT_EQ(LedgerImbalance({}), 0);
  ShardSums sums = {{{"a", "loyalty/issued"}, 100},  {{"a", "loyalty/outstanding"}, 40},
                    {{"a", "loyalty/redeemed"}, 30}, {{"a", "loyalty/expired"}, 20},
                    {{"a", "loyalty/reversed"}, 10}, {{"a", "loyalty/debt"}, 7},
                    {{"a", "dead_letters"}, 3}};
  EXPECT_EQ(LedgerImbalance(sums), 0);
  sums[{"a", "loyalty/issued"}] = 101;
  sums[{"b", "loyalty/issued"}] = 5;
  sums[{"b", "loyalty/moved_out"}] = 8;
  EXPECT_EQ(LedgerImbalance(sums), 4);
}

}  // namespace
}  // namespace regulars::points
