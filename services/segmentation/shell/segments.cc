#include "services/segmentation/shell/segments.h"

#include <algorithm>
#include <string_view>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::segmentation {

absl::StatusOr<v1::ListSegmentsResponse> ListSegments(const v1::ListSegmentsRequest& request,
                                                      const std::string& pool, const Rules& rules,
                                                      const Sums& sums) {
  if (request.page_size() < 0) {
    return DomainError(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID",
                       "a negative page_size");
  }
  const std::string_view after = request.page_token();
  if (!after.empty() && after != kLapsed && after != kRepeatBuyer) {
    return DomainError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                       "the page_token is not of an earlier page");
  }
  const int32_t page_size = request.page_size() == 0
                                ? limits::kPageSizeDefault
                                : std::min(request.page_size(), limits::kPageSizeMax);
  const auto sum = [&](std::string_view segment, std::string_view what) {
    const auto found = sums.find(Cat("segment/", segment, "/", what));
    return found == sums.end() ? 0 : found->second;
  };
  v1::ListSegmentsResponse response;
  for (const std::string_view name : {kLapsed, kRepeatBuyer}) {
    if (name <= after) continue;
    if (response.segments_size() == page_size) {
      const std::string& last = response.segments(page_size - 1).name();
      response.set_next_page_token(last.substr(last.rfind('/') + 1));
      break;
    }
    v1::Segment* segment = response.add_segments();
    segment->set_name(Cat("pools/", pool, "/segments/", name));
    segment->set_member_count(sum(name, "members"));
    segment->set_entry_count(sum(name, "entries"));
    segment->set_rule(RuleText(rules, name));
  }
  return response;
}

}  // namespace regulars::segmentation
