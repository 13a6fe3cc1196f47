// Lower-case Crockford base 32 (digits and letters without i, l, o, u) for ids that people read out
// and type. Five bits per character, most significant first, no padding; the order of encoded texts
// of equal length is the order of the bytes. Source: crockford.com/base32.
#ifndef REGULARS_LIBS_BASE_BASE32_H_
#define REGULARS_LIBS_BASE_BASE32_H_

#include <optional>
#include <string>
#include <string_view>

namespace regulars {

[[nodiscard]] std::string Base32Encode(std::string_view bytes);

// Strict: only the 32 lower-case characters, only lengths that an encoding can have, and zero
// padding bits; so every id has one spelling. nullopt otherwise.
[[nodiscard]] std::optional<std::string> Base32Decode(std::string_view text);

}  // namespace regulars

#endif  // REGULARS_LIBS_BASE_BASE32_H_
