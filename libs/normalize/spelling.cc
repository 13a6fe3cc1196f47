#include "libs/normalize/spelling.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <optional>

#include "libs/base/assert.h"
#include "libs/model/identifier.h"

namespace regulars::normalize {
namespace {

// Characters that no reader sees and that copying from chats and address books leaves behind.
bool IsInvisible(UChar32 c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xE0000 && c <= 0xE007F);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 128; });
}

// nullopt: holds a line or paragraph separator.
std::optional<std::string> WithoutInvisible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    const int32_t start = at;
    UChar32 c = 0;
    U8_NEXT(bytes, at, size, c);
    if (c == 0x2028 || c == 0x2029) return std::nullopt;
    if (!IsInvisible(c))
      out.append(text.substr(static_cast<size_t>(start), static_cast<size_t>(at - start)));
  }
  return out;
}

std::string Nfkc(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* const nfkc = icu::Normalizer2::getNFKCInstance(status);
  REGULARS_ASSERT(U_SUCCESS(status), "no NFKC data");
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfkc->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                      nullptr, status);
  REGULARS_ASSERT(U_SUCCESS(status), "NFKC failed");
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

constexpr std::string_view kMasks[] = {"*", "•", "●", "×", "█"};

constexpr std::string_view kPlaceholders[] = {
    "-1",      "#n/a", "anon",     "anonymous", "default", "empty",         "guest", "n/a",
    "na",      "nan",  "nil",      "none",      "null",    "object object", "test",  "undefined",
    "unknown", "匿名", "匿名用户", "无",        "暂无",    "未知",          "测试",  "空"};

// What stands around "null" where a program printed it.
constexpr std::string_view kBrackets = "()[]<>{}\"'";

std::string_view WithoutBrackets(std::string_view text) {
  const size_t first = text.find_first_not_of(kBrackets);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBrackets) - first + 1);
}

}  // namespace

Spelling Spell(std::string_view value, std::size_t max) {
  if (value.size() > max) return {SpellingFault::kTooLong, ""};
  if (!model::IsPlainText(value)) return {SpellingFault::kNotText, ""};
  Spelling out;
  if (IsAscii(value)) {
    out.text = Trim(value);
  } else {
    const std::optional<std::string> visible = WithoutInvisible(value);
    if (!visible.has_value()) return {SpellingFault::kNotText, ""};
    out.text = Trim(Nfkc(*visible));
  }
  if (out.text.empty()) return {SpellingFault::kEmpty, ""};
  if (out.text.size() > max) return {SpellingFault::kTooLong, ""};
  return out;
}

std::string SpellObject(std::string_view id, std::size_t max) {
  Spelling spelling = Spell(id, max);
  return spelling.fault == SpellingFault::kNone ? std::move(spelling.text) : std::string(id);
}

bool IsMasked(std::string_view spelled) {
  return std::any_of(std::begin(kMasks), std::end(kMasks), [&](std::string_view mask) {
    const size_t at = spelled.find(mask);
    for (size_t i = at; i != std::string_view::npos; i = spelled.find(mask, i + mask.size())) {
      if (spelled.substr(i + mask.size(), mask.size()) == mask) return true;
    }
    return false;
  });
}

bool IsPlaceholder(std::string_view spelled) {
  if (spelled.find_first_not_of("0-") == std::string_view::npos) return true;
  std::string word(WithoutBrackets(spelled));
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word.empty() || std::find(std::begin(kPlaceholders), std::end(kPlaceholders), word) !=
                             std::end(kPlaceholders);
}

}  // namespace regulars::normalize
