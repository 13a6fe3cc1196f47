// Phone numbers as shops and platforms send them: +86, 0086, 86 or nothing in front, spaces,
// dashes, brackets, a 17951 carrier prefix, area codes with their zero, extensions, and the numbers
// that are none: masked, encrypted, relays of a platform, hotlines.
//
// The spelling is E.164. An extension of a landline is kept in the form of RFC 3966
// ("+862161234567;ext=8001"): two desks of an office are two people. A mobile number has no
// extensions, so one that has is a relay of a platform.
// A number is one that libphonenumber finds valid; of China also every 11 digits from 13 to 19,
// because ranges are handed out faster than libraries are packaged.
// Thread-safety: pure functions.
#ifndef REGULARS_LIBS_NORMALIZE_PHONE_H_
#define REGULARS_LIBS_NORMALIZE_PHONE_H_

#include <string>
#include <string_view>

#include "libs/normalize/normalize.h"

namespace regulars::normalize {

// `spelled` is not empty (spelling.h). Outcomes: kNormal, kPlaceholder, kMasked, kCiphertext,
// kRelayNumber, kServiceNumber, kMalformed.
Normalized NormalizePhone(std::string_view spelled, const std::string& default_region);

// True for the regions that libphonenumber knows ("CN").
bool IsPhoneRegion(const std::string& region);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_PHONE_H_
