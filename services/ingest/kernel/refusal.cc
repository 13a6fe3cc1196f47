#include "services/ingest/kernel/refusal.h"

#include "libs/base/assert.h"
#include "libs/base/status.h"

namespace regulars::ingest {
namespace {

struct Row {
  std::string_view reason;
  std::string_view sentence;
};

constexpr std::array<Row, kRefusalReasons> kRows = {{
    {"TOUCH_MISSING", "the request holds no touch"},
    {"TOUCH_TOO_LARGE", "the touch is larger than 64 KiB"},
    {"SOURCE_INVALID", "the source must be 1 to 64 bytes of text without control characters"},
    {"NATIVE_ID_INVALID",
     "the native id must be 1 to 256 bytes of text without control characters"},
    {"TIME_MISSING", "the touch does not say when it happened"},
    {"TIME_INVALID", "a time is no valid timestamp"},
    {"TIME_TOO_OLD", "the touch happened before 1970"},
    {"TIME_IN_FUTURE", "the touch is more than 5 minutes ahead of the clock"},
    {"CHANNEL_INVALID", "the channel must be 1 to 32 bytes of text without control characters"},
    {"IDENTIFIERS_TOO_MANY", "a touch names at most 64 identifiers"},
    {"IDENTIFIER_INVALID", "an identifier has a malformed type, scope, value or proof"},
    {"IDENTIFIER_TYPE_UNKNOWN", "the pool has no class for this type of identifier"},
    {"IDENTIFIERS_MISSING", "the touch names no identifier of a person"},
    {"IDENTIFIERS_BLOCKED", "every identifier of a person that the touch names is blocked"},
    {"BODY_MISSING", "the touch does not say what happened"},
    {"ORDER_ID_MISSING", "the order has no id"},
    {"REFUND_ID_MISSING", "the refund has no id"},
    {"CODE_MISSING", "the scan has no code"},
    {"AMOUNT_NEGATIVE", "an amount is below zero"},
    {"AMOUNT_TOO_LARGE", "an amount is above 10^12 minor units"},
    {"CURRENCY_UNKNOWN", "the currency is no ISO 4217 code"},
    {"LINES_TOO_MANY", "an order has at most 500 lines"},
    {"QUANTITY_INVALID", "a quantity must be 1 to 1,000,000"},
    {"SERIALS_TOO_MANY", "a line names at most its quantity and at most 100 serials"},
    {"FIELD_MISSING", "a required field is empty"},
    {"FIELD_INVALID", "a field has a value outside of its range"},
    {"FIELD_TOO_LONG", "a field is longer than its limit"},
    {"TEXT_INVALID", "a field is not UTF-8 or holds control characters"},
}};

const Row& RowOf(RefusalReason reason) {
  const auto index = static_cast<size_t>(reason);
  REGULARS_ASSERT(index < kRows.size(), "unknown refusal");
  return kRows[index];
}

}  // namespace

std::string_view ReasonText(RefusalReason reason) { return RowOf(reason).reason; }
std::string_view Sentence(RefusalReason reason) { return RowOf(reason).sentence; }

absl::Status ToStatus(const Refusal& refusal) {
  return DomainError(absl::StatusCode::kInvalidArgument, ReasonText(refusal.reason),
                     Sentence(refusal.reason), {{"field", refusal.field}});
}

}  // namespace regulars::ingest
