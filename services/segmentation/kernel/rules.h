// The rules of the segmentation kernel: what a pool configures, which segments there are, and the
// limits. Plain values.
// Units: times are microseconds since the Unix epoch, UTC; amounts are minor units of a currency.
#ifndef REGULARS_SERVICES_SEGMENTATION_KERNEL_RULES_H_
#define REGULARS_SERVICES_SEGMENTATION_KERNEL_RULES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/time.h"

namespace regulars::segmentation {

// Members with at least `Rules::repeat_purchases_min` purchases that count.
inline constexpr std::string_view kRepeatBuyer = "repeat_buyer";
// Members whose last purchase is more than `Rules::lapsed_after_days` days ago. Begins by timer at
// the first microsecond that is more, ends with the next purchase. Who has no purchase that counts
// is not in it.
inline constexpr std::string_view kLapsed = "lapsed";

// Version of the rules, part of every reason ("lapsed@1").
inline constexpr int kRulesVersion = 1;

struct Rules {
  int64_t lapsed_after_days = 180;
  int64_t repeat_purchases_min = 2;
  // identity: {linking: true}. Then a refund that waits for its order remembers its fragment.
  bool linking = false;
};

// Limits, inclusive: the value itself is accepted, one above it is set aside.
inline constexpr int64_t kLapsedAfterDaysMax = 36'500;
inline constexpr int64_t kRepeatPurchasesMax = 1'000;
inline constexpr int kRefundsPerOrderMax = 100;
inline constexpr int kRefundsOfMovedOrderMax = 300;  // when several members' refunds of it meet
inline constexpr int kPendingOrdersMax = 64;  // orders of one member of which only refunds came
inline constexpr int kCurrenciesPerMemberMax = 16;  // currencies in which the member's sum is not 0
inline constexpr std::size_t kOrderScopeBytesMax = 64;
inline constexpr std::size_t kOrderIdBytesMax = 128;
inline constexpr std::size_t kRefundIdBytesMax = 128;

// The first instant at which a member with this last purchase is lapsed.
[[nodiscard]] constexpr Micros LapseInstant(const Rules& rules, Micros last_purchase_us) {
  return last_purchase_us + rules.lapsed_after_days * kMicrosPerDay + 1;
}

// "repeat_buyer@1"
[[nodiscard]] std::string RuleName(std::string_view segment);
// The rule in words, for people.
[[nodiscard]] std::string RuleText(const Rules& rules, std::string_view segment);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_RULES_H_
