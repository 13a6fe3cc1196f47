// What happens to segmentation's members in a Follower, and what their states show.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_WORLD_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_WORLD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "regulars/segmentation/v1/segmentation_state.pb.h"
#include "services/segmentation/codec/program.h"
#include "tests/property_handoff/follower.h"

namespace regulars::property_handoff {

// Rules of a pool that links; `page`: orders on a page.
[[nodiscard]] Follower SegmentMembers(int page);

void Buy(Follower* world, const std::string& member, const std::string& fragment,
         const std::string& order, int64_t cents, int64_t days_ago = 0);
void Refund(Follower* world, const std::string& member, const std::string& fragment,
            const std::string& order, const std::string& refund, int64_t cents);

[[nodiscard]] segmentation::v1::SegmentationRoot SegmentRoot(const Follower& world,
                                                             const std::string& member);
// "3 purchases 90 USD lapsed repeat_buyer": figures and segments of a member.
[[nodiscard]] std::string FiguresOf(const Follower& world, const std::string& member);
// Entries into a segment that are new occasions, of everybody, so far.
[[nodiscard]] int64_t Occasions(const Follower& world, std::string_view segment);

// Figures, segments and orders of everybody are the same; sums are those of the states; nothing
// waits; entries and exits of a member and segment alternate; the last one is where the member is.
[[nodiscard]] Ending SegmentEnding();

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_SEGMENT_WORLD_H_
