#include "services/ingest/kernel/validate_body.h"

#include <string>

#include "services/ingest/kernel/currency.h"
#include "services/ingest/kernel/validate.h"

namespace regulars::ingest {
namespace {

using R = RefusalReason;

bool CheckLines(const google::protobuf::RepeatedPtrField<v1::OrderLine>& lines, FieldCheck* check) {
  if (!check->Require(static_cast<size_t>(lines.size()) <= limits::kOrderLinesMax, R::kLinesTooMany,
                      "lines")) {
    return false;
  }
  for (const v1::OrderLine& line : lines) {
    const auto serials = static_cast<int64_t>(line.unit_serials_size());
    bool good = check->Quantity(line.quantity(), "lines.quantity") &&
                check->Amount(line.unit_price_minor(), "lines.unit_price_minor") &&
                check->Text(line.sku(), limits::kSkuMax, "lines.sku") &&
                check->Text(line.product_line(), limits::kResourceIdMax, "lines.product_line") &&
                check->Text(line.line_id(), kWordMax, "lines.line_id") &&
                check->Require(serials <= line.quantity() &&
                                   serials <= static_cast<int64_t>(limits::kLineSerialsMax),
                               R::kSerialsTooMany, "lines.unit_serials");
    for (const std::string& serial : line.unit_serials()) {
      good = good && check->Word(serial, kNameMax, R::kFieldMissing, "lines.unit_serials");
    }
    if (!good) return false;
  }
  return true;
}

// Scope, id, amount, currency and lines of an order or refund.
template <typename Order>
bool CheckOrder(const Order& order, FieldCheck* check) {
  return check->Word(order.order_id(), limits::kNativeIdMax, R::kOrderIdMissing, "order_id") &&
         check->Text(order.order_scope(), kScopeMax, "order_scope") &&
         check->Amount(order.amount_minor(), "amount_minor") &&
         check->Require(IsCurrency(order.currency_code()), R::kCurrencyUnknown, "currency_code") &&
         CheckLines(order.lines(), check);
}

bool CheckReview(const v1::Review& review, FieldCheck* check) {
  return check->Under("touch.body.review") &&
         check->Text(review.order_scope(), kScopeMax, "order_scope") &&
         check->Text(review.order_id(), limits::kNativeIdMax, "order_id") &&
         check->Text(review.sku(), limits::kSkuMax, "sku") &&
         check->Require(v1::Rating_IsValid(review.rating()), R::kFieldInvalid, "rating") &&
         check->Require(review.stars() >= 0 && review.stars() <= 5, R::kFieldInvalid, "stars");
}

bool CheckCode(const v1::CodeScanned& scan, FieldCheck* check) {
  return check->Under("touch.body.code_scanned") &&
         check->Word(scan.code(), limits::kOperationIdMax, R::kCodeMissing, "code") &&
         // Only ingest writes it.
         check->Require(scan.code_hmac().empty(), R::kFieldInvalid, "code_hmac") &&
         check->Text(scan.sku(), limits::kSkuMax, "sku") &&
         check->Text(scan.batch(), kWordMax, "batch");
}

}  // namespace

bool CheckBody(const v1::TouchBody& body, FieldCheck* check) {
  switch (body.kind_case()) {
    case v1::TouchBody::KIND_NOT_SET:
      return check->Require(false, R::kBodyMissing, "body");
    case v1::TouchBody::kOrderPaid:
      return check->Under("touch.body.order_paid") && CheckOrder(body.order_paid(), check);
    case v1::TouchBody::kOrderRefunded:
      return check->Under("touch.body.order_refunded") &&
             check->Word(body.order_refunded().refund_id(), limits::kNativeIdMax,
                         R::kRefundIdMissing, "refund_id") &&
             CheckOrder(body.order_refunded(), check);
    case v1::TouchBody::kReview:
      return CheckReview(body.review(), check);
    case v1::TouchBody::kCodeScanned:
      return CheckCode(body.code_scanned(), check);
    case v1::TouchBody::kFollowed:
      return check->Under("touch.body.followed") &&
             check->Text(body.followed().target(), kNameMax, "target") &&
             check->Text(body.followed().scene(), kNameMax, "scene");
    case v1::TouchBody::kChat:
      return check->Under("touch.body.chat") &&
             check->Text(body.chat().message_kind(), kShortMax, "message_kind") &&
             check->Text(body.chat().conversation(), kNameMax, "conversation");
    case v1::TouchBody::kVisit:
      return check->Under("touch.body.visit") &&
             check->Text(body.visit().place(), kPlaceMax, "place");
    case v1::TouchBody::kViewed:
      return check->Under("touch.body.viewed") &&
             check->Text(body.viewed().sku(), limits::kSkuMax, "sku") &&
             check->Text(body.viewed().page(), kPlaceMax, "page") &&
             check->Require(body.viewed().dwell_ms() >= 0, R::kFieldInvalid, "dwell_ms");
    case v1::TouchBody::kFavourited:
      return check->Under("touch.body.favourited") &&
             check->Text(body.favourited().sku(), limits::kSkuMax, "sku");
    case v1::TouchBody::kCarted:
      return check->Under("touch.body.carted") &&
             check->Word(body.carted().sku(), limits::kSkuMax, R::kFieldMissing, "sku") &&
             check->Quantity(body.carted().quantity(), "quantity");
    case v1::TouchBody::kInquired:
      return check->Under("touch.body.inquired") &&
             check->Text(body.inquired().sku(), limits::kSkuMax, "sku") &&
             check->Text(body.inquired().topic(), kWordMax, "topic");
    case v1::TouchBody::kShared:
      return check->Under("touch.body.shared") &&
             check->Text(body.shared().target(), kPlaceMax, "target") &&
             check->Text(body.shared().medium(), kShortMax, "medium");
    case v1::TouchBody::kCheckIn:
      return check->Under("touch.body.check_in") &&
             check->Text(body.check_in().method(), kShortMax, "method");
    case v1::TouchBody::kClick:
      return check->Under("touch.body.click") &&
             check->Text(body.click().target(), kPlaceMax, "target") &&
             check->Text(body.click().referral(), kWordMax, "referral");
    case v1::TouchBody::kAttended:
      return check->Under("touch.body.attended") &&
             check->Word(body.attended().event(), kWordMax, R::kFieldMissing, "event");
    case v1::TouchBody::kGroupJoined:
      return check->Under("touch.body.group_joined") &&
             check->Word(body.group_joined().group(), kNameMax, R::kFieldMissing, "group");
    case v1::TouchBody::kGroupLeft:
      return check->Under("touch.body.group_left") &&
             check->Word(body.group_left().group(), kNameMax, R::kFieldMissing, "group");
  }
  return check->Require(false, R::kBodyMissing, "body");
}

}  // namespace regulars::ingest
