// How a pool looks for candidates: `pools[].identity.matching`. Thread-safety: pure but for the
// file it reads; used while starting.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_MATCHING_SECTION_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_MATCHING_SECTION_H_

#include <memory>

#include "libs/config/section.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/match/matcher.h"

namespace regulars::identity {

// identity:
//   linking: true
//   matching:                                     # absent: no candidates
//     parameters_file: /etc/regulars/match.json   # made by `regulars-match estimate`
// nullptr if it is absent or wrong. A problem: without linking, a file that cannot be read or is
// not sound.
[[nodiscard]] std::shared_ptr<const match::Matcher> ReadMatching(config::Section* identity,
                                                                 const LinkRules& links);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_MATCHING_SECTION_H_
