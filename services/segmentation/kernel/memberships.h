// Which segments a member is in, judged from the figures of the root at one instant; entries, exits
// and the timer that follow. Pure, free functions.
#ifndef REGULARS_SERVICES_SEGMENTATION_KERNEL_MEMBERSHIPS_H_
#define REGULARS_SERVICES_SEGMENTATION_KERNEL_MEMBERSHIPS_H_

#include <optional>
#include <string>

#include "libs/shard/kernel.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"
#include "services/segmentation/kernel/kernel.h"

namespace regulars::segmentation {

enum class Cause : uint8_t {
  kTouch,   // or the timer
  kRefund,  // a touch that is one
  kMove,    // orders came or went by a merge or a split
  kMerged,  // the member became part of another one
};

// Why segments are judged now.
struct Trigger {
  std::string touch_id;     // empty: no touch
  std::string fragment_id;  // empty: no touch
  Cause cause = Cause::kTouch;
};

// Judges every segment at moment.now_us: changes root->segments(), publishes exits, then entries,
// sets or cancels the timer. `timer` is when it is due now, nullopt when it is not set (or fires).
// An entry that a move causes is no new occasion (SegmentEntered.continues_member) if this member,
// or one whose orders came (root->inherited()), was in the segment for the same reason: of `lapsed`
// that is, since the last purchase. Who was told is not told again.
void JudgeSegments(const Rules& rules, const Moment& moment, const Trigger& trigger,
                   std::optional<Micros> timer, v1::SegmentationRoot* root,
                   shard::Effects* effects);

// The member is an alias from now on: it leaves every segment, and waits for nothing.
void EndMemberships(const Rules& rules, const Moment& moment, std::optional<Micros> timer,
                    v1::SegmentationRoot* root, shard::Effects* effects);

// The segment of a root, or null.
[[nodiscard]] const v1::SegmentState* FindSegment(const v1::SegmentationRoot& root,
                                                  std::string_view segment);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_MEMBERSHIPS_H_
