#include "services/identity/codec/pages.h"

#include <algorithm>
#include <optional>

#include "libs/base/base32.h"
#include "libs/base/hash.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::identity {

absl::StatusOr<PageAsked> ReadPage(std::string_view list, int32_t page_size,
                                   std::string_view page_token) {
  if (page_size < 0) {
    return DomainError(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID",
                       "page_size is negative");
  }
  PageAsked page;
  page.size = static_cast<size_t>(page_size == 0 ? limits::kPageSizeDefault
                                                 : std::min(page_size, limits::kPageSizeMax));
  if (page_token.empty()) return page;
  std::optional<std::string> text;
  if (page_token.size() <= limits::kPageTokenMax) text = Base32Decode(page_token);
  const size_t slash = text.has_value() ? text->find('/') : std::string::npos;
  if (slash != std::string::npos) page.from = text->substr(slash + 1);
  if (page.from.empty() || PageToken(list, page.from) != page_token) {
    return DomainError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID",
                       "page_token is not one of this list");
  }
  return page;
}

std::string PageToken(std::string_view list, std::string_view from) {
  return Base32Encode(Cat(Xxh3(Cat(list, "/", from)), "/", from));
}

}  // namespace regulars::identity
