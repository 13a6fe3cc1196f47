#include "services/segmentation/codec/program.h"

#include <memory>
#include <optional>
#include <variant>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/handoff/protocol.h"
#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "services/segmentation/codec/body.h"
#include "services/segmentation/codec/handed.h"
#include "services/segmentation/kernel/kernel.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

void SetTime(Micros us, google::protobuf::Timestamp* time) {
  time->set_seconds(us / kMicrosPerSecond);
  time->set_nanos(static_cast<int32_t>(us % kMicrosPerSecond * 1000));
}

v1::Membership MembershipOf(const v1::SegmentationRoot& root, const Rules& rules,
                            const shard::Input& input) {
  v1::Membership membership;
  membership.set_name(Cat("pools/", input.pool, "/members/", input.entity, "/membership"));
  membership.set_purchase_count(root.purchases());
  *membership.mutable_purchase_sums() = root.sums();
  if (root.purchases() > 0) {
    SetTime(root.last_purchase_us(), membership.mutable_last_purchase_time());
    SetTime(root.first_purchase_us(), membership.mutable_first_purchase_time());
  }
  for (const Explanation& why : Explain(root, rules)) {
    const std::string name = Cat("pools/", input.pool, "/segments/", why.segment);
    v1::SegmentExplanation* explanation = membership.add_explanations();
    explanation->set_segment(name);
    explanation->set_inside(why.inside);
    explanation->set_text(why.text);
    if (why.deadline_us > 0) SetTime(why.deadline_us, explanation->mutable_deadline_time());
    if (!why.inside) continue;
    v1::SegmentMembership* segment = membership.add_segments();
    segment->set_segment(name);
    SetTime(why.since_us, segment->mutable_enter_time());
    segment->set_reason(why.text);
  }
  return membership;
}

}  // namespace

std::vector<shard::InputTopic> SegmentationProgram::inputs() const {
  return {
      {.domain = "identity", .kind = "events", .clock_channels = 1},
      {.domain = "segmentation", .kind = std::string(events::kHandoffKind), .clock_channels = -2}};
}

const Rules& SegmentationProgram::RulesOf(const std::string& pool) const {
  const auto it = config_.pools.find(pool);
  return it == config_.pools.end() ? config_.default_rules : it->second;
}

absl::Status SegmentationProgram::Decode(shard::Input* input, bool* skip) const {
  if (input->kind == shard::InputKind::kQuery) {
    if (input->type == kGetMembership) return absl::OkStatus();
    return DomainError(absl::StatusCode::kUnimplemented, "QUERY_UNKNOWN", "no such query");
  }
  if (input->kind == shard::InputKind::kCommand) {
    return DomainError(absl::StatusCode::kUnimplemented, "COMMAND_UNKNOWN", "no such command");
  }
  return DecodeRecord(input, skip);
}

shard::Effects SegmentationProgram::Apply(const shard::EntityState& state,
                                          const shard::Input& input) const {
  const Rules& rules = RulesOf(input.pool);
  if (IsHanded(state, input)) return ApplyHanded(state, input, rules, move_limits_);
  if (input.kind == shard::InputKind::kTimer) {
    REGULARS_ASSERT(input.type == kLapsed, "an unknown timer");
    return ApplyLapseTimer(state, rules, {input.entity, input.time_us});
  }
  REGULARS_ASSERT(input.body != nullptr, "an input without a body");
  const Body& body = *static_cast<const Body*>(input.body.get());
  const Moment moment{input.entity, input.now_us};
  if (const Purchase* purchase = std::get_if<Purchase>(&body)) {
    return ApplyPurchase(state, rules, moment, *purchase);
  }
  return ApplyRefund(state, rules, moment, std::get<Refund>(body));
}

shard::Reply SegmentationProgram::Query(const shard::EntityState& state,
                                        const shard::Input& input) const {
  const std::optional<v1::SegmentationRoot> root = ReadState<v1::SegmentationRoot>(state, "");
  if (!root.has_value()) {
    return {absl::StatusCode::kNotFound, "MEMBER_UNKNOWN", "no order of this member was ever seen",
            ""};
  }
  if (!root->survivor().empty()) return handoff::Protocol::AskSurvivor(root->survivor());
  shard::Reply reply;
  reply.payload = MembershipOf(*root, RulesOf(input.pool), input).SerializeAsString();
  return reply;
}

std::string SegmentationProgram::CheckInvariants(const shard::EntityState& state) const {
  return CheckMember(state);
}

}  // namespace regulars::segmentation
