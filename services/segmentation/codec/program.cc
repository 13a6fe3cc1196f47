#include "services/segmentation/codec/program.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <variant>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "services/segmentation/kernel/kernel.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

using Body = std::variant<Purchase, Refund>;

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

bool IsId(const std::string& id, std::size_t bytes_max) {
  return !id.empty() && id.size() <= bytes_max &&
         std::none_of(id.begin(), id.end(), [](char c) { return c >= 0 && c < 0x20; });
}

bool IsCurrency(const std::string& code) {
  return code.size() == 3 &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// What both kinds of order touch have in common, checked in this order.
template <typename Order>
absl::Status CheckOrder(const Order& order, const std::string& scope, Micros occurred_us) {
  if (!IsId(scope, kOrderScopeBytesMax) || !IsId(order.order_id(), kOrderIdBytesMax)) {
    return Invalid("ORDER_INVALID", "the order's scope or id is empty, too long or unprintable");
  }
  if (order.amount_minor() < 0) return Invalid("AMOUNT_INVALID", "a negative amount");
  if (!IsCurrency(order.currency_code())) {
    return Invalid("CURRENCY_INVALID", "no ISO 4217 code");
  }
  if (!IsValidInstant(occurred_us)) return Invalid("TIME_INVALID", "no valid instant");
  return absl::OkStatus();
}

absl::StatusOr<Purchase> PurchaseOf(const identity::v1::MemberResolved& event) {
  const ingest::v1::Touch& touch = event.touch();
  const ingest::v1::OrderPaid& order = touch.body().order_paid();
  const std::string& scope = order.order_scope().empty() ? touch.source() : order.order_scope();
  REGULARS_RETURN_IF_ERROR(CheckOrder(order, scope, touch.occurred_us()));
  return Purchase{OrderKey(scope, order.order_id()),
                  touch.occurred_us(),
                  order.amount_minor(),
                  order.currency_code(),
                  touch.touch_id(),
                  event.fragment_id()};
}

absl::StatusOr<Refund> RefundOf(const identity::v1::MemberResolved& event) {
  const ingest::v1::Touch& touch = event.touch();
  const ingest::v1::OrderRefunded& order = touch.body().order_refunded();
  const std::string& scope = order.order_scope().empty() ? touch.source() : order.order_scope();
  REGULARS_RETURN_IF_ERROR(CheckOrder(order, scope, touch.occurred_us()));
  if (!IsId(order.refund_id(), kRefundIdBytesMax)) {
    return Invalid("ORDER_INVALID", "the refund's id is empty, too long or unprintable");
  }
  return Refund{OrderKey(scope, order.order_id()),
                order.refund_id(),
                order.amount_minor(),
                order.currency_code(),
                order.whole_order(),
                touch.touch_id(),
                event.fragment_id()};
}

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
  if (input->type != events::kMemberResolved) {
    *skip = true;
    return absl::OkStatus();
  }
  identity::v1::MemberResolved event;
  if (!event.ParseFromString(input->payload) || event.member() != input->entity) {
    return Invalid("EVENT_MALFORMED", "the bytes are no MemberResolved of the record's member");
  }
  switch (event.touch().body().kind_case()) {
    case ingest::v1::TouchBody::kOrderPaid: {
      REGULARS_ASSIGN_OR_RETURN(Purchase purchase, PurchaseOf(event));
      input->body = std::make_shared<const Body>(std::move(purchase));
      return absl::OkStatus();
    }
    case ingest::v1::TouchBody::kOrderRefunded: {
      REGULARS_ASSIGN_OR_RETURN(Refund refund, RefundOf(event));
      input->body = std::make_shared<const Body>(std::move(refund));
      return absl::OkStatus();
    }
    default:
      *skip = true;
      return absl::OkStatus();
  }
}

shard::Effects SegmentationProgram::Apply(const shard::EntityState& state,
                                          const shard::Input& input) const {
  const Rules& rules = RulesOf(input.pool);
  if (input.kind == shard::InputKind::kTimer) {
    REGULARS_ASSERT(input.type == kLapsed, "an unknown timer");
    return ApplyLapseTimer(state, rules, {input.entity, input.time_us});
  }
  REGULARS_ASSERT(input.body != nullptr, "an input without a body");
  const Moment moment{input.entity, input.now_us};
  const Body& body = *static_cast<const Body*>(input.body.get());
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
  shard::Reply reply;
  reply.payload = MembershipOf(*root, RulesOf(input.pool), input).SerializeAsString();
  return reply;
}

std::string SegmentationProgram::CheckInvariants(const shard::EntityState& state) const {
  return CheckMember(state);
}

}  // namespace regulars::segmentation
