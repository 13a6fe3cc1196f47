// Identifiers: what is a type and a text, and how an identifier is called on Kafka and in state.
// How values are spelled stands in libs/normalize, how they are hidden in libs/seal.
// Thread-safety: pure functions. Limits: kIdentifier*Max of libs/base/limits.h.
#ifndef REGULARS_LIBS_MODEL_IDENTIFIER_H_
#define REGULARS_LIBS_MODEL_IDENTIFIER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace regulars::model {

inline constexpr size_t kIdentifierHmacBytes = 32;
inline constexpr size_t kIdentifierKeyBytes = 28;  // "i_" + 26 characters

// True for UTF-8 (RFC 3629: no surrogates, no overlong forms) without control characters (C0, DEL,
// C1).
bool IsPlainText(std::string_view text);
// True for well-formed UTF-8, control characters allowed.
bool IsUtf8(std::string_view text);

// 1..kIdentifierTypeMax of [a-z0-9_].
bool IsIdentifierType(std::string_view type);

// "i_" and the first 128 bits of the HMAC in base 32. `hmac` must be kIdentifierHmacBytes long.
std::string IdentifierKey(std::string_view hmac);

}  // namespace regulars::model

#endif  // REGULARS_LIBS_MODEL_IDENTIFIER_H_
