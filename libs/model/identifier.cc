#include "libs/model/identifier.h"

#include <cstdint>
#include <optional>

#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/limits.h"
#include "libs/base/text.h"

namespace regulars::model {
namespace {

constexpr size_t kKeyHashBytes = 16;

// Reads one code point at `*at` and moves on; nullopt on a byte sequence that is no UTF-8.
std::optional<uint32_t> NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(*at);
  if (first < 0x80) {
    ++*at;
    return first;
  }
  size_t length = 0;
  uint32_t least = 0;
  uint32_t point = 0;
  if ((first & 0xE0) == 0xC0) {
    length = 2, least = 0x80, point = first & 0x1F;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3, least = 0x800, point = first & 0x0F;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4, least = 0x10000, point = first & 0x07;
  } else {
    return std::nullopt;
  }
  if (text.size() - *at < length) return std::nullopt;
  for (size_t i = 1; i < length; ++i) {
    const uint32_t next = byte(*at + i);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    point = (point << 6) | (next & 0x3F);
  }
  if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
    return std::nullopt;
  }
  *at += length;
  return point;
}

bool IsControl(uint32_t point) { return point < 0x20 || (point >= 0x7F && point < 0xA0); }

}  // namespace

bool IsUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (!NextCodePoint(text, &at).has_value()) return false;
  }
  return true;
}

bool IsPlainText(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const std::optional<uint32_t> point = NextCodePoint(text, &at);
    if (!point.has_value() || IsControl(*point)) return false;
  }
  return true;
}

bool IsIdentifierType(std::string_view type) {
  if (type.empty() || type.size() > limits::kIdentifierTypeMax) return false;
  for (const char c : type) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return true;
}

std::string IdentifierKey(std::string_view hmac) {
  REGULARS_ASSERT(hmac.size() == kIdentifierHmacBytes, "identifier HMAC has the wrong length");
  return Cat("i_", Base32Encode(hmac.substr(0, kKeyHashBytes)));
}

}  // namespace regulars::model
