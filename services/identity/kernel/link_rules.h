// The rules under which identifiers join people, per pool. A value of this type is one version of
// them; its tag is written with every edge. Thread-safety: plain values. Units: microseconds.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_LINK_RULES_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_LINK_RULES_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "libs/base/time.h"
#include "regulars/types/v1/identifier.pb.h"

namespace regulars::identity {

inline constexpr size_t kKnownPeersMax = 64;  // per identifier; above it pairs are claimed again
inline constexpr size_t kDenyMax = 16;        // per identifier
inline constexpr size_t kDeferredMax = 64;    // per member; above it messages go round once more
inline constexpr size_t kDeferredBytesMax = 48 * 1024;  // of one message that waits
inline constexpr int64_t kIdentifiersMax = 1000;        // per member: the most a pool may allow
inline constexpr int64_t kMergesMax = 100;              // per member: the most a pool may allow
inline constexpr int64_t kEdgesMax = 2000;              // per member
inline constexpr int64_t kDoNotLinkMax = 1000;          // pairs per member
inline constexpr size_t kSuppressedMax = 100;           // listed per member
inline constexpr size_t kPartsMax = 32;                 // of one split
inline constexpr size_t kReanchorsPerInput = 128;

// At most `max` identifiers of a type that came within `window_us` (0: ever).
struct TypeLimit {
  std::string type;
  int64_t max = 0;
  Micros window_us = 0;
};

// At most `max` merges of a member within `window_us`; 0: as many as `merges_max` allows.
struct MergeRate {
  int64_t max = 20;
  Micros window_us = kMicrosPerDay;
};

struct LinkRules {
  bool enabled = false;
  std::string version = "1";
  // What is written with every edge: RulesTag of these rules. Empty: nobody computed it.
  std::string tag;
  // One person has at most one value of a unique type in a scope.
  bool unique_is_one = true;
  std::vector<TypeLimit> limits = {{"phone", 5, 365 * kMicrosPerDay},
                                   {"email", 5, 365 * kMicrosPerDay},
                                   {"cookie", 5, 7 * kMicrosPerDay},
                                   {"device", 5, 7 * kMicrosPerDay}};
  int64_t identifiers_max = kIdentifiersMax;
  int64_t merges_max = kMergesMax;
  MergeRate merge_rate;
  // So many stopped links, and an identifier names nobody any more.
  int64_t contested_max = 4;
  // Types whose values are given to somebody else after a silence.
  std::set<std::string, std::less<>> recycled_types = {"phone"};
  Micros recycle_after_us = 90 * kMicrosPerDay;
  // Weakest last: of two ends of equal class the one whose type stands later is the contested one.
  std::vector<std::string> priority = {"card", "customer", "unionid", "omid", "openid",
                                       "ouid", "open_uid", "phone",   "email"};
  // Keys of identifiers that name nobody.
  std::set<std::string, std::less<>> blocked_keys;
  // Services whose word a split waits for.
  std::vector<std::string> awaited_services;
};

// "<version>@<hash>", the hash over everything in the rules that decides about links: 8 hex digits.
// Rules that changed without their version show as two hashes of one version, in every edge, merge
// and suppressed link.
std::string RulesTag(const LinkRules& rules);

// Whether an identifier, as a touch names it, may join people: of a unique class, or of a strong
// one and proved.
[[nodiscard]] inline bool JoinsPeople(const types::v1::Identifier& id) {
  return id.class_() == types::v1::IDENTIFIER_CLASS_UNIQUE ||
         (id.class_() == types::v1::IDENTIFIER_CLASS_STRONG && id.verified());
}

[[nodiscard]] inline bool IsWeak(const types::v1::Identifier& id) {
  return id.class_() == types::v1::IDENTIFIER_CLASS_WEAK;
}

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_LINK_RULES_H_
