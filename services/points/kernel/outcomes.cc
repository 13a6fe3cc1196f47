#include "services/points/kernel/outcomes.h"

#include <array>
#include <cstddef>

namespace regulars::points {
namespace {

using absl::StatusCode;

constexpr std::array<OutcomeInfo, 8> kEarn = {{
    {"exists_with_different_currency", StatusCode::kAlreadyExists,
     "ORDER_EXISTS_WITH_DIFFERENT_CURRENCY", "the order was posted in another currency"},
    {"exists_with_different_amount", StatusCode::kAlreadyExists,
     "ORDER_EXISTS_WITH_DIFFERENT_AMOUNT", "the order was posted with another amount"},
    {"already_earned", StatusCode::kOk, "ALREADY_EARNED", "the order was posted before"},
    {"points_too_many", StatusCode::kFailedPrecondition, "POINTS_TOO_MANY",
     "the order would earn more than one order may"},
    {"ledger_full", StatusCode::kFailedPrecondition, "LEDGER_FULL",
     "the member would pass the greatest figure a ledger may hold"},
    {"earned_nothing", StatusCode::kOk, "EARNED_NOTHING",
     "the order is worth less than one point; it is remembered and earns nothing"},
    {"earned_refund_void", StatusCode::kOk, "EARNED_REFUND_VOID",
     "the order earned; a refund that had come first names another currency and is void"},
    {"earned", StatusCode::kOk, "EARNED", "the order earned a new lot"},
}};

constexpr std::array<OutcomeInfo, 9> kRefund = {{
    {"exists_with_different_currency", StatusCode::kAlreadyExists,
     "REFUND_EXISTS_WITH_DIFFERENT_CURRENCY", "the refund was posted in another currency"},
    {"exists_with_different_amount", StatusCode::kAlreadyExists,
     "REFUND_EXISTS_WITH_DIFFERENT_AMOUNT", "the refund was posted with another amount"},
    {"exists_with_different_extent", StatusCode::kAlreadyExists,
     "REFUND_EXISTS_WITH_DIFFERENT_EXTENT",
     "the refund was posted with another answer to whether the whole order went back"},
    {"already_refunded", StatusCode::kOk, "ALREADY_REFUNDED", "the refund was posted before"},
    {"currency_mismatch", StatusCode::kFailedPrecondition, "REFUND_CURRENCY_MISMATCH",
     "the refund names another currency than its order"},
    {"pending_full", StatusCode::kResourceExhausted, "PENDING_REFUNDS_FULL",
     "too many refunds wait for this order already"},
    {"pending", StatusCode::kOk, "REFUND_PENDING",
     "the order is not known yet; the refund waits for it"},
    {"refunded_nothing", StatusCode::kOk, "REFUNDED_NOTHING",
     "the refund is remembered and takes back no point"},
    {"refunded", StatusCode::kOk, "REFUNDED", "points of the order's lot were taken back"},
}};

constexpr std::array<OutcomeInfo, 10> kRedeem = {{
    {"points_not_positive", StatusCode::kInvalidArgument, "POINTS_NOT_POSITIVE",
     "points must be at least 1"},
    {"points_too_many", StatusCode::kInvalidArgument, "POINTS_TOO_MANY",
     "points must be at most 1,000,000,000,000"},
    {"redemption_id_invalid", StatusCode::kInvalidArgument, "REDEMPTION_ID_INVALID",
     "redemption_id must be 1..128 characters of [A-Za-z0-9._-]"},
    {"reason_invalid", StatusCode::kInvalidArgument, "REASON_INVALID",
     "reason must be at most 256 bytes"},
    {"member_unknown", StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member in this pool"},
    {"exists_with_different_points", StatusCode::kAlreadyExists, "REDEMPTION_EXISTS",
     "the redemption id was used with other points"},
    {"already_redeemed", StatusCode::kOk, "ALREADY_REDEEMED",
     "the redemption was made before; this is its answer"},
    {"insufficient_points", StatusCode::kFailedPrecondition, "INSUFFICIENT_POINTS",
     "the balance is below the points asked for"},
    {"too_wide", StatusCode::kFailedPrecondition, "REDEMPTION_TOO_WIDE",
     "the redemption would take more lots than one may"},
    {"redeemed", StatusCode::kOk, "REDEEMED", "the points were spent, earliest expiry first"},
}};

constexpr std::array<OutcomeInfo, 5> kReverse = {{
    {"reason_invalid", StatusCode::kInvalidArgument, "REASON_INVALID",
     "reason must be at most 256 bytes"},
    {"member_unknown", StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member in this pool"},
    {"redemption_unknown", StatusCode::kNotFound, "REDEMPTION_UNKNOWN",
     "the member has no such redemption"},
    {"already_reversed", StatusCode::kOk, "ALREADY_REVERSED",
     "the redemption was undone before; this is its answer"},
    {"reversed", StatusCode::kOk, "REVERSED", "the points went back to the lots they came from"},
}};

constexpr std::array<OutcomeInfo, 3> kExpire = {{
    {"nothing_due", StatusCode::kOk, "NOTHING_DUE", "no open lot is due"},
    {"expired_in_part", StatusCode::kOk, "EXPIRED_IN_PART",
     "many lots are due: the first of them expired, the timer fires again for the rest"},
    {"expired", StatusCode::kOk, "EXPIRED", "what was left of every due lot expired"},
}};

template <typename Table, typename Enum>
const OutcomeInfo& At(const Table& table, Enum outcome) {
  return table.at(static_cast<size_t>(outcome));
}

}  // namespace

const OutcomeInfo& InfoOf(EarnOutcome outcome) { return At(kEarn, outcome); }
const OutcomeInfo& InfoOf(RefundOutcome outcome) { return At(kRefund, outcome); }
const OutcomeInfo& InfoOf(RedeemOutcome outcome) { return At(kRedeem, outcome); }
const OutcomeInfo& InfoOf(ReverseOutcome outcome) { return At(kReverse, outcome); }
const OutcomeInfo& InfoOf(ExpireOutcome outcome) { return At(kExpire, outcome); }

std::span<const OutcomeInfo> EarnOutcomes() { return kEarn; }
std::span<const OutcomeInfo> RefundOutcomes() { return kRefund; }
std::span<const OutcomeInfo> RedeemOutcomes() { return kRedeem; }
std::span<const OutcomeInfo> ReverseOutcomes() { return kReverse; }
std::span<const OutcomeInfo> ExpireOutcomes() { return kExpire; }

}  // namespace regulars::points
