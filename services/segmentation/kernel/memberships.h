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

// Why segments are judged now.
struct Trigger {
  std::string touch_id;     // empty: the timer
  std::string fragment_id;  // empty: the timer
  bool refund = false;
};

// Judges every segment at moment.now_us: changes root->segments(), publishes exits, then entries,
// sets or cancels the timer. `timer` is when it is due now, nullopt when it is not set (or fires).
void JudgeSegments(const Rules& rules, const Moment& moment, const Trigger& trigger,
                   std::optional<Micros> timer, v1::SegmentationRoot* root,
                   shard::Effects* effects);

// The segment of a root, or null.
[[nodiscard]] const v1::SegmentState* FindSegment(const v1::SegmentationRoot& root,
                                                  std::string_view segment);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_KERNEL_MEMBERSHIPS_H_
