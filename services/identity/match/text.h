// How a value is read before it is compared: any bytes in, code points out.
//
// Folding lowers ASCII and the Latin-1, Greek and Cyrillic capitals, turns full-width forms into
// plain ones, and takes spaces and punctuation out: "Wynn  Street" and "wynnstreet" have the same
// letters. Where they stood is kept apart as gaps, so an exact comparison can still tell the two.
// Bytes that are no UTF-8 become U+FFFD one by one and are letters like any other. A value of more
// than kLettersMax letters is not comparable and folds to nothing; it is never compared by its
// head. Thread-safety: pure functions and plain values.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_TEXT_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace regulars::identity::match {

inline constexpr size_t kLettersMax = 64;  // one bit each in `gaps` and in the metrics' masks

// Letters of a folded value.
using Letters = std::u32string_view;

struct Folded {
  std::u32string letters;  // at most kLettersMax
  uint64_t gaps = 0;       // bit i: something that is no letter stood before letter i (never bit 0)
  bool too_long = false;   // the value had more; `letters` is empty
};

[[nodiscard]] Folded Fold(std::string_view utf8);

// A Chinese character (CJK ideograph).
[[nodiscard]] bool IsHan(char32_t letter);
[[nodiscard]] bool HasHan(Letters letters);

// A Chinese name as surname and given name: the surname is the first character, or the first two
// when they are one of the common compound surnames and more follows. A name without Chinese
// characters, or of one letter, is all given name.
struct HanName {
  std::string surname;     // UTF-8, folded
  std::string given_name;  // UTF-8, folded
};
[[nodiscard]] HanName SplitHanName(std::string_view utf8);

// The letters as UTF-8, for hashes.
[[nodiscard]] std::string ToUtf8(Letters letters);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_TEXT_H_
