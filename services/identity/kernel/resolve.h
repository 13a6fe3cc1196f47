// A touch at its pivot: is it new, and whose is it? The entity is the pivot's identifier key.
//
// An identifier is anchored once: its first touch mints a member and a fragment, later ones find
// them. A repeat is recognised here for everybody downstream. Business facts (order, refund, code)
// by their own key for ever; other touches by their id while they are inside the pool's window.
// Outside of it a touch cannot be told from a repeat any more and is set aside. Thread-safety: pure
// functions and plain values. Units: microseconds since the Unix epoch.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_RESOLVE_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_RESOLVE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/facts.h"

namespace regulars::identity {

inline constexpr std::string_view kAnchorSub = "anchor";

struct TouchRules {
  // How long ids of ordinary touches are kept. It may be shortened at any time; lengthened only
  // together with a pause of the sources, because ids that expired under the old one are gone.
  Micros window_us = 400 * kMicrosPerDay;
  // How far a touch may lead the pool's clock.
  Micros future_us = kMicrosPerDay;
};

// What the kernel knows of a touch.
struct TouchFacts {
  std::string pool;
  std::string pivot_key;
  types::v1::Identifier pivot;
  std::string touch_id;
  Micros occurred_us = 0;
  uint64_t content_hash = 0;  // what happened and when, without what changes between repeats
  Fact fact;
  // Position of its record: the tie-break of birth.
  int32_t partition = 0;
  int64_t offset = 0;
};

// In order of precedence: the first that holds is the outcome.
enum class TouchOutcome : uint8_t {
  kInFuture,                   // leads the clock by more than future_us: dead letter
  kTooOld,                     // no fact, and older than the window: dead letter
  kDuplicateWithOtherContent,  // id known, content differs: the first one stays
  kDuplicate,                  // id known
  kKnownMember,                // new; the pivot was anchored before
  kNewMember,                  // new; this touch anchored the pivot and minted its member
};
std::string_view OutcomeLabel(TouchOutcome outcome);

struct TouchDecision {
  TouchOutcome outcome = TouchOutcome::kDuplicate;
  v1::IdentifierState anchor;  // set for the last two outcomes
};

// Adds the changes of state, control sums, dead letter and outcome to `effects`; publishes nothing.
// Every touch adds one to exactly one of the sums touches_new, touches_duplicate and
// touches_dead_lettered (law 5).
TouchDecision ResolveTouch(const shard::EntityState& state, const TouchFacts& touch, Micros now_us,
                           const TouchRules& rules, shard::Effects* effects);

// A record that is no readable touch: dead letter, counted like the others.
void SetAside(std::string_view reason, std::string_view detail, shard::Effects* effects);

// nullopt if the identifier is not anchored.
std::optional<v1::IdentifierState> ReadAnchor(const shard::EntityState& state);

// Empty when the identifier's state is sound, else what is wrong.
std::string CheckIdentifier(const shard::EntityState& state);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_RESOLVE_H_
