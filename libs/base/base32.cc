#include "libs/base/base32.h"

#include <array>
#include <cstdint>

namespace regulars {
namespace {
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";

constexpr uint8_t kNoDigit = 0xff;
constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 32; ++i) digits[static_cast<unsigned char>(kAlphabet[i])] = i;
  return digits;
}();
}  // namespace

std::string Base32Encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t held = 0;
  uint32_t bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out.push_back(kAlphabet[(held >> bits) & 31U]);
    }
    held &= (1U << bits) - 1;
  }
  if (bits > 0) out.push_back(kAlphabet[(held << (5 - bits)) & 31U]);
  return out;
}

std::optional<std::string> Base32Decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 5 / 8);
  uint32_t held = 0;
  uint32_t bits = 0;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    held = (held << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((held >> bits) & 0xffU));
      held &= (1U << bits) - 1;
    }
  }
  if (bits >= 5 || held != 0) return std::nullopt;
  return out;
}

}  // namespace regulars
