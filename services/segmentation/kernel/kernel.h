// The segmentation kernel: purchases of one member -> figures, segments, SegmentEntered and
// SegmentExited. Pure: same state, same input, same now => same effects, byte for byte.
//
// Segments are judged after every input, at the input's instant: `now` for a purchase or refund,
// the due time for the timer. So a membership changes when the change is known, never in the past:
// a purchase that is reported late ends `lapsed` at the report, and one that is older than the
// limit ends nothing. The instant of an entry (its occurrence) is later than every earlier entry of
// the same member and segment, and with them is the natural id of the entry.
//
// Control sums of the shard: purchases, buyers (members with a purchase), repeat_members (with at
// least two), purchase_minor/<currency>, segment/<segment>/members, segment/<segment>/entries.
//
// Thread-safety: free functions without state.
#ifndef REGULARS_SERVICES_SEGMENTATION_KERNEL_KERNEL_H_
#define REGULARS_SERVICES_SEGMENTATION_KERNEL_KERNEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {

// Where and when an input is applied.
struct Moment {
  std::string member;
  Micros now_us = 0;  // the input's instant: pool clock, or the due time of a timer
  // Orders come or go by a merge or a split: the segments are judged when that has ended.
  bool judging_held = false;
};

// What both kinds of touch say. `order_key` is made by OrderKey().
struct Purchase {
  std::string order_key;
  Micros occurred_us = 0;
  int64_t amount_minor = 0;  // >= 0
  std::string currency;
  std::string touch_id;
  std::string fragment_id;
};

struct Refund {
  std::string order_key;
  std::string refund_id;
  int64_t amount_minor = 0;  // >= 0
  std::string currency;
  bool whole_order = false;
  std::string touch_id;
  std::string fragment_id;
};

// What became of an input, in order of precedence. The refused ones are dead letters and change
// nothing; re-driving them later is safe.
enum class Outcome : uint8_t {
  kDuplicate,          // the order or refund was applied before
  kCurrencyMismatch,   // refused: the refund is not in the order's currency
  kTooManyRefunds,     // refused: kRefundsPerOrderMax refunds of this order are kept
  kTooManyPending,     // refused: kPendingOrdersMax orders of this member have refunds only
  kFiguresExceeded,    // refused: sum overflow, or one currency above kCurrenciesPerMemberMax
  kPurchased,          // a new purchase counts
  kPurchasedRefunded,  // an order came whose refunds, already here, take it back wholly
  kRefundedPartly,     // the sum went down
  kRefundedWholly,     // a purchase does not count any more
  kRefundedAlready,    // a refund of an order that is wholly refunded
  kRefundPending,      // the refund waits for its order
  kLapsedByTimer,      // timer: the member is lapsed
  kTimerMoved,         // timer: the rules give a later instant
  kTimerIdle,          // timer: nothing to do
};

// Metric label ("duplicate") and, for the refused ones, reason of the dead letter ("" otherwise).
[[nodiscard]] std::string_view OutcomeLabel(Outcome outcome);
[[nodiscard]] std::string_view RefusalReason(Outcome outcome);

[[nodiscard]] shard::Effects ApplyPurchase(const shard::EntityState& state, const Rules& rules,
                                           const Moment& moment, const Purchase& purchase);
[[nodiscard]] shard::Effects ApplyRefund(const shard::EntityState& state, const Rules& rules,
                                         const Moment& moment, const Refund& refund);
// The timer kLapsed is due.
[[nodiscard]] shard::Effects ApplyLapseTimer(const shard::EntityState& state, const Rules& rules,
                                             const Moment& moment);

// Why a member is, or is not, in a segment.
struct Explanation {
  std::string segment;
  bool inside = false;
  Micros since_us = 0;     // instant of the entry; 0 = not inside
  std::string text;        // one sentence
  Micros deadline_us = 0;  // when it changes if nothing happens; 0 = never
};
// One per segment, in order of name.
[[nodiscard]] std::vector<Explanation> Explain(const v1::SegmentationRoot& root,
                                               const Rules& rules);

// Empty when the member's state is sound. Reads at most the newest 1,000 purchases.
[[nodiscard]] std::string CheckMember(const shard::EntityState& state);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_KERNEL_H_
