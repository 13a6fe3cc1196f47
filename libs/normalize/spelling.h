// The part of normalisation that is the same for every type. Thread-safety: pure functions.
#ifndef REGULARS_LIBS_NORMALIZE_SPELLING_H_
#define REGULARS_LIBS_NORMALIZE_SPELLING_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace regulars::normalize {

enum class SpellingFault : uint8_t { kNone, kNotText, kTooLong, kEmpty };

struct Spelling {
  SpellingFault fault = SpellingFault::kNone;
  std::string text;  // empty unless kNone
};

// Without formatting characters, NFKC, without spaces at both ends. At most `max` bytes before and
// after (NFKC may lengthen a text). A text that was spelled is spelled the same again.
Spelling Spell(std::string_view value, std::size_t max);

// An order number or code of a touch's body: its spelling, or the id itself where it has none
// within `max` bytes. It is the key of facts, so it is never refused here.
std::string SpellObject(std::string_view id, std::size_t max);

// True for two or more mask characters in a row ("138****8000", "张**").
bool IsMasked(std::string_view spelled);

// True for what forms and connectors send in place of nothing: zeros and dashes only, "null",
// "undefined", "test", "匿名" ..., in any case of letters and in brackets or quotes.
bool IsPlaceholder(std::string_view spelled);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_SPELLING_H_
