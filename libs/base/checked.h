// Integer arithmetic for points, money and times that never wraps (style: never floating point).
// CheckedX returns nullopt on overflow: for figures that come from outside. XOrDie asserts: for
// figures whose bounds were checked at the edge. Divisions name their rounding.
#ifndef REGULARS_LIBS_BASE_CHECKED_H_
#define REGULARS_LIBS_BASE_CHECKED_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "libs/base/assert.h"

namespace regulars {

[[nodiscard]] constexpr std::optional<int64_t> CheckedAdd(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

[[nodiscard]] constexpr std::optional<int64_t> CheckedSub(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_sub_overflow(a, b, &out)) return std::nullopt;
  return out;
}

[[nodiscard]] constexpr std::optional<int64_t> CheckedMul(int64_t a, int64_t b) {
  int64_t out = 0;
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

[[nodiscard]] inline int64_t AddOrDie(int64_t a, int64_t b) {
  const std::optional<int64_t> out = CheckedAdd(a, b);
  REGULARS_ASSERT(out.has_value(), "int64 addition overflows");
  return *out;
}

[[nodiscard]] inline int64_t SubOrDie(int64_t a, int64_t b) {
  const std::optional<int64_t> out = CheckedSub(a, b);
  REGULARS_ASSERT(out.has_value(), "int64 subtraction overflows");
  return *out;
}

[[nodiscard]] inline int64_t MulOrDie(int64_t a, int64_t b) {
  const std::optional<int64_t> out = CheckedMul(a, b);
  REGULARS_ASSERT(out.has_value(), "int64 multiplication overflows");
  return *out;
}

// Quotient rounded towards minus infinity. nullopt when b is 0 or the quotient overflows.
[[nodiscard]] constexpr std::optional<int64_t> CheckedDivFloor(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) return std::nullopt;
  const int64_t quotient = a / b;
  const bool inexact = a % b != 0;
  return inexact && ((a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

// Quotient rounded to nearest, halves away from zero. nullopt when b is 0 or the quotient
// overflows.
[[nodiscard]] constexpr std::optional<int64_t> CheckedDivHalfUp(int64_t a, int64_t b) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1)) return std::nullopt;
  const int64_t quotient = a / b;
  const int64_t remainder = a % b;
  if (remainder == 0) return quotient;
  // |remainder| >= |b| - |remainder| without forming 2 * |remainder|; both terms are negative or
  // zero.
  const int64_t minus_rem = remainder < 0 ? remainder : -remainder;
  const int64_t minus_b = b < 0 ? b : -b;
  if (minus_rem > minus_b - minus_rem) return quotient;
  return (a < 0) != (b < 0) ? quotient - 1 : quotient + 1;
}

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_CHECKED_H_
