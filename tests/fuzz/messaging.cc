// Records, commands and queries of messaging.
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "services/messaging/codec/program.h"
#include "tests/fuzz/shard.h"

namespace regulars::fuzz {

void One(std::string_view input) {
  static const auto* const program = new messaging::MessagingProgram(
      {.default_campaigns = {{.id = "win-back", .segment = "lapsed", .template_name = "t"},
                             {.id = "welcome", .segment = "lapsed", .template_name = "t"}},
       .pools = {}});
  static const auto* const menu = new Menu{{events::kSegmentEntered, events::kDeliveryReported},
                                           {messaging::kReportDelivery},
                                           {messaging::kGetSend, messaging::kListSends},
                                           {kMember, "m_other"}};
  Play(*program, *menu, input);
}

std::vector<std::string> Seeds() {
  using shard::InputKind;
  const std::string member = Cat("pools/", kPool, "/members/", kMember);
  const std::string send_id = messaging::SendId("win-back", kStartUs);
  segmentation::v1::SegmentEntered entered;
  entered.set_member(std::string(kMember));
  entered.set_segment("lapsed");
  entered.set_occurrence_us(kStartUs);
  entered.mutable_reason()->set_text("no purchase for 180 days");
  messaging::v1::DeliveryReported reported;
  reported.set_member(std::string(kMember));
  reported.set_send_id(send_id);
  reported.set_delivered(true);
  reported.set_attempts(1);
  reported.set_finished_us(kStartUs);
  messaging::v1::ReportDeliveryRequest report;
  report.set_name(Cat(member, "/sends/", send_id));
  report.set_outcome(messaging::v1::DELIVERY_OUTCOME_DELIVERED);
  report.set_attempts(1);
  messaging::v1::GetSendRequest get;
  get.set_name(report.name());
  messaging::v1::ListSendsRequest list;
  list.set_parent(member);
  list.set_page_size(1);
  const std::string enter = Step(InputKind::kRecord, 0, 0, entered.SerializeAsString());
  const std::string done = Step(InputKind::kRecord, 1, 0, reported.SerializeAsString());
  const std::string told = Step(InputKind::kCommand, 0, 0, report.SerializeAsString());
  const std::string read = Step(InputKind::kQuery, 0, 0, get.SerializeAsString());
  const std::string page = Step(InputKind::kQuery, 1, 0, list.SerializeAsString());
  return {enter + done + read, enter + told + page, enter + enter + page, done + told};
}

}  // namespace regulars::fuzz
