// Inputs of a member that a merge or a split took part in, and the inputs that do so: the protocol
// of libs/handoff around the kernel. Members that were never merged or split do not come here.
//
//   alias     its records are sent on, its sends move, commands are UNAVAILABLE MEMBER_MOVING and,
//             once all is settled, its survivor's
//   moving    records are applied as ever; a report whose send has not come waits for it; commands
//             are UNAVAILABLE MEMBER_MOVING
//   at rest   as ever
#ifndef REGULARS_SERVICES_MESSAGING_CODEC_HANDED_H_
#define REGULARS_SERVICES_MESSAGING_CODEC_HANDED_H_

#include <vector>

#include "libs/shard/kernel.h"
#include "services/messaging/kernel/kernel.h"
#include "services/messaging/kernel/move.h"

namespace regulars::messaging {

// Whether the input is for ApplyHanded.
[[nodiscard]] bool IsHanded(const shard::EntityState& state, const shard::Input& input);

[[nodiscard]] shard::Effects ApplyHanded(const shard::EntityState& state, const shard::Input& input,
                                         const std::vector<Campaign>& campaigns,
                                         const MoveLimits& limits);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_CODEC_HANDED_H_
