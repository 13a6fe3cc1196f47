// Identifiers: how a value is brought to one spelling, what is hashed of it, and how the identifier
// is called on Kafka and in state. Ingest, which writes them, and identity, which looks them up,
// must agree byte for byte, so the rules stand here once.
//
//   NormalizeIdentifier(type, value)    one spelling
//   Pepper::Hmac(type, scope, normal)   libs/seal; no clear value after this
//   IdentifierKey(hmac)                 record key, entity, state key
// Thread-safety: pure functions. Limits: kIdentifier*Max of libs/base/limits.h.
#ifndef REGULARS_LIBS_MODEL_IDENTIFIER_H_
#define REGULARS_LIBS_MODEL_IDENTIFIER_H_

#include <cstddef>
#include <optional>
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

// One spelling of a value. Every type: spaces at both ends are cut off. `email`: ASCII letters in
// lower case. `phone`: spaces, hyphens, dots and parentheses inside are dropped. Ids of platforms
// (openid, card, ...) are case-sensitive and stay as they are. nullopt: empty after that, longer
// than kIdentifierValueMax, or not IsPlainText.
std::optional<std::string> NormalizeIdentifier(std::string_view type, std::string_view value);

// "i_" and the first 128 bits of the HMAC in base 32. `hmac` must be kIdentifierHmacBytes long.
std::string IdentifierKey(std::string_view hmac);

}  // namespace regulars::model

#endif  // REGULARS_LIBS_MODEL_IDENTIFIER_H_
