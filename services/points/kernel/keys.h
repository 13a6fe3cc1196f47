// State keys and natural ids of the points kernel. Byte order of keys is the order of what they
// name: expiry instants are 16 hex digits, sequence numbers carry their length in front. Limits:
// every key fits in shard::kSubBytesMax, because an order key is at most kOrderKeyMax bytes.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_KEYS_H_
#define REGULARS_SERVICES_POINTS_KERNEL_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace regulars::points {

inline constexpr std::string_view kLotPrefix = "lot/";
inline constexpr std::string_view kEntryPrefix = "entry/";
inline constexpr std::string_view kRedemptionPrefix = "redemption/";
inline constexpr std::string_view kExpireTimer = "expire";

inline constexpr size_t kOrderScopeMax = 64;
inline constexpr size_t kOrderIdMax = 128;
inline constexpr size_t kRefundIdMax = 128;
inline constexpr size_t kRedemptionIdMax = 128;
inline constexpr size_t kOrderKeyMax = 352;

struct LotKey {
  int64_t expires_at_us = 0;
  int64_t sequence = 0;

  friend bool operator==(const LotKey&, const LotKey&) = default;
};

// "scope/id", with '%' and '/' inside either written as %25 and %2F, so that it names one order.
// May be longer than kOrderKeyMax when an id is full of them; the caller refuses that.
[[nodiscard]] std::string OrderKey(std::string_view scope, std::string_view order_id);

[[nodiscard]] std::string OrderSub(std::string_view order_key);
[[nodiscard]] std::string RefundSub(std::string_view order_key, std::string_view refund_id);
[[nodiscard]] std::string LotSub(const LotKey& lot);
[[nodiscard]] std::string EntrySub(int64_t sequence);
[[nodiscard]] std::string RedemptionSub(std::string_view redemption_id);
// Pages from 1 on; the first allocations are in the redemption itself.
[[nodiscard]] std::string AllocationPageSub(std::string_view redemption_id, int64_t page);

// The argument must be a key made by LotSub (asserted).
[[nodiscard]] LotKey ParseLotSub(std::string_view sub);

// Hex digits behind their number (base 36): 5 -> "15", 255 -> "2ff", 4096 -> "41000".
[[nodiscard]] std::string SequenceText(int64_t sequence);

// 1..128 characters of [A-Za-z0-9._-].
[[nodiscard]] bool IsRedemptionId(std::string_view id);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_KEYS_H_
