#include "services/points/kernel/program_config.h"

#include <algorithm>
#include <array>

#include "libs/base/checked.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::points {
namespace {

constexpr std::array<std::string_view, 16> kNoDecimals = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                                          "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                                          "VND", "VUV", "XAF", "XOF"};
constexpr std::array<std::string_view, 7> kThreeDecimals = {"BHD", "IQD", "JOD", "KWD",
                                                            "LYD", "OMR", "TND"};

absl::Status OutOfRange(std::string_view field, int64_t low, int64_t high) {
  return DomainError(absl::StatusCode::kInvalidArgument, "PROGRAM_CONFIG_INVALID",
                     Cat(field, " must be in ", low, "..", high));
}

bool IsProgramName(std::string_view name) {
  return !name.empty() && name.size() <= limits::kResourceIdMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

}  // namespace

absl::Status ProgramConfig::Validate() const {
  if (!IsProgramName(program)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "PROGRAM_CONFIG_INVALID",
                       "program must be 1..63 characters of [a-z0-9_-]");
  }
  if (points_numerator < 1 || points_numerator > kRatePointsMax) {
    return OutOfRange("points_numerator", 1, kRatePointsMax);
  }
  if (points_denominator < 1 || points_denominator > kRateUnitsMax) {
    return OutOfRange("points_denominator", 1, kRateUnitsMax);
  }
  if (expiry_days < 1 || expiry_days > kExpiryDaysMax) {
    return OutOfRange("expiry_days", 1, kExpiryDaysMax);
  }
  return absl::OkStatus();
}

Rate ProgramConfig::RateFor(std::string_view currency_code) const {
  return {points_numerator, MulOrDie(points_denominator, MinorPerUnit(currency_code))};
}

int64_t MinorPerUnit(std::string_view currency_code) {
  const auto is = [currency_code](std::string_view code) { return code == currency_code; };
  if (std::any_of(kNoDecimals.begin(), kNoDecimals.end(), is)) return 1;
  if (std::any_of(kThreeDecimals.begin(), kThreeDecimals.end(), is)) return 1'000;
  return 100;
}

std::optional<int64_t> PointsFor(int64_t amount_minor, const Rate& rate) {
  const std::optional<int64_t> product = CheckedMul(amount_minor, rate.points);
  if (!product) return std::nullopt;
  return CheckedDivFloor(*product, rate.minor);
}

}  // namespace regulars::points
