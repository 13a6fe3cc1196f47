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
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_state.pb.h"
#include "services/identity/kernel/facts.h"

namespace regulars::identity {

inline constexpr std::string_view kAnchorSub = "anchor";
inline constexpr std::string_view kObjectSub = "object";

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
  // Who else it names; looked at only where linking is on.
  std::vector<types::v1::Identifier> others;
  // The order or code it is about; looked at only where linking is on.
  std::optional<types::v1::Identifier> object;
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
  kAsksObject,                 // linking is on: its order or code says first whether it is new
};
std::string_view OutcomeLabel(TouchOutcome outcome);

struct TouchDecision {
  TouchOutcome outcome = TouchOutcome::kDuplicate;
  v1::IdentifierState anchor;  // set for kKnownMember and kNewMember, and if `minted`
  bool minted = false;         // kAsksObject: the touch minted the pivot's member nevertheless
  bool provisional = false;    // a link of this touch is being decided
};

// Adds the changes of state, control sums, dead letter and outcome to `effects`; publishes nothing.
// Every touch adds one to exactly one of the sums touches_new, touches_duplicate and
// touches_dead_lettered (law 5).
TouchDecision ResolveTouch(const shard::EntityState& state, const TouchFacts& touch, Micros now_us,
                           const TouchRules& rules, shard::Effects* effects);

// A record that is no readable touch: dead letter, counted like the others.
void SetAside(std::string_view reason, std::string_view detail, shard::Effects* effects);

// --- the steps of the above, for touches whose pivot is not the only one to ask ---
// kInFuture, kTooOld (set aside), a duplicate (counted), or nullopt: it goes on.
std::optional<TouchOutcome> CheckTouch(const shard::EntityState& state, const TouchFacts& touch,
                                       Micros now_us, const TouchRules& rules,
                                       shard::Effects* effects);
// The anchor of an identifier that this touch names first.
v1::IdentifierState FirstAnchor(const TouchFacts& touch, uint32_t anchor_epoch, Micros now_us);
// What is kept so that a repeat is known.
shard::Put RememberTouch(const TouchFacts& touch, uint32_t anchor_epoch, const TouchRules& rules);

// nullopt if the identifier is not anchored, or left its member and has no other one yet.
std::optional<v1::IdentifierState> ReadAnchor(const shard::EntityState& state);

// Empty when the identifier's state is sound, else what is wrong.
std::string CheckIdentifier(const shard::EntityState& state);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_RESOLVE_H_
