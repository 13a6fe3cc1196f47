#include "services/identity/match/text.h"

#include <algorithm>
#include <array>

namespace regulars::identity::match {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kFullWidthFirst = 0xFF01, kFullWidthLast = 0xFF5E, kFullWidthOffset = 0xFEE0;
constexpr char32_t kIdeographicSpace = 0x3000;

constexpr std::array<Letters, 20> kCompoundSurnames = {
    U"欧阳", U"司马", U"上官", U"诸葛", U"东方", U"皇甫", U"尉迟", U"公孙", U"慕容", U"令狐",
    U"司徒", U"夏侯", U"端木", U"南宫", U"长孙", U"宇文", U"轩辕", U"独孤", U"歐陽", U"諸葛"};

// The code point at the head of `rest`, which it shortens. Overlong forms, surrogates and values
// above U+10FFFF are no UTF-8: one byte is taken and stands as U+FFFD.
char32_t Next(std::string_view* rest) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*rest)[i]); };
  const uint8_t lead = byte(0);
  size_t size = 1;
  char32_t letter = lead;
  char32_t least = 0;
  if (lead >= 0xF0 && lead < 0xF8) {
    size = 4, letter = lead & 0x07, least = 0x10000;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    size = 3, letter = lead & 0x0F, least = 0x800;
  } else if (lead >= 0xC0 && lead < 0xE0) {
    size = 2, letter = lead & 0x1F, least = 0x80;
  } else if (lead >= 0x80) {
    letter = kReplacement;
  }
  bool sound = size <= rest->size();
  for (size_t i = 1; sound && i < size; ++i) {
    sound = (byte(i) & 0xC0) == 0x80;
    letter = letter << 6 | (byte(i) & 0x3F);
  }
  if (sound && size > 1) {
    const bool surrogate = letter >= 0xD800 && letter < 0xE000;
    sound = letter >= least && !surrogate && letter <= 0x10FFFF;
  }
  rest->remove_prefix(sound ? size : 1);
  return sound ? letter : kReplacement;
}

char32_t Plain(char32_t letter) {
  if (letter >= kFullWidthFirst && letter <= kFullWidthLast) letter -= kFullWidthOffset;
  if (letter == kIdeographicSpace) return U' ';
  const bool latin1 = letter >= 0xC0 && letter <= 0xDE && letter != 0xD7;
  const bool greek = letter >= 0x391 && letter <= 0x3A9;
  const bool cyrillic = letter >= 0x410 && letter <= 0x42F;
  if ((letter >= U'A' && letter <= U'Z') || latin1 || greek || cyrillic) return letter + 32;
  return letter;
}

bool IsLetter(char32_t letter) {
  if (letter < 0x80) {
    return (letter >= U'a' && letter <= U'z') || (letter >= U'0' && letter <= U'9');
  }
  const bool control_or_sign = letter < 0xC0 && letter != 0xAA && letter != 0xB5 && letter != 0xBA;
  const bool general_punctuation = letter >= 0x2000 && letter <= 0x206F;
  const bool cjk_punctuation = letter > kIdeographicSpace && letter <= 0x3004;
  const bool cjk_brackets = letter >= 0x3008 && letter <= 0x303F;
  return !control_or_sign && !general_punctuation && !cjk_punctuation && !cjk_brackets &&
         letter != 0x30FB && letter != 0xFEFF && letter != 0xD7 && letter != 0xF7;
}

}  // namespace

Folded Fold(std::string_view utf8) {
  Folded out;
  bool gap = false;
  while (!utf8.empty()) {
    const char32_t letter = Plain(Next(&utf8));
    if (!IsLetter(letter)) {
      gap = true;
      continue;
    }
    if (out.letters.size() == kLettersMax) return {.letters = {}, .gaps = 0, .too_long = true};
    if (gap && !out.letters.empty()) out.gaps |= uint64_t{1} << out.letters.size();
    gap = false;
    out.letters.push_back(letter);
  }
  return out;
}

bool IsHan(char32_t letter) {
  return (letter >= 0x4E00 && letter <= 0x9FFF) || (letter >= 0x3400 && letter <= 0x4DBF) ||
         (letter >= 0x20000 && letter <= 0x323AF) || (letter >= 0xF900 && letter <= 0xFAFF);
}

bool HasHan(Letters letters) { return std::any_of(letters.begin(), letters.end(), IsHan); }

HanName SplitHanName(std::string_view utf8) {
  const Folded name = Fold(utf8);
  const Letters letters = name.letters;
  if (letters.size() < 2 || !IsHan(letters[0])) return {"", ToUtf8(letters)};
  size_t surname = 1;
  for (const Letters compound : kCompoundSurnames) {
    if (letters.size() > compound.size() && letters.starts_with(compound))
      surname = compound.size();
  }
  return {ToUtf8(letters.substr(0, surname)), ToUtf8(letters.substr(surname))};
}

std::string ToUtf8(Letters letters) {
  std::string out;
  out.reserve(letters.size());
  const auto tail = [&](char32_t letter, int shift) {
    out.push_back(static_cast<char>(0x80 | (letter >> shift & 0x3F)));
  };
  for (const char32_t letter : letters) {
    if (letter < 0x80) {
      out.push_back(static_cast<char>(letter));
    } else if (letter < 0x800) {
      out.push_back(static_cast<char>(0xC0 | letter >> 6));
      tail(letter, 0);
    } else if (letter < 0x10000) {
      out.push_back(static_cast<char>(0xE0 | letter >> 12));
      tail(letter, 6), tail(letter, 0);
    } else {
      out.push_back(static_cast<char>(0xF0 | letter >> 18));
      tail(letter, 12), tail(letter, 6), tail(letter, 0);
    }
  }
  return out;
}

}  // namespace regulars::identity::match
