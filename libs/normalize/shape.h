// What the ids of a type look like: alphabet, length, and whether they need a scope. The defaults
// follow what each platform says about its ids; a pool may replace them (section.h).
// Thread-safety: plain values and pure functions.
#ifndef REGULARS_LIBS_NORMALIZE_SHAPE_H_
#define REGULARS_LIBS_NORMALIZE_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/limits.h"

namespace regulars::normalize {

enum class Alphabet : uint8_t {
  kText,    // any text
  kWord,    // as kText; spaces inside are dropped: people type long numbers in groups
  kToken,   // visible ASCII
  kKey,     // A-Z a-z 0-9 _ -
  kDigits,  // 0-9; spaces and dashes inside are dropped
};

struct Shape {
  Alphabet alphabet = Alphabet::kText;
  size_t min = 1;  // bytes
  size_t max = limits::kIdentifierValueMax;
  bool scoped = false;  // unique within a scope only: an app, a seller
};

// Of types without an own one: any text.
Shape DefaultShape(std::string_view type);

// True for `phone`, `virtual_phone` and `email`, which have a grammar of their own.
bool HasOwnGrammar(std::string_view type);

// Reads "digits:10..16", "key:28", "token:1..64:scoped": text, word, token, key or digits, then
// the length in bytes, then whether a scope is required. nullopt: none of these.
std::optional<Shape> ParseShape(std::string_view text);

// The spelling of `text` under the shape; nullopt if it does not fit.
std::optional<std::string> Fit(const Shape& shape, std::string_view text);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_SHAPE_H_
