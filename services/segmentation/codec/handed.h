// Inputs of a member that a merge or a split took part in, and the inputs that do so: the protocol
// of libs/handoff around the kernel. Members that were never merged or split do not come here.
//
//   alias     its memberships end (SegmentExited, rule "merged"); its records are sent on
//   moving    records of orders that are here change the figures; no segment is judged, a timer
//             that is due waits
//   at rest   the segments are judged once, and from now on as ever. An entry that a move causes
//             continues an earlier one, if there was one: see memberships.h
#ifndef REGULARS_SERVICES_SEGMENTATION_CODEC_HANDED_H_
#define REGULARS_SERVICES_SEGMENTATION_CODEC_HANDED_H_

#include "libs/shard/kernel.h"
#include "services/segmentation/kernel/move.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {

// Whether the input is for ApplyHanded.
[[nodiscard]] bool IsHanded(const shard::EntityState& state, const shard::Input& input);

[[nodiscard]] shard::Effects ApplyHanded(const shard::EntityState& state, const shard::Input& input,
                                         const Rules& rules, const MoveLimits& limits);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_CODEC_HANDED_H_
