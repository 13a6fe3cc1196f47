// Records and queries of segmentation.
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "services/segmentation/codec/program.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {

void One(std::string_view input) {
  static const auto* const program = new segmentation::SegmentationProgram({});
  static const auto* const menu =
      new Menu{{events::kMemberResolved}, {}, {segmentation::kGetMembership}, {kMember, "m_other"}};
  Play(*program, *menu, input);
}

std::vector<std::string> Seeds() {
  using shard::InputKind;
  identity::v1::MemberResolved paid;
  paid.set_member(std::string(kMember));
  paid.set_fragment_id("f_1");
  paid.mutable_touch()->set_touch_id("t_1");
  paid.mutable_touch()->set_source("till:shop7");
  paid.mutable_touch()->set_occurred_us(kStartUs);
  identity::v1::MemberResolved second = paid, refunded = paid;
  for (auto* event : {&paid, &second}) {
    auto* order = event->mutable_touch()->mutable_body()->mutable_order_paid();
    order->set_order_id(event == &paid ? "A1" : "A2");
    order->set_amount_minor(10'00);
    order->set_currency_code("USD");
  }
  auto* refund = refunded.mutable_touch()->mutable_body()->mutable_order_refunded();
  refund->set_order_id("A1");
  refund->set_refund_id("R1");
  refund->set_amount_minor(10'00);
  refund->set_currency_code("USD");
  segmentation::v1::GetMembershipRequest get;
  get.set_name(Cat("pools/", kPool, "/members/", kMember, "/membership"));
  const std::string first = Step(InputKind::kRecord, 0, 0, paid.SerializeAsString());
  const std::string again = Step(InputKind::kRecord, 0, 0, second.SerializeAsString());
  const std::string undo = Step(InputKind::kRecord, 0, 0, refunded.SerializeAsString());
  const std::string read = Step(InputKind::kQuery, 0, 0, get.SerializeAsString());
  const std::string year = std::string(Later(255)) + std::string(Later(255)) +
                           std::string(Later(255)) + std::string(Later(255));
  return {first + again + read, first + year + again, undo + first + read, first + undo + year};
}

}  // namespace regulars::fuzz
