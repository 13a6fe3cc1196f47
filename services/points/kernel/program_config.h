// What a pool's points program is: configuration, a plain value. One program per pool.
// Units: points are whole numbers; amounts are minor units of their currency (ISO 4217).
// Example: {.program = "loyalty", .points_numerator = 3, .points_denominator = 2} gives 3 points
// for every 2 whole currency units: floor(amount_minor * 3 / (2 * 100)) points for USD.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_PROGRAM_CONFIG_H_
#define REGULARS_SERVICES_POINTS_KERNEL_PROGRAM_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace regulars::points {

inline constexpr int64_t kRatePointsMax = 10'000;
inline constexpr int64_t kRateUnitsMax = 1'000'000;
inline constexpr int64_t kExpiryDaysMax = 36'500;

// How a fraction of a point is rounded. There is one answer so far; it has a name all the same.
enum class Rounding { kFloor };

// floor(amount_minor * points / minor) points.
struct Rate {
  int64_t points = 1;
  int64_t minor = 100;
};

struct ProgramConfig {
  std::string program = "loyalty";  // last segment of pools/*/members/*/balances/*
  int64_t points_numerator = 1;     // points per `points_denominator` whole currency units
  int64_t points_denominator = 1;
  Rounding rounding = Rounding::kFloor;
  int64_t expiry_days = 365;  // a lot expires at its order's time + this many times 24 hours

  // INVALID_ARGUMENT PROGRAM_CONFIG_INVALID names the field that is out of its limits.
  [[nodiscard]] absl::Status Validate() const;
  [[nodiscard]] Rate RateFor(std::string_view currency_code) const;
};

// Minor units of one whole unit of a currency: 100, or what ISO 4217 (list one, 2024) says for the
// currencies without or with more decimals.
[[nodiscard]] int64_t MinorPerUnit(std::string_view currency_code);

// Points of an amount >= 0. nullopt when the product overflows.
[[nodiscard]] std::optional<int64_t> PointsFor(int64_t amount_minor, const Rate& rate);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_PROGRAM_CONFIG_H_
