// What the front needs to know of a request before it goes to the owner. Pure.
#ifndef REGULARS_SERVICES_POINTS_SHELL_REQUESTS_H_
#define REGULARS_SERVICES_POINTS_SHELL_REQUESTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace regulars::points {

// The member of a balance's or redemption's name. INVALID_ARGUMENT NAME_MALFORMED.
[[nodiscard]] absl::StatusOr<std::string> MemberOfBalance(std::string_view name);
[[nodiscard]] absl::StatusOr<std::string> MemberOfRedemption(std::string_view name);

// Empty, or a UUID as AIP-155 wants it (8-4-4-4-12 hex digits). INVALID_ARGUMENT
// REQUEST_ID_INVALID.
[[nodiscard]] absl::Status CheckRequestId(std::string_view request_id);

// Sums of a shard, as the runtime keeps them: (pool, name) -> value.
using ShardSums = std::map<std::pair<std::string, std::string>, int64_t>;

// Points by which the programs' books do not balance, summed over pools and programs without sign:
// issued + moved_in - outstanding - redeemed - expired - reversed - moved_out. Must be 0.
[[nodiscard]] int64_t LedgerImbalance(const ShardSums& sums);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_SHELL_REQUESTS_H_
