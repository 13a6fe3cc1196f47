// Mail addresses. The domain is in lower case and, if it is international, in its ASCII form (UTS
// 46, IDNA 2008). Letters A-Z of the part in front of the @ become lower case, too: RFC 5321 lets a
// server tell them apart, but none that people have addresses at does, and forms write them as they
// like. Dots and "+shop" stay as they are: at many servers they name another mailbox, and what a
// server ignores is evidence for matching, no proof.
//
// Taken is a dot-atom of RFC 5322, also with letters beyond ASCII (RFC 6531): no quotes, no
// comments, no display name, no address literal; at most 64 bytes before the @ and 254 in all.
// Thread-safety: pure functions.
#ifndef REGULARS_LIBS_NORMALIZE_EMAIL_H_
#define REGULARS_LIBS_NORMALIZE_EMAIL_H_

#include <optional>
#include <string>
#include <string_view>

#include "libs/normalize/normalize.h"

namespace regulars::normalize {

// `spelled` is not empty (spelling.h). Outcomes: kNormal, kPlaceholder, kMasked, kMalformed.
Normalized NormalizeEmail(std::string_view spelled);

// Lower case, ASCII; nullopt: no domain of the internet ("localhost", "1.2.3.4").
std::optional<std::string> NormalizeDomain(std::string_view domain);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_EMAIL_H_
