#include "libs/service/read_decision.h"

#include <algorithm>

#include "libs/base/base32.h"
#include "libs/base/status.h"

namespace regulars::service {

ReadStep DecideRead(const redis::ViewRead& read,
                    const std::optional<runtime::v1::PositionToken>& token, Micros now,
                    Micros wait_until) {
  if (!read.meta.has_value() || !read.meta->whole) return ReadStep::kAbsent;
  if (token.has_value()) {
    if (token->log_id() != read.meta->log_id) return ReadStep::kOtherView;
    if (read.meta->applied < token->sequence()) {
      return now < wait_until ? ReadStep::kWait : ReadStep::kBehind;
    }
  }
  const bool complete = std::all_of(read.values.begin(), read.values.end(),
                                    [](const auto& value) { return value.has_value(); });
  return complete ? ReadStep::kAnswer : ReadStep::kMissing;
}

absl::StatusOr<std::optional<runtime::v1::PositionToken>> ParsePositionToken(std::string_view text,
                                                                             int32_t shard) {
  if (text.empty()) return std::nullopt;
  runtime::v1::PositionToken token;
  const std::optional<std::string> bytes =
      text.size() > kPositionTokenBytesMax ? std::nullopt : Base32Decode(text);
  if (!bytes.has_value() || !token.ParseFromString(*bytes) || token.log_id().empty() ||
      token.shard() != shard || token.sequence() <= 0) {
    return DomainError(absl::StatusCode::kInvalidArgument, "POSITION_TOKEN_INVALID",
                       "no write to this member answered with such a position_token");
  }
  return token;
}

bool Reached(const runtime::v1::PositionToken& position,
             const std::optional<runtime::v1::PositionToken>& token) {
  return !token.has_value() || position.log_id() != token->log_id() ||
         position.sequence() >= token->sequence();
}

}  // namespace regulars::service
