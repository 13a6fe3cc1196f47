#include "libs/normalize/phone.h"

#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "libs/base/text.h"
#include "libs/normalize/spelling.h"

namespace regulars::normalize {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

constexpr size_t kDigitsMax = 20;
constexpr size_t kExtensionMax = 8;
// Platforms' ciphertexts are longer (JD: 70), written numbers are shorter.
constexpr size_t kCiphertextMin = 24;
constexpr int kChina = 86;
constexpr std::string_view kRelayPrefix = "950";  // no area code is 950
constexpr size_t kRelayMax = 15;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What was read of a text that looks like a phone number.
struct Written {
  bool plus = false;
  std::string digits;
  std::string extension;
  // Digits before the last dash, 0 if there is none: "021-61234567-8001" may end in an extension.
  size_t dash_at = 0;
};

// In front of an extension; longer ones first.
constexpr std::string_view kExtensionMarks[] = {
    ";ext=", "转分机", "分机", "ext", "Ext", "EXT", "转", "轉", ",", ";", "#", "x", "X", "["};
constexpr std::string_view kDashes[] = {"-", "‐", "‑", "‒", "–", "—", "―", "−"};
constexpr std::string_view kPunctuation[] = {" ", ".", "(", ")", "/"};

template <size_t kSize>
size_t StartsWithOneOf(std::string_view text, const std::string_view (&marks)[kSize]) {
  for (const std::string_view mark : marks) {
    if (text.substr(0, mark.size()) == mark) return mark.size();
  }
  return 0;
}

bool ReadExtension(std::string_view text, Written* out) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '.' || text.front() == ':')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsDigit(text.front())) {
    out->extension.push_back(text.front());
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.front() == ' ' || text.front() == ']' || text.front() == '#')) {
    text.remove_prefix(1);
  }
  return text.empty() && !out->extension.empty() && out->extension.size() <= kExtensionMax;
}

// nullopt: holds something that no phone number holds.
std::optional<Written> Read(std::string_view text) {
  Written out;
  while (!text.empty()) {
    size_t used = 1;
    if (IsDigit(text.front())) {
      out.digits.push_back(text.front());
    } else if (text.front() == '+' && out.digits.empty() && !out.plus) {
      out.plus = true;
    } else if ((used = StartsWithOneOf(text, kDashes)) > 0) {
      out.dash_at = out.digits.size();
    } else if ((used = StartsWithOneOf(text, kPunctuation)) == 0) {
      used = StartsWithOneOf(text, kExtensionMarks);
      if (used == 0 || out.digits.empty() || !ReadExtension(text.substr(used), &out)) {
        return std::nullopt;
      }
      return out.digits.size() <= kDigitsMax ? std::optional(out) : std::nullopt;
    }
    text.remove_prefix(used);
  }
  if (out.digits.empty() || out.digits.size() > kDigitsMax) return std::nullopt;
  return out;
}

bool IsPhoneMasked(std::string_view text) {
  if (IsMasked(text) || text.find('*') != std::string_view::npos) return true;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == text[i + 1] && std::string_view("xX#_?").find(text[i]) != std::string_view::npos)
      return true;
  }
  return false;
}

Outcome WhyUnreadable(std::string_view text) {
  const bool letters = std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (text.size() >= kCiphertextMin && letters && text.find(' ') == std::string_view::npos) {
    return Outcome::kCiphertext;
  }
  return IsPhoneMasked(text) ? Outcome::kMasked : Outcome::kMalformed;
}

// 4 or more equal digits, or a count from 1 on.
bool IsPlaceholderDigits(std::string_view digits) {
  constexpr std::string_view kCount = "1234567890123";
  if (digits.size() < 4) return false;
  return digits.find_first_not_of(digits.front()) == std::string_view::npos ||
         (digits.size() >= 5 && kCount.substr(0, digits.size()) == digits);
}

bool IsChineseMobile(const PhoneNumber& number) {
  const std::string national = std::to_string(number.national_number());
  return number.country_code() == kChina && !number.italian_leading_zero() &&
         national.size() == 11 && national[0] == '1' && national[1] >= '3' &&
         national.substr(0, 3) != "179";  // 179..: carrier prefixes
}

// 13800138000 is the carrier's own, and in every form's example.
bool IsPlaceholderMobile(const PhoneNumber& number) {
  const std::string national = std::to_string(number.national_number());
  const std::string_view tail =
      std::string_view(national).substr(std::min(national.size(), size_t{3}));
  return IsChineseMobile(number) &&
         (national == "13800138000" || tail == "12345678" ||
          tail.find_first_not_of(tail.front()) == std::string_view::npos);
}

// The national part, if the number can only be Chinese; "" otherwise.
std::string_view ChineseDigits(const Written& written, const std::string& region) {
  const std::string_view digits = written.digits;
  if (written.plus) return digits.substr(0, 2) == "86" ? digits.substr(2) : std::string_view();
  if (region != "CN") return {};
  if (digits.substr(0, 4) == "0086") return digits.substr(4);
  if (digits.substr(0, 2) == "86" && digits.size() > 12) return digits.substr(2);
  return digits;
}

std::string WithExtension(std::string number, const std::string& extension) {
  return extension.empty() ? number : Cat(number, ";ext=", extension);
}

// Numbers that libphonenumber does not know as such: relays 950xx, hotlines of up to 6 digits.
std::optional<Normalized> ChineseSpecial(const Written& written, const std::string& region) {
  const std::string_view digits = ChineseDigits(written, region);
  const auto answer = [&](Outcome outcome) {
    return Normalized{outcome, WithExtension(Cat("+86", digits), written.extension)};
  };
  if (digits.substr(0, kRelayPrefix.size()) == kRelayPrefix && digits.size() >= 8 &&
      digits.size() <= kRelayMax)
    return answer(Outcome::kRelayNumber);
  const bool hotline =
      digits.size() >= 3 && digits.size() <= 6 &&
      (digits.front() == '1' || digits.substr(0, 2) == "95" || digits.substr(0, 2) == "96");
  if (hotline) return answer(Outcome::kServiceNumber);
  return std::nullopt;
}

std::optional<PhoneNumber> Parse(bool plus, std::string_view digits, const std::string& region) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  PhoneNumber number;
  if (util.Parse(Cat(plus ? "+" : "", digits), region, &number) !=
      PhoneNumberUtil::NO_PARSING_ERROR)
    return std::nullopt;
  if (!util.IsValidNumber(number) && !IsChineseMobile(number)) return std::nullopt;
  return number;
}

bool MayEndInExtension(const Written& written) {
  const size_t tail = written.digits.size() - written.dash_at;
  return written.extension.empty() && written.dash_at > 0 && tail >= 1 && tail <= kExtensionMax;
}

// E.164, if that reads as the same number again: of foreign plans not every one does.
std::optional<std::string> Format(const PhoneNumber& number, const std::string& region) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  std::string text;
  util.Format(number, PhoneNumberUtil::E164, &text);
  if (IsChineseMobile(number)) return text;  // always, and most are
  const std::optional<PhoneNumber> again = Parse(true, std::string_view(text).substr(1), region);
  if (!again.has_value()) return std::nullopt;
  std::string text_again;
  util.Format(*again, PhoneNumberUtil::E164, &text_again);
  return text == text_again ? std::optional(std::move(text)) : std::nullopt;
}

Outcome OutcomeOf(const PhoneNumber& number, bool extended) {
  if (IsPlaceholderMobile(number)) return Outcome::kPlaceholder;
  const std::string national = std::to_string(number.national_number());
  if (number.country_code() == kChina && national.substr(0, kRelayPrefix.size()) == kRelayPrefix) {
    return Outcome::kRelayNumber;
  }
  switch (PhoneNumberUtil::GetInstance()->GetNumberType(number)) {
    case PhoneNumberUtil::TOLL_FREE:
    case PhoneNumberUtil::PREMIUM_RATE:
    case PhoneNumberUtil::SHARED_COST:
    case PhoneNumberUtil::UAN:
    case PhoneNumberUtil::VOICEMAIL:
    case PhoneNumberUtil::PAGER:
      return Outcome::kServiceNumber;
    case PhoneNumberUtil::MOBILE:
      return extended ? Outcome::kRelayNumber : Outcome::kNormal;
    default:
      return extended && IsChineseMobile(number) ? Outcome::kRelayNumber : Outcome::kNormal;
  }
}

}  // namespace

Normalized NormalizePhone(std::string_view spelled, const std::string& default_region) {
  std::optional<Written> written = Read(spelled);
  if (!written.has_value()) return {WhyUnreadable(spelled), ""};
  if (IsPlaceholderDigits(written->digits)) {
    return {Outcome::kPlaceholder, Cat(written->plus ? "+" : "", written->digits)};
  }
  std::optional<PhoneNumber> number = Parse(written->plus, written->digits, default_region);
  if (!number.has_value() && MayEndInExtension(*written)) {
    const std::string base = written->digits.substr(0, written->dash_at);
    number = Parse(written->plus, base, default_region);
    if (number.has_value()) {
      written->extension = written->digits.substr(written->dash_at);
      written->digits = base;
    }
  }
  if (const auto special = ChineseSpecial(*written, default_region)) return *special;
  if (!number.has_value()) return {Outcome::kMalformed, ""};
  std::optional<std::string> e164 = Format(*number, default_region);
  if (!e164.has_value()) return {Outcome::kMalformed, ""};
  return {OutcomeOf(*number, !written->extension.empty()),
          WithExtension(*std::move(e164), written->extension)};
}

bool IsPhoneRegion(const std::string& region) {
  std::set<std::string> known;
  PhoneNumberUtil::GetInstance()->GetSupportedRegions(&known);
  return known.contains(region);
}

}  // namespace regulars::normalize
