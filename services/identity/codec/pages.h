// Pages of lists (AIP-158). A token names the list it belongs to and where the next page begins; a
// text that is none of this list's is refused. Thread-safety: pure functions. Errors:
// INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID. Limits: limits::kPageSizeMax,
// limits::kPageTokenMax.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_PAGES_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace regulars::identity {

struct PageAsked {
  size_t size = 0;
  std::string from;  // empty: the first page
};

// `list`: resource name of the list ("pools/tea/members/m_1/merges").
[[nodiscard]] absl::StatusOr<PageAsked> ReadPage(std::string_view list, int32_t page_size,
                                                 std::string_view page_token);
[[nodiscard]] std::string PageToken(std::string_view list, std::string_view from);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_PAGES_H_
