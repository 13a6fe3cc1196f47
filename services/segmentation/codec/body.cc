#include "services/segmentation/codec/body.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "libs/base/status.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/segmentation/v1/segmentation_handoff.pb.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

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

// `forwarded`: it came to an alias of the entity.
absl::Status DecodeResolved(shard::Input* input, bool* skip, bool forwarded) {
  if (input->type != events::kMemberResolved) {
    *skip = true;
    return absl::OkStatus();
  }
  identity::v1::MemberResolved event;
  if (!event.ParseFromString(input->payload) || (!forwarded && event.member() != input->entity)) {
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

absl::Status DecodeHandoff(handoff::Inbound inbound, shard::Input* input) {
  Handoff body{.inbound = std::move(inbound), .record = nullptr};
  const auto* message = std::get_if<handoff::v1::HandoffMessage>(&body.inbound);
  if (message != nullptr && message->has_page() &&
      !v1::SegmentationPage().ParseFromString(message->page().cargo())) {
    return Invalid("PAYLOAD_MALFORMED", "a page of segmentation does not parse");
  }
  if (message != nullptr && message->has_record()) {
    const handoff::v1::ForwardedRecord& record = message->record();
    shard::Input inner = *input;
    inner.type = record.type();
    inner.id = record.id();
    inner.payload = record.payload();
    inner.time_us = record.time_us();
    bool skip = false;
    REGULARS_RETURN_IF_ERROR(DecodeResolved(&inner, &skip, /*forwarded=*/true));
    if (!skip) {
      body.record = inner.body;
      identity::v1::MemberResolved event;
      if (event.ParseFromString(record.payload())) body.named = event.member();
    }
  }
  input->body = std::make_shared<const Body>(std::move(body));
  return absl::OkStatus();
}

}  // namespace

absl::Status DecodeRecord(shard::Input* input, bool* skip) {
  std::optional<handoff::Inbound> inbound;
  REGULARS_RETURN_IF_ERROR(handoff::ReadInbound(*input, &inbound));
  if (inbound.has_value()) return DecodeHandoff(*std::move(inbound), input);
  return DecodeResolved(input, skip, /*forwarded=*/false);
}

}  // namespace regulars::segmentation
