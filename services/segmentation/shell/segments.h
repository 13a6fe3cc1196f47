// The list of a pool's segments with their sizes, out of the control sums of the shards. Pure.
#ifndef REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTS_H_
#define REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "regulars/segmentation/v1/segmentation_service.pb.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {

using RulesOfPool = std::function<Rules(const std::string& pool)>;
// Control sums of a pool over all shards, by name.
using Sums = std::map<std::string, int64_t>;

// One page, in order of name. The token is the name of the last segment of the page before.
// INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID.
[[nodiscard]] absl::StatusOr<v1::ListSegmentsResponse> ListSegments(
    const v1::ListSegmentsRequest& request, const std::string& pool, const Rules& rules,
    const Sums& sums);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTS_H_
