// One spelling per identifier, and which values name nobody. What ingest hides under an HMAC and
// what identity looks up must agree byte for byte, so the rules stand here once:
//
//   Normalize(type, scope, value)       one spelling
//   Pepper::Hmac(type, scope, value)    libs/seal; no clear value after this
//   model::IdentifierKey(hmac)          record key, entity, state key
//
// Every type: formatting characters (zero-width, right-to-left marks) are removed, full-width
// letters and digits become plain ones (Unicode NFKC), spaces at both ends are cut off; control
// characters and line breaks are refused. Then by type:
//   phone, virtual_phone  E.164 (libphonenumber, Options::default_region); phone.h
//   email                 domain in lower case and ASCII (UTS 46); email.h
//   ids of platforms      alphabet, length and scope of the type, case kept; shape.h
//   any other             nothing more
//
// Normal values are fixed points: Normalize of a value that it gave out gives the same.
// Thread-safety: pure function of its arguments; Options are read by all threads. Limits:
// limits::kIdentifierValueMax bytes before and after. Cost: an ASCII id is copied once, a phone
// takes microseconds.
#ifndef REGULARS_LIBS_NORMALIZE_NORMALIZE_H_
#define REGULARS_LIBS_NORMALIZE_NORMALIZE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libs/normalize/shape.h"

namespace regulars::normalize {

// In order of precedence within each group.
enum class Outcome : uint8_t {
  kNormal,
  // Names nobody, or not one person: ingest drops the identifier and counts it. The touch goes on.
  kPlaceholder,    // "0000", "null", "test", 13800138000
  kMasked,         // 138****8000
  kCiphertext,     // a platform's encrypted phone: another text per order
  kRelayNumber,    // 18877771111-123, 95013...: expires, and goes to somebody else later
  kServiceNumber,  // 400, 800, 95588: a company's
  kPoolBlocked,    // on the pool's own list
  // No value of this type looks so: the input is refused.
  kNotText,       // not UTF-8, or with control characters
  kTooLong,       // above limits::kIdentifierValueMax
  kEmpty,         // nothing is left
  kScopeMissing,  // the type is unique only within a scope
  kMalformed,     // alphabet, length, no such phone number, no mail address
};
inline constexpr int kOutcomes = 12;

// Metric label: "RELAY_NUMBER".
std::string_view OutcomeText(Outcome outcome);
bool IsBlocked(Outcome outcome);
bool IsRefused(Outcome outcome);

// Of one pool. Types that are absent have the default shape of shape.h.
struct Options {
  std::string default_region = "CN";  // of phones without country code; ISO 3166-1
  std::map<std::string, Shape, std::less<>> shapes;
  // Normal values by type, "*" = of every type; of `email` also "@domain". section.h reads them.
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> blocked;
};

struct Normalized {
  Outcome outcome = Outcome::kMalformed;
  // Empty where the value has no spelling: refused, masked, ciphertext. The values that are blocked
  // for another reason have one, so that what was recorded under it before can still be looked up.
  std::string value;
};

Normalized Normalize(std::string_view type, std::string_view scope, std::string_view value,
                     const Options& options);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_NORMALIZE_H_
