// Records, commands and queries of points.
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/points/v1/points_service.pb.h"
#include "services/points/codec/points_program.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {
namespace {

const Menu& All() {
  static const auto* const menu = new Menu{{events::kMemberResolved},
                                           {"RedeemPoints", "ReversePoints"},
                                           {"GetBalance", "ListEntries"},
                                           {kMember, "m_0000000000000000000000000"}};
  return *menu;
}

identity::v1::MemberResolved Resolved() {
  identity::v1::MemberResolved event;
  event.set_member(std::string(kMember));
  event.set_fragment_id("f_1");
  ingest::v1::Touch* touch = event.mutable_touch();
  touch->set_touch_id("t_1");
  touch->set_source("till:shop7");
  touch->set_occurred_us(kStartUs);
  return event;
}

}  // namespace

void One(std::string_view input) {
  static const auto* const program =
      new points::PointsProgram({{std::string(kPool), points::ProgramConfig()}});
  Play(*program, All(), input);
}

std::vector<std::string> Seeds() {
  using shard::InputKind;
  identity::v1::MemberResolved paid = Resolved(), refunded = Resolved();
  auto* order = paid.mutable_touch()->mutable_body()->mutable_order_paid();
  order->set_order_id("A1");
  order->set_amount_minor(100'00);
  order->set_currency_code("USD");
  auto* refund = refunded.mutable_touch()->mutable_body()->mutable_order_refunded();
  refund->set_order_id("A1");
  refund->set_refund_id("R1");
  refund->set_amount_minor(10'00);
  refund->set_currency_code("USD");
  const std::string balance = Cat("pools/", kPool, "/members/", kMember, "/balances/loyalty");
  points::v1::RedeemPointsRequest redeem;
  redeem.set_name(balance);
  redeem.set_redemption_id("X1");
  redeem.set_points(30);
  points::v1::ReversePointsRequest reverse;
  reverse.set_name(Cat(balance, "/redemptions/X1"));
  points::v1::ListEntriesRequest list;
  list.set_parent(balance);
  list.set_page_size(2);
  points::v1::GetBalanceRequest get;
  get.set_name(balance);
  const std::string earn = Step(InputKind::kRecord, 0, 0, paid.SerializeAsString());
  const std::string spend = Step(InputKind::kCommand, 0, 0, redeem.SerializeAsString());
  const std::string back = Step(InputKind::kCommand, 1, 0, reverse.SerializeAsString());
  const std::string undo = Step(InputKind::kRecord, 0, 0, refunded.SerializeAsString());
  const std::string page = Step(InputKind::kQuery, 1, 0, list.SerializeAsString());
  const std::string read = Step(InputKind::kQuery, 0, 0, get.SerializeAsString());
  const std::string years = std::string(Later(255)) + std::string(Later(255)) +
                            std::string(Later(255)) + std::string(Later(255)) +
                            std::string(Later(255)) + std::string(Later(255));
  return {earn + spend + back + page, earn + undo + read, undo + earn + spend,
          earn + spend + years + back + read, spend + years};
}

}  // namespace regulars::fuzz
