// What to do with what the view said about a read. Pure.
#ifndef REGULARS_LIBS_SERVICE_READ_DECISION_H_
#define REGULARS_LIBS_SERVICE_READ_DECISION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/redis/view.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::service {

inline constexpr std::size_t kPositionTokenBytesMax = 512;

enum class ReadStep : uint8_t {
  kAnswer,     // every value is there, of a whole view that has the write of the token
  kAbsent,     // ask the owner: no meta, or a view that is being written anew
  kOtherView,  // ask the owner: the view is of another log than the token
  kMissing,    // ask the owner: a key is not in the view (never written, expired or evicted)
  kBehind,     // ask the owner: the view did not reach the token in time
  kWait,       // the view has not reached the token yet: look again
};

// `wait_until` is on the clock of `now`.
[[nodiscard]] ReadStep DecideRead(const redis::ViewRead& read,
                                  const std::optional<runtime::v1::PositionToken>& token,
                                  Micros now, Micros wait_until);

// What the text that a write answered means; "" = none. INVALID_ARGUMENT POSITION_TOKEN_INVALID for
// a text that no write of this shard can have answered.
[[nodiscard]] absl::StatusOr<std::optional<runtime::v1::PositionToken>> ParsePositionToken(
    std::string_view text, int32_t shard);

// False: an owner at `position` lacks the write of `token`, so it is an owner no longer.
[[nodiscard]] bool Reached(const runtime::v1::PositionToken& position,
                           const std::optional<runtime::v1::PositionToken>& token);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_READ_DECISION_H_
