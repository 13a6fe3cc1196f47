// Why ingest refuses a touch. A refusal is an outcome: it has a stable reason, one sentence, a gRPC
// code and a row in docs/bad-inputs.md, and it changes nothing. Thread-safety: plain values and
// pure functions.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_REFUSAL_H_
#define REGULARS_SERVICES_INGEST_KERNEL_REFUSAL_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace regulars::ingest {

// About in the order in which a touch is looked at: of several things that are wrong with it, the
// one that was found first is named.
enum class RefusalReason : uint8_t {
  kTouchMissing,
  kTouchTooLarge,
  kSourceInvalid,
  kNativeIdInvalid,
  kTimeMissing,
  kTimeInvalid,
  kTimeTooOld,
  kTimeInFuture,
  kChannelInvalid,
  kIdentifiersTooMany,
  kIdentifierInvalid,
  kIdentifierTypeUnknown,
  kIdentifiersMissing,
  kIdentifiersBlocked,
  kBodyMissing,
  kOrderIdMissing,
  kRefundIdMissing,
  kCodeMissing,
  kAmountNegative,
  kAmountTooLarge,
  kCurrencyUnknown,
  kLinesTooMany,
  kQuantityInvalid,
  kSerialsTooMany,
  kFieldMissing,
  kFieldInvalid,
  kFieldTooLong,
  kTextInvalid,
};
inline constexpr size_t kRefusalReasons = 28;

// ErrorInfo.reason and metric label: "CURRENCY_UNKNOWN".
std::string_view ReasonText(RefusalReason reason);
// One sentence for a person, without data of the touch.
std::string_view Sentence(RefusalReason reason);

// `field` is a path into the request ("touch.body.order_paid.amount_minor"), never a value.
struct Refusal {
  RefusalReason reason = RefusalReason::kTouchMissing;
  std::string field;
};

// INVALID_ARGUMENT with the reason, and the field in the metadata.
absl::Status ToStatus(const Refusal& refusal);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_REFUSAL_H_
