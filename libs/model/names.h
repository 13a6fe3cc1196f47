// Names of the domain: strong ids and resource names (AIP-122).
//
//   pools/{pool}/members/{member}/balances/{program}/entries/{entry}
//
// Pure: no clock, no I/O. Thread-safety: plain values and functions.
// Errors: INVALID_ARGUMENT with reason NAME_MALFORMED and metadata `pattern`.
// Limits: libs/base/limits.h; one segment id is 1..kResourceIdMax bytes unless the pattern's reader
// asks for more (business ids: kOperationIdMax, of visible ASCII without '/').
#ifndef REGULARS_LIBS_MODEL_NAMES_H_
#define REGULARS_LIBS_MODEL_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/strong_id.h"

namespace regulars::model {

using PoolName = StrongId<struct PoolNameTag>;  // [a-z0-9-], no dash at the ends
using MemberId = StrongId<struct MemberIdTag>;  // m_ + Crockford base 32
using ShopId = StrongId<struct ShopIdTag>;
using BrandId = StrongId<struct BrandIdTag>;
using ProgramId = StrongId<struct ProgramIdTag>;
using SegmentId = StrongId<struct SegmentIdTag>;
using CampaignId = StrongId<struct CampaignIdTag>;
using FragmentId = StrongId<struct FragmentIdTag>;

[[nodiscard]] bool IsValidPoolName(std::string_view text);
[[nodiscard]] bool IsValidMemberId(std::string_view text);
// Ids that operators choose (program, segment, campaign, shop): [a-z0-9_-], 1..63 bytes, begins
// with a letter or digit.
[[nodiscard]] bool IsValidResourceId(std::string_view text);
// Business ids that callers choose (redemption, order): visible ASCII without '/', 1..256 bytes.
[[nodiscard]] bool IsValidOperationId(std::string_view text);

// "m_" and base 32 of the 16 first bytes of `seed` (which must have 16 at least): the caller
// derives the seed from the input, so that a replay mints the same id.
[[nodiscard]] MemberId MintMemberId(std::string_view seed);

// Matches `name` against a pattern such as "pools/{pool}/members/{member}" and returns the variable
// segments in order. Every variable is checked by its name: pool -> IsValidPoolName, member ->
// IsValidMemberId, program/segment/campaign/shop/brand -> IsValidResourceId, others ->
// IsValidOperationId.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> ParseName(std::string_view name,
                                                                 std::string_view pattern);

// The inverse. Asserts that the number of ids is that of the variables.
[[nodiscard]] std::string FormatName(std::string_view pattern, const std::vector<std::string>& ids);

// The pool of any resource name or parent ("pools/x", "pools/x/members/y/..."); the rest is not
// looked at. For authentication, which comes before parsing.
[[nodiscard]] absl::StatusOr<PoolName> PoolOfName(std::string_view name);

struct MemberName {
  PoolName pool;
  MemberId member;
  friend bool operator==(const MemberName&, const MemberName&) = default;
};
[[nodiscard]] absl::StatusOr<MemberName> ParseMemberName(std::string_view name);
[[nodiscard]] std::string FormatMemberName(const MemberName& name);

}  // namespace regulars::model

#endif  // REGULARS_LIBS_MODEL_NAMES_H_
