#include "services/points/kernel/program_config.h"

#include <algorithm>
#include <array>

#include "libs/base/checked.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::points {
namespace {

// Three letters as one number: this is looked up for every order.
constexpr uint32_t Packed(std::string_view code) {
  return static_cast<uint32_t>(code[0]) << 16 | static_cast<uint32_t>(code[1]) << 8 |
         static_cast<uint32_t>(code[2]);
}

constexpr std::array kNoDecimals = {
    Packed("BIF"), Packed("CLP"), Packed("DJF"), Packed("GNF"), Packed("ISK"), Packed("JPY"),
    Packed("KMF"), Packed("KRW"), Packed("PYG"), Packed("RWF"), Packed("UGX"), Packed("UYI"),
    Packed("VND"), Packed("VUV"), Packed("XAF"), Packed("XOF"), Packed("XPF")};
constexpr std::array kThreeDecimals = {Packed("BHD"), Packed("IQD"), Packed("JOD"), Packed("KWD"),
                                       Packed("LYD"), Packed("OMR"), Packed("TND")};

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
  if (currency_code.size() != 3) return 100;
  const uint32_t code = Packed(currency_code);
  if (std::find(kNoDecimals.begin(), kNoDecimals.end(), code) != kNoDecimals.end()) return 1;
  if (std::find(kThreeDecimals.begin(), kThreeDecimals.end(), code) != kThreeDecimals.end()) {
    return 1'000;
  }
  return 100;
}

std::optional<int64_t> PointsFor(int64_t amount_minor, const Rate& rate) {
  const std::optional<int64_t> product = CheckedMul(amount_minor, rate.points);
  if (!product) return std::nullopt;
  return CheckedDivFloor(*product, rate.minor);
}

}  // namespace regulars::points
