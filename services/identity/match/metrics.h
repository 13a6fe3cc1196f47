// String metrics on folded letters, in integers only: the same on every machine.
// All are symmetric in their two arguments. Thread-safety: pure functions.
// Limits: at most kLettersMax letters each (asserted).
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_METRICS_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_METRICS_H_

#include <cstddef>
#include <cstdint>

#include "services/identity/match/text.h"

namespace regulars::identity::match {

inline constexpr int32_t kMillion = 1'000'000;

// Jaro-Winkler similarity in millionths, rounded down at each division: 1'000'000 = equal, 0 =
// nothing in common. Winkler's prefix of at most 4 letters counts a tenth each (W. E. Winkler,
// String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter Model of Record
// Linkage, 1990).
[[nodiscard]] int32_t JaroWinkler(Letters a, Letters b);

// Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions,
// deletions, substitutions and swaps of neighbours, no letter edited twice. Exact up to `most`,
// else `most` + 1.
[[nodiscard]] size_t EditDistance(Letters a, Letters b, size_t most);

// Which letters occur, as one bit per letter; letters 64 apart share a bit. For the bounds below.
[[nodiscard]] uint64_t LetterSet(Letters letters);

// What two values at most have in common, judged by their letter sets alone: cheap bounds that
// spare most metrics. EditDistance is never less than the first, JaroWinkler never more than the
// second.
[[nodiscard]] size_t EditDistanceMin(uint64_t set_a, uint64_t set_b);
[[nodiscard]] int32_t JaroWinklerMax(Letters a, uint64_t set_a, Letters b, uint64_t set_b);

// American Soundex of the letters a-z: first letter and three digits, packed into four bytes. 0
// when there is no such letter.
[[nodiscard]] uint32_t Soundex(Letters letters);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_METRICS_H_
