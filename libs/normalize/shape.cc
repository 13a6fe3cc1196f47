#include "libs/normalize/shape.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "libs/base/text.h"

namespace regulars::normalize {
namespace {

struct Default {
  std::string_view type;
  Shape shape;
};

constexpr size_t kMax = limits::kIdentifierValueMax;

constexpr Default kDefaults[] = {
    // WeChat: 28 characters per app, 28 or 29 per open-platform account.
    {"openid", {Alphabet::kKey, 28, 28, true}},
    {"unionid", {Alphabet::kKey, 28, 29, false}},
    // Taobao: the platform promises no length. Per seller, per app key, per brand group.
    {"ouid", {Alphabet::kToken, 1, 64, true}},
    {"open_uid", {Alphabet::kToken, 1, 64, true}},
    {"omid", {Alphabet::kToken, 1, 64, false}},
    // Of a receiver, per seller and app key; base 64.
    {"oaid", {Alphabet::kToken, 16, kMax, true}},
    {"card", {Alphabet::kWord, 1, kMax, false}},
    {"cookie", {Alphabet::kToken, 1, 256, false}},
    {"device", {Alphabet::kToken, 1, 128, false}},
    // Ids of business objects are read by no one but their platform.
    {"order", {Alphabet::kText, 1, 256, false}},
    {"code", {Alphabet::kText, 1, 256, false}},
    {"serial", {Alphabet::kText, 1, 256, false}},
};

bool IsIn(Alphabet alphabet, char c) {
  const bool digit = c >= '0' && c <= '9';
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  switch (alphabet) {
    case Alphabet::kText:
    case Alphabet::kWord:
      return true;
    case Alphabet::kToken:
      return c > ' ' && c < '\x7F';
    case Alphabet::kKey:
      return digit || letter || c == '_' || c == '-';
    case Alphabet::kDigits:
      return digit;
  }
  return false;
}

bool IsDropped(Alphabet alphabet, char c) {
  return (c == ' ' && (alphabet == Alphabet::kWord || alphabet == Alphabet::kDigits)) ||
         (c == '-' && alphabet == Alphabet::kDigits);
}

std::optional<Alphabet> ParseAlphabet(std::string_view text) {
  if (text == "text") return Alphabet::kText;
  if (text == "word") return Alphabet::kWord;
  if (text == "token") return Alphabet::kToken;
  if (text == "key") return Alphabet::kKey;
  if (text == "digits") return Alphabet::kDigits;
  return std::nullopt;
}

}  // namespace

Shape DefaultShape(std::string_view type) {
  for (const Default& row : kDefaults) {
    if (row.type == type) return row.shape;
  }
  return Shape();
}

bool HasOwnGrammar(std::string_view type) {
  return type == "phone" || type == "virtual_phone" || type == "email";
}

std::optional<Shape> ParseShape(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(AbslView(text), ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  const std::optional<Alphabet> alphabet = ParseAlphabet(parts[0]);
  if (!alphabet.has_value()) return std::nullopt;
  Shape shape{.alphabet = *alphabet};
  const size_t dots = parts[1].find("..");
  const std::string least = parts[1].substr(0, dots);
  const std::string most = dots == std::string::npos ? least : parts[1].substr(dots + 2);
  if (!absl::SimpleAtoi(least, &shape.min) || !absl::SimpleAtoi(most, &shape.max) ||
      shape.min < 1 || shape.min > shape.max || shape.max > kMax) {
    return std::nullopt;
  }
  if (parts.size() == 3) {
    if (parts[2] != "scoped") return std::nullopt;
    shape.scoped = true;
  }
  return shape;
}

std::optional<std::string> Fit(const Shape& shape, std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsDropped(shape.alphabet, c)) continue;
    if (!IsIn(shape.alphabet, c)) return std::nullopt;
    out.push_back(c);
  }
  if (out.size() < shape.min || out.size() > shape.max) return std::nullopt;
  return out;
}

}  // namespace regulars::normalize
