// RFC 3339 text of `ce_time`, written and read once per record: no locale, no allocation beyond
// the result, tens of nanoseconds. libs/base/time.h has the general functions for everything else.
#ifndef REGULARS_LIBS_EVENTS_TIMESTAMP_H_
#define REGULARS_LIBS_EVENTS_TIMESTAMP_H_

#include <array>
#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/time.h"

namespace regulars::events {

// "2026-11-23T10:15:30.000250Z"
inline constexpr size_t kTimestampBytes = 27;

// Writes exactly kTimestampBytes, always with six digits after the point, always "Z": so the order
// of the texts is the order of the instants. Asserts that `t` is a valid instant.
void WriteTimestamp(Micros t, std::array<char, kTimestampBytes>* out);

// Reads what WriteTimestamp writes, and any other RFC 3339 text (offset, fewer or more digits;
// those below a microsecond are cut off). INVALID_ARGUMENT TIME_INVALID if it is none, or lies
// outside the valid instants.
[[nodiscard]] absl::StatusOr<Micros> ParseTimestamp(std::string_view text);

}  // namespace regulars::events

#endif  // REGULARS_LIBS_EVENTS_TIMESTAMP_H_
