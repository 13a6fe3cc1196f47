// What is compared, and how far two values agree. Names are those of the parameters file.
// Thread-safety: constants and pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_FIELDS_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_FIELDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace regulars::identity::match {

enum class Field : uint8_t {
  kGivenName,
  kSurname,
  kBirthDate,  // YYYYMMDD
  kDocument,   // a number that is the person's own: identity card, social security
  kPhone,
  kStreetNumber,
  kAddress1,
  kAddress2,
  kLocality,  // suburb, district
  kPostcode,
  kRegion,  // state, province
};
inline constexpr size_t kFieldCount = 11;

// From less to more agreement; a weight never falls along this order.
enum class Level : uint8_t {
  kMissing,     // one side has no value: says nothing, weighs nothing
  kDifferent,   //
  kSoundsLike,  // names: same Soundex code, or the callers' readings (pinyin) are equal
  kSimilar,     // words: Jaro-Winkler >= 0.88; numbers: two edits; dates: two of year, month, day
  kSwapped,     // agrees with its neighbour's value (names, address lines); dates: month and day
  kTypo,        // Damerau-Levenshtein 1; words of more than seven letters also 2
  kEqual,
};
inline constexpr size_t kLevelCount = 7;

// How a field is compared.
enum class Kind : uint8_t { kName, kWords, kLine, kDate, kNumber, kLongNumber, kCode };

struct FieldInfo {
  std::string_view name;
  Kind kind;
};
inline constexpr std::array<FieldInfo, kFieldCount> kFields = {{{"given_name", Kind::kName},
                                                                {"surname", Kind::kName},
                                                                {"birth_date", Kind::kDate},
                                                                {"document", Kind::kLongNumber},
                                                                {"phone", Kind::kLongNumber},
                                                                {"street_number", Kind::kNumber},
                                                                {"address_1", Kind::kLine},
                                                                {"address_2", Kind::kLine},
                                                                {"locality", Kind::kWords},
                                                                {"postcode", Kind::kNumber},
                                                                {"region", Kind::kCode}}};
inline constexpr std::array<std::string_view, kLevelCount> kLevelNames = {
    "missing", "different", "sounds_alike", "similar", "swapped", "typo", "equal"};

[[nodiscard]] constexpr size_t Index(Field field) { return static_cast<size_t>(field); }
[[nodiscard]] constexpr size_t Index(Level level) { return static_cast<size_t>(level); }
[[nodiscard]] constexpr Kind KindOf(Field field) { return kFields[Index(field)].kind; }
[[nodiscard]] constexpr std::string_view NameOf(Field field) { return kFields[Index(field)].name; }
[[nodiscard]] constexpr std::string_view NameOf(Level level) { return kLevelNames[Index(level)]; }

[[nodiscard]] constexpr std::optional<Field> FieldNamed(std::string_view name) {
  for (size_t i = 0; i < kFieldCount; ++i) {
    if (kFields[i].name == name) return static_cast<Field>(i);
  }
  return std::nullopt;
}

// Whether a comparison of that kind can end at `level`.
[[nodiscard]] constexpr bool Possible(Kind kind, Level level) {
  switch (level) {
    case Level::kMissing:
    case Level::kDifferent:
    case Level::kEqual:
      return true;
    case Level::kSoundsLike:
      return kind == Kind::kName;
    case Level::kSimilar:
      return kind != Kind::kNumber && kind != Kind::kCode;
    case Level::kSwapped:
      return kind == Kind::kName || kind == Kind::kLine || kind == Kind::kDate;
    case Level::kTypo:
      return kind != Kind::kCode;
  }
  return false;
}

// Whether the kind is made of words, whose gaps tell exact values apart.
[[nodiscard]] constexpr bool HoldsWords(Kind kind) {
  return kind == Kind::kName || kind == Kind::kWords || kind == Kind::kLine;
}

// A set of fields, one bit each.
using FieldSet = uint16_t;
[[nodiscard]] constexpr FieldSet Bit(Field field) {
  return static_cast<FieldSet>(1U << Index(field));
}
[[nodiscard]] constexpr bool Has(FieldSet set, Field field) { return (set & Bit(field)) != 0; }

// A value per field.
template <typename T>
using PerField = std::array<T, kFieldCount>;

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_FIELDS_H_
