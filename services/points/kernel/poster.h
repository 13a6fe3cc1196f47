// Writes entries and the events that tell of them. An entry is immutable, numbered without gaps,
// and named for ever by a natural id made of business facts.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_POSTER_H_
#define REGULARS_SERVICES_POINTS_KERNEL_POSTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/message_lite.h"
#include "libs/shard/kernel.h"
#include "regulars/points/v1/points_events.pb.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/kernel/working_set.h"

namespace regulars::points {

// Numbers of EntryKind in points_service.proto (checked where both are visible: the codec).
enum class EntryKind : int32_t {
  kEarned = 1,
  kRedeemed = 2,
  kReversed = 3,
  kRedemptionReversed = 4,
  kExpired = 5,
  kMovedIn = 6,
  kMovedOut = 7,
  kDuplicateAfterMerge = 8,
};

// Lines of merges and splits: their points have a sign, and may be 0.
[[nodiscard]] constexpr bool IsMove(EntryKind kind) {
  return kind == EntryKind::kMovedIn || kind == EntryKind::kMovedOut ||
         kind == EntryKind::kDuplicateAfterMerge;
}

inline constexpr int kLotsInlineMax = 256;  // lots in one entry, redemption or allocation page
inline constexpr std::string_view kEarnRule = "earn_per_amount@1";

// Whose ledger, and the shard's clock for this input.
struct Member {
  std::string_view id;
  int64_t now_us = 0;
};

// What caused a posting: a touch or a command.
struct Origin {
  std::string touch_id;
  std::string request_id;
  std::string fragment_id;
  int64_t effective_us = 0;
};

// Views: they live as long as the posting is made.
struct PostingFacts {
  EntryKind kind = EntryKind::kEarned;
  int64_t points = 0;
  std::string_view natural_id;  // without its kind's prefix
  std::string_view order_key;   // empty = no order behind it
  const Origin& origin;
  int64_t expiry_days = 0;  // earned only
  int64_t debt_points = 0;
  std::vector<v1::Allocation> lots;
};

// "order/tmall/123", "redemption/x9/reversal", ... of an entry.
[[nodiscard]] std::string NaturalId(EntryKind kind, std::string_view short_id);

// Points that moved in or out of a lot.
[[nodiscard]] v1::Allocation MoveOf(const LotKey& lot, int64_t points);

[[nodiscard]] std::string FragmentOf(const v1::EntryState& entry);
[[nodiscard]] std::string TouchOf(const v1::EntryState& entry);

class Poster {
 public:
  Poster(std::string_view program, const Member& member, WorkingSet* set);

  // Stores the entry and fills what its event says. The root already shows the move.
  void Post(const PostingFacts& facts, v1::Posting* posting);
  // `type` is the message's name, e.g. "PointsEarned".
  void Publish(std::string_view type, std::string_view natural_id,
               const google::protobuf::MessageLite& event);
  [[nodiscard]] size_t size() const { return publishes_.size(); }
  [[nodiscard]] std::vector<shard::Publish> Take() { return std::move(publishes_); }

 private:
  std::string_view program_;
  const Member& member_;
  WorkingSet* set_;
  std::vector<shard::Publish> publishes_;
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_POSTER_H_
