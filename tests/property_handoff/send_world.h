// What happens to messaging's members in a Follower, and what their states show. The sender is part
// of it: of the jobs that are published, some are posted and reported, also such as are withdrawn
// meanwhile.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_SEND_WORLD_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_SEND_WORLD_H_

#include <cstdint>
#include <string>

#include "regulars/messaging/v1/messaging_state.pb.h"
#include "services/messaging/codec/program.h"
#include "tests/property_handoff/follower.h"

namespace regulars::property_handoff {

// Which jobs are posted and reported, by the salt of the world.
inline constexpr uint64_t kNoReports = 0;
inline constexpr int64_t kPosted = 20;     // the occurrence that 1 to 3 are about
inline constexpr uint64_t kEveryJob = 1;   // before it is withdrawn
inline constexpr uint64_t kFirstJobs = 2;  // only that of the member that decided
inline constexpr uint64_t kMovedJobs = 3;  // only the others
// Any other salt: some, of all occurrences.

// A pool with one campaign, "win-back" for `lapsed`; `page`: sends on a page.
[[nodiscard]] Follower SendMembers(int page, uint64_t reports);

// A member lapsed. `continues`: as another one did before it.
void Lapse(Follower* world, const std::string& member, int64_t occurrence_us,
           bool continues = false);
// A provider's own report, under the name of the member whose lapse it was; the n-th of them.
void Delivered(Follower* world, const std::string& member, int64_t occurrence_us, int64_t n = 1);

[[nodiscard]] messaging::v1::MessagingRoot SendRoot(const Follower& world,
                                                    const std::string& member);
// "m_s:10 m_l:20+": the sends of a member by origin and occurrence, "+" for delivered ones.
[[nodiscard]] std::string SendsOf(const Follower& world, const std::string& member);
// "m_s m_l:20, m_t m_t:10": jobs that nobody has withdrawn: whose, and which.
[[nodiscard]] std::string LiveJobs(const Follower& world);

// Everybody has the same sends however it went. And: each send is there once, under the key that
// its origin makes; sums are those of the states; what moved in moved out; an open send has one
// live job, its member's; one is over if and only if it was reported; no report waits.
[[nodiscard]] Ending SendEnding();

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_SEND_WORLD_H_
