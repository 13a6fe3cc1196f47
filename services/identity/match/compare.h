// Two records, field by field: how far each agrees. Symmetric: Compare(a, b) == Compare(b, a).
//
// Given name and surname are compared straight and crosswise, and so are the two address lines;
// crosswise counts when it agrees clearly better and one of the two values agrees up to one edit.
// Values that agree crosswise are kSwapped, and the better of the two levels stands at the surname
// (the second line). Chinese values shorter than kHanLettersMin letters are only compared for
// equality: one character of a name is another name. Readings that are equal lift a name that
// differs to kSoundsLike. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_COMPARE_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_COMPARE_H_

#include <cstddef>
#include <cstdint>

#include "services/identity/match/fields.h"
#include "services/identity/match/record.h"

namespace regulars::identity::match {

inline constexpr int32_t kSimilarMin = 880'000;  // Jaro-Winkler, millionths
inline constexpr size_t kEditLettersMin = 3;     // shorter words and names are equal or not
inline constexpr size_t kTwoEditsLettersMin = 8;
inline constexpr size_t kHanLettersMin = 6;
inline constexpr size_t kNumberLettersMin = 2;      // of one digit, another digit is another number
inline constexpr size_t kLongNumberLettersMin = 6;  // for two edits

struct Comparison {
  PerField<Level> levels = {};
  FieldSet exact = 0;  // equal to the letter and to the gap, in its own place; for rules

  Level operator[](Field field) const { return levels[Index(field)]; }
  friend auto operator<=>(const Comparison&, const Comparison&) = default;
};

[[nodiscard]] Comparison Compare(const Record& a, const Record& b);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_COMPARE_H_
