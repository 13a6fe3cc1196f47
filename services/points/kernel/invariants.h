// What must hold in a member's ledger after every input. Used by tests, simulation, regularsctl and
// a sample in production; the kernel itself asserts what it touches.
#ifndef REGULARS_SERVICES_POINTS_KERNEL_INVARIANTS_H_
#define REGULARS_SERVICES_POINTS_KERNEL_INVARIANTS_H_

#include <string>

#include "libs/shard/kernel.h"

namespace regulars::points {

inline constexpr int kEntriesCheckedMax = 1'000;      // the newest ones
inline constexpr int kRedemptionsCheckedMax = 1'000;  // the first ones in order of id

// Empty when sound, else one sentence without personal data. Reads every open lot, the newest
// entries and the first redemptions:
//   balance = issued - redeemed - expired - reversed = points in open lots - debt; debt >= 0
//   no lot is empty, negative, or above what its order earned; its entry and its order
//   are there
//   next expiry, points at it and the timer `expire` are those of the earliest open lot
//   every entry follows from the one before; the newest one shows the balance
//   a redemption's allocations add up to its points
[[nodiscard]] std::string CheckLedger(const shard::EntityState& state);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_KERNEL_INVARIANTS_H_
