// Time as Regulars keeps it: microseconds since the Unix epoch, UTC, in an int64. There is no clock
// here; kernels get their time with the input. Who may read the wall clock includes `wall_clock.h`.
// Limits: instants are valid from 1970-01-01 to 9999-12-31 (kMicrosMax).
#ifndef REGULARS_LIBS_BASE_TIME_H_
#define REGULARS_LIBS_BASE_TIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"

namespace regulars {

using Micros = int64_t;

inline constexpr Micros kMicrosPerMilli = 1'000;
inline constexpr Micros kMicrosPerSecond = 1'000'000;
inline constexpr Micros kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr Micros kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr Micros kMicrosPerDay = 24 * kMicrosPerHour;
inline constexpr Micros kMicrosMax = 253'402'300'799'999'999;  // 9999-12-31T23:59:59.999999Z

[[nodiscard]] constexpr bool IsValidInstant(Micros t) { return t >= 0 && t <= kMicrosMax; }

// The instant of a civil UTC second. Fields beyond their range are normalised as absl does
// (month 13 is January of the next year).
[[nodiscard]] Micros FromCivilUtc(absl::CivilSecond civil);
[[nodiscard]] absl::CivilSecond ToCivilUtc(Micros t);

// "1997-01-01T00:00:00Z", with a fraction only when there is one.
[[nodiscard]] std::string FormatRfc3339(Micros t);

// Any RFC 3339 offset; digits below a microsecond are cut off. INVALID_ARGUMENT when it does not
// parse or lies outside the valid instants.
[[nodiscard]] absl::StatusOr<Micros> ParseRfc3339(std::string_view text);

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_TIME_H_
