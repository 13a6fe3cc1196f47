// Outcomes of the points kernel: refusals are outcomes, not errors. In every enum the order of the
// values is the order in which the kernel checks them: the first that applies is the answer. Every
// value has one sentence, one metric label and one reason (ErrorInfo on gRPC, DeadLetter on a
// record), in one table, and one test that names its label.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_OUTCOMES_H_
#define REGULARS_SERVICES_POINTS_KERNEL_OUTCOMES_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace regulars::points {

// A paid order.
enum class EarnOutcome {
  kExistsWithDifferentCurrency,
  kExistsWithDifferentAmount,
  kAlreadyEarned,
  kPointsTooMany,
  kLedgerFull,
  kEarnedNothing,
  kEarnedRefundVoid,
  kEarned,
};

// A refunded order.
enum class RefundOutcome {
  kExistsWithDifferentCurrency,
  kExistsWithDifferentAmount,
  kExistsWithDifferentExtent,
  kAlreadyRefunded,
  kCurrencyMismatch,
  kPendingFull,
  kPending,
  kRefundedNothing,
  kRefunded,
};

// Command RedeemPoints.
enum class RedeemOutcome {
  kPointsNotPositive,
  kPointsTooMany,
  kRedemptionIdInvalid,
  kReasonInvalid,
  kMemberUnknown,
  kExistsWithDifferentPoints,
  kAlreadyRedeemed,
  kInsufficientPoints,
  kTooWide,
  kRedeemed,
};

// Command ReversePoints.
enum class ReverseOutcome {
  kReasonInvalid,
  kMemberUnknown,
  kRedemptionUnknown,
  kAlreadyReversed,
  kReversed,
};

// Timer `expire`.
enum class ExpireOutcome {
  kNothingDue,
  kExpiredInPart,
  kExpired,
};

struct OutcomeInfo {
  std::string_view label;
  absl::StatusCode code;  // what a caller gets; not kOk on a record = a dead letter
  std::string_view reason;
  std::string_view sentence;
};

[[nodiscard]] const OutcomeInfo& InfoOf(EarnOutcome outcome);
[[nodiscard]] const OutcomeInfo& InfoOf(RefundOutcome outcome);
[[nodiscard]] const OutcomeInfo& InfoOf(RedeemOutcome outcome);
[[nodiscard]] const OutcomeInfo& InfoOf(ReverseOutcome outcome);
[[nodiscard]] const OutcomeInfo& InfoOf(ExpireOutcome outcome);

// The five tables, in order of precedence, for docs and tests.
[[nodiscard]] std::span<const OutcomeInfo> EarnOutcomes();
[[nodiscard]] std::span<const OutcomeInfo> RefundOutcomes();
[[nodiscard]] std::span<const OutcomeInfo> RedeemOutcomes();
[[nodiscard]] std::span<const OutcomeInfo> ReverseOutcomes();
[[nodiscard]] std::span<const OutcomeInfo> ExpireOutcomes();

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_OUTCOMES_H_
