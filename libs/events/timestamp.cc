#include "libs/events/timestamp.h"

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"

namespace regulars::events {
namespace {

struct Date {
  int64_t year = 0;
  int64_t month = 0;  // 1..12
  int64_t day = 0;    // 1..31
};

// Days since 1970-01-01 of the proleptic Gregorian calendar and back, for years from 0 on.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". A computational year
// begins in March, so that the leap day is its last one.
constexpr int64_t kDaysPerEra = 146'097;       // 400 years
constexpr int64_t kDaysToUnixEpoch = 719'468;  // from 0000-03-01

constexpr int64_t DaysOf(const Date& date) {
  const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t month_from_march = (date.month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kDaysToUnixEpoch;
}

constexpr Date DateOf(int64_t days) {
  const int64_t shifted = days + kDaysToUnixEpoch;
  const int64_t era = shifted / kDaysPerEra;
  const int64_t day_of_era = shifted - era * kDaysPerEra;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  date.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

static_assert(DaysOf({1970, 1, 1}) == 0);
static_assert(DaysOf({2000, 2, 29}) == 11'016);

void WriteDigits(int64_t value, size_t digits, char* out) {
  for (size_t i = digits; i > 0; --i) {
    out[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// False if one of the characters is no digit.
bool ReadDigits(std::string_view text, size_t from, size_t digits, int64_t* value) {
  int64_t result = 0;
  for (size_t i = from; i < from + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    result = result * 10 + (text[i] - '0');
  }
  *value = result;
  return true;
}

bool IsLeapYear(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int64_t DaysInMonth(int64_t year, int64_t month) {
  constexpr std::array<int64_t, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month == 2 && IsLeapYear(year)) return 29;
  return kDays[static_cast<size_t>(month - 1)];
}

// Exactly the form that WriteTimestamp writes; nullopt for every other text.
std::optional<Micros> ParseOwnForm(std::string_view text) {
  if (text.size() != kTimestampBytes || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text[19] != '.' || text[26] != 'Z') {
    return std::nullopt;
  }
  Date date;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t micros = 0;
  if (!ReadDigits(text, 0, 4, &date.year) || !ReadDigits(text, 5, 2, &date.month) ||
      !ReadDigits(text, 8, 2, &date.day) || !ReadDigits(text, 11, 2, &hour) ||
      !ReadDigits(text, 14, 2, &minute) || !ReadDigits(text, 17, 2, &second) ||
      !ReadDigits(text, 20, 6, &micros)) {
    return std::nullopt;
  }
  if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > DaysInMonth(date.year, date.month) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  return DaysOf(date) * kMicrosPerDay + hour * kMicrosPerHour + minute * kMicrosPerMinute +
         second * kMicrosPerSecond + micros;
}

// The general parser also takes spaces around the text and a zero byte behind it; RFC 3339 has
// none.
bool HasOnlyTimeCharacters(std::string_view text) {
  return text.find_first_not_of("0123456789-:.+TZtz") == std::string_view::npos;
}

}  // namespace

void WriteTimestamp(Micros t, std::array<char, kTimestampBytes>* out) {
  REGULARS_ASSERT(IsValidInstant(t), "time outside 1970 to 9999");
  const Date date = DateOf(t / kMicrosPerDay);
  const int64_t of_day = t % kMicrosPerDay;
  char* text = out->data();
  WriteDigits(date.year, 4, text);
  text[4] = '-';
  WriteDigits(date.month, 2, text + 5);
  text[7] = '-';
  WriteDigits(date.day, 2, text + 8);
  text[10] = 'T';
  WriteDigits(of_day / kMicrosPerHour, 2, text + 11);
  text[13] = ':';
  WriteDigits(of_day % kMicrosPerHour / kMicrosPerMinute, 2, text + 14);
  text[16] = ':';
  WriteDigits(of_day % kMicrosPerMinute / kMicrosPerSecond, 2, text + 17);
  text[19] = '.';
  WriteDigits(of_day % kMicrosPerSecond, 6, text + 20);
  text[26] = 'Z';
}

absl::StatusOr<Micros> ParseTimestamp(std::string_view text) {
  if (const std::optional<Micros> own = ParseOwnForm(text)) return *own;
  if (HasOnlyTimeCharacters(text)) {
    absl::StatusOr<Micros> other = ParseRfc3339(text);
    if (other.ok()) return other;
  }
  return DomainError(absl::StatusCode::kInvalidArgument, "TIME_INVALID",
                     "not an RFC 3339 time between 1970 and 9999");
}

}  // namespace regulars::events
