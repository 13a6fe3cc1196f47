// What an identifier that is a pivot tells the others that a touch names. Thread-safety: pure
// functions over a Step.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_CLAIM_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_CLAIM_H_

#include <string>
#include <string_view>
#include <vector>

#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

inline constexpr std::string_view kPeerPrefix = "peer/";
inline constexpr std::string_view kWasPrefix = "was/";  // anchors that this identifier left

// Claims what the touch names beside its pivot and remembers it, so that the same pair is claimed
// once. An identifier that is not proved is remembered as a hint, and nothing is sent. Updates
// `anchor`, which the caller writes. Returns the number of claims.
int ClaimOthers(Step* step, const TouchFacts& touch, v1::IdentifierState* anchor);

// Whether the touch names somebody beside a pivot that may claim.
bool NamesOthers(const TouchFacts& touch);

// A link through this identifier was stopped, so it is trusted less. Changes `anchor`, which the
// caller writes. One that names people and from now on names nobody (`contested_max`) is counted
// as `identifiers_contested`: somebody should look at it. A weak one is made for that.
void Distrust(Step* step, v1::IdentifierState* anchor);

// The day of `at_us`: what `last_seen_us` keeps.
Micros DayOf(Micros at_us);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_CLAIM_H_
