// Touches where linking is on: at their pivot, and at the order or code they are about.
//
// A touch that names an object is decided at the object's key, because two channels report an order
// under two identifiers and it counts once. The first report anchors the object at its pivot; a
// later touch of it belongs to whom that pivot names, whatever its own pivot is: unknown, weak or
// somebody else's. An object never links people. Cost: docs/adr/0006. Thread-safety: pure functions
// over a Step.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_OBJECTS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_OBJECTS_H_

#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

// At the pivot. Instead of kKnownMember or kNewMember a touch with an object is kAsksObject and
// `travelling`, which holds the touch, is sent to it.
TouchDecision ObserveTouch(Step* step, const TouchFacts& touch, const TouchRules& rules,
                           v1::ObjectTouch travelling);

struct ObjectDecision {
  LinkOutcome outcome = LinkOutcome::kForwarded;
  v1::IdentifierState anchor;  // kResolved: whose the touch is. kReturned: the anchor of the pivot
  bool is_new_member = false;  // kResolved: the touch created it. kReturned: minted just now
  bool provisional = false;
};

// At the object.
ObjectDecision OnObjectTouch(Step* step, const TouchFacts& touch, const TouchRules& rules,
                             const v1::ObjectTouch& message);
// At the pivot: nobody reported the object before, so the touch is the pivot's.
ObjectDecision OnTouchReturned(Step* step, const TouchFacts& touch, v1::ObjectTouch message);
// At the identifier that the object is anchored at.
ObjectDecision OnResolveThrough(Step* step, const v1::ObjectTouch& message);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_OBJECTS_H_
