#include "libs/normalize/email.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>

#include <algorithm>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/normalize/spelling.h"

namespace regulars::normalize {
namespace {

constexpr size_t kLocalMax = 64;     // RFC 5321 §4.5.3.1.1
constexpr size_t kAddressMax = 254;  // RFC 3696, erratum 1690
constexpr size_t kDomainMax = 253;
constexpr size_t kLabelMax = 63;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 128; });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLowerLetter(char c) { return c >= 'a' && c <= 'z'; }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

const icu::IDNA& Idna() {
  static const icu::IDNA* const idna = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::IDNA* made =
        icu::IDNA::createUTS46Instance(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI |
                                           UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII,
                                       status);
    REGULARS_ASSERT(U_SUCCESS(status), "no IDNA data");
    return made;
  }();
  return *idna;
}

std::optional<std::string> ToAscii(std::string_view domain) {
  UErrorCode status = U_ZERO_ERROR;
  icu::IDNAInfo info;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  Idna().nameToASCII_UTF8(icu::StringPiece(domain.data(), static_cast<int32_t>(domain.size())),
                          sink, info, status);
  if (U_FAILURE(status) || info.hasErrors()) return std::nullopt;
  return out;
}

bool IsLabel(std::string_view label) {
  return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
         label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
           return IsLowerLetter(c) || IsDigit(c) || c == '-';
         });
}

// Two or more labels; the last one is no number (an address, not a name).
bool IsDomain(std::string_view domain) {
  size_t labels = 0;
  std::string_view last;
  for (size_t start = 0; start <= domain.size();) {
    const size_t end = std::min(domain.find('.', start), domain.size());
    last = domain.substr(start, end - start);
    if (!IsLabel(last)) return false;
    ++labels;
    start = end + 1;
  }
  return labels >= 2 && domain.size() <= kDomainMax &&
         !std::all_of(last.begin(), last.end(), IsDigit);
}

// RFC 5322 atext and dots, none of them outside or twice; bytes beyond ASCII as in RFC 6531.
bool IsLocal(std::string_view local) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.";
  return !local.empty() && local.size() <= kLocalMax && local.front() != '.' &&
         local.back() != '.' && local.find("..") == std::string_view::npos &&
         std::all_of(local.begin(), local.end(), [&](char c) {
           return static_cast<uint8_t>(c) >= 128 || IsLowerLetter(c) || IsDigit(c) ||
                  kMarks.find(c) != std::string_view::npos;
         });
}

// Mailboxes that nobody reads, and what forms are filled with.
bool NamesNobody(std::string_view local, std::string_view domain) {
  constexpr std::string_view kLocals[] = {
      "anonymous", "do-not-reply", "donotreply", "mailer-daemon", "no-reply",  "no_reply",
      "none",      "noreply",      "null",       "test",          "undefined", "unknown"};
  return domain == "test.com" ||
         std::find(std::begin(kLocals), std::end(kLocals), local) != std::end(kLocals);
}

}  // namespace

std::optional<std::string> NormalizeDomain(std::string_view domain) {
  std::string out = Lower(domain);
  // Also what is ASCII already must be what it says: "xn--" and no valid encoding behind it is
  // none.
  if (!IsAscii(out) || out.find("xn--") != std::string::npos) {
    std::optional<std::string> ascii = ToAscii(out);
    if (!ascii.has_value()) return std::nullopt;
    out = *std::move(ascii);
  }
  if (!IsDomain(out)) return std::nullopt;
  return out;
}

Normalized NormalizeEmail(std::string_view spelled) {
  if (IsMasked(spelled)) return {Outcome::kMasked, ""};
  const size_t at = spelled.rfind('@');
  if (at == std::string_view::npos) return {Outcome::kMalformed, ""};
  const std::string local = Lower(spelled.substr(0, at));
  const std::optional<std::string> domain = NormalizeDomain(spelled.substr(at + 1));
  if (!domain.has_value() || !IsLocal(local)) return {Outcome::kMalformed, ""};
  std::string address = Cat(local, "@", *domain);
  if (address.size() > kAddressMax) return {Outcome::kMalformed, ""};
  return {NamesNobody(local, *domain) ? Outcome::kPlaceholder : Outcome::kNormal,
          std::move(address)};
}

}  // namespace regulars::normalize
