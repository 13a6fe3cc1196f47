#include "libs/base/time.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/text.h"

namespace regulars {

Micros FromCivilUtc(absl::CivilSecond civil) {
  return absl::ToUnixMicros(absl::FromCivil(civil, absl::UTCTimeZone()));
}

absl::CivilSecond ToCivilUtc(Micros t) {
  return absl::ToCivilSecond(absl::FromUnixMicros(t), absl::UTCTimeZone());
}

std::string FormatRfc3339(Micros t) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMicros(t), absl::UTCTimeZone());
}

absl::StatusOr<Micros> ParseRfc3339(std::string_view text) {
  absl::Time parsed;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, AbslView(text), &parsed, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("not an RFC 3339 time: ", error));
  }
  if (parsed < absl::UnixEpoch() || parsed > absl::FromUnixMicros(kMicrosMax)) {
    return absl::InvalidArgumentError("time outside 1970-01-01 to 9999-12-31");
  }
  return absl::ToUnixMicros(parsed);
}

}  // namespace regulars
