#include "services/identity/match/compare.h"

#include <algorithm>
#include <array>

#include "services/identity/match/metrics.h"

namespace regulars::identity::match {
namespace {

constexpr size_t kDateLetters = 8, kYearLetters = 4;

Level CompareWords(const Record& a, Field in_a, const Record& b, Field in_b) {
  const Letters x = a[in_a], y = b[in_b];
  if (x.empty() || y.empty()) return Level::kMissing;
  if (x == y) return Level::kEqual;
  const size_t shorter = std::min(x.size(), y.size());
  const bool han = a.han(in_a) || b.han(in_b);
  if (shorter < (han ? kHanLettersMin : kEditLettersMin)) return Level::kDifferent;
  const uint64_t set_x = a.letter_set(in_a), set_y = b.letter_set(in_b);
  const size_t edits = shorter >= kTwoEditsLettersMin ? 2 : 1;
  if (EditDistanceMin(set_x, set_y) <= edits && EditDistance(x, y, edits) <= edits) {
    return Level::kTypo;
  }
  const bool may_be_similar = JaroWinklerMax(x, set_x, y, set_y) >= kSimilarMin;
  return may_be_similar && JaroWinkler(x, y) >= kSimilarMin ? Level::kSimilar : Level::kDifferent;
}

Level CompareNames(const Record& a, Field in_a, const Record& b, Field in_b) {
  const Level level = CompareWords(a, in_a, b, in_b);
  if (level != Level::kDifferent) return level;
  const uint32_t sound = a.soundex(in_a);
  return sound != 0 && sound == b.soundex(in_b) ? Level::kSoundsLike : level;
}

Level CompareNumbers(Letters x, Letters y, Kind kind) {
  if (x.empty() || y.empty()) return Level::kMissing;
  if (x == y) return Level::kEqual;
  const size_t shorter = std::min(x.size(), y.size());
  if (kind == Kind::kCode || shorter < kNumberLettersMin) return Level::kDifferent;
  const size_t edits = kind == Kind::kLongNumber && shorter >= kLongNumberLettersMin ? 2 : 1;
  const size_t distance = EditDistance(x, y, edits);
  if (distance > edits) return Level::kDifferent;
  return distance == 1 ? Level::kTypo : Level::kSimilar;
}

Level CompareDates(Letters x, Letters y) {
  if (x.empty() || y.empty()) return Level::kMissing;
  if (x == y) return Level::kEqual;
  if (EditDistance(x, y, 1) <= 1) return Level::kTypo;
  if (x.size() != kDateLetters || y.size() != kDateLetters) return Level::kDifferent;
  const auto part = [](Letters date, size_t begin) {
    return date.substr(begin, begin == 0 ? 4 : 2);
  };
  const Letters month_x = part(x, kYearLetters), day_x = part(x, kYearLetters + 2);
  const Letters month_y = part(y, kYearLetters), day_y = part(y, kYearLetters + 2);
  const bool year = part(x, 0) == part(y, 0);
  if (year && month_x == day_y && day_x == month_y) return Level::kSwapped;
  const int same = (year ? 1 : 0) + (month_x == month_y ? 1 : 0) + (day_x == day_y ? 1 : 0);
  return same == 2 ? Level::kSimilar : Level::kDifferent;
}

using Two = std::array<Level, 2>;

size_t Agreement(const Two& levels) {
  size_t sum = 0;
  for (const Level level : levels) {
    if (level > Level::kDifferent) sum += Index(level) - Index(Level::kDifferent);
  }
  return sum;
}

// Two fields whose values people exchange.
template <typename CompareOne>
Two CompareTwo(const Record& a, const Record& b, Field first, Field second, CompareOne one) {
  const Two straight = {one(a, first, b, first), one(a, second, b, second)};
  if (straight == Two{Level::kEqual, Level::kEqual}) return straight;
  Two cross = {one(a, first, b, second), one(a, second, b, first)};
  if (std::max(cross[0], cross[1]) < Level::kTypo) return straight;
  if (Agreement(cross) <= Agreement(straight)) return straight;
  for (Level& level : cross) level = std::min(level, Level::kSwapped);
  std::sort(cross.begin(), cross.end());
  return cross;
}

FieldSet ExactFields(const Record& a, const Record& b) {
  FieldSet out = 0;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    if (!a.Missing(field) && a.hash(field) == b.hash(field) && a.gaps(field) == b.gaps(field) &&
        a[field] == b[field]) {
      out |= Bit(field);
    }
  }
  return out;
}

}  // namespace

Comparison Compare(const Record& a, const Record& b) {
  Comparison out;
  const auto set = [&out](Field field, Level level) { out.levels[Index(field)] = level; };
  Two names = CompareTwo(a, b, Field::kGivenName, Field::kSurname, CompareNames);
  if (!a.reading().empty() && a.reading() == b.reading()) {
    for (Level& level : names) {
      if (level == Level::kDifferent) level = Level::kSoundsLike;
    }
  }
  const Two lines = CompareTwo(a, b, Field::kAddress1, Field::kAddress2, CompareWords);
  set(Field::kGivenName, names[0]);
  set(Field::kSurname, names[1]);
  set(Field::kAddress1, lines[0]);
  set(Field::kAddress2, lines[1]);
  set(Field::kBirthDate, CompareDates(a[Field::kBirthDate], b[Field::kBirthDate]));
  set(Field::kLocality, CompareWords(a, Field::kLocality, b, Field::kLocality));
  for (const Field field :
       {Field::kDocument, Field::kPhone, Field::kStreetNumber, Field::kPostcode, Field::kRegion}) {
    set(field, CompareNumbers(a[field], b[field], KindOf(field)));
  }
  out.exact = ExactFields(a, b);
  return out;
}

}  // namespace regulars::identity::match
