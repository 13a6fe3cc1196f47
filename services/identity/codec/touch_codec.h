// From ingest's record to what the kernel needs to know of a touch, and from the kernel's decision
// to the events. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_

#include <string>

#include "libs/shard/kernel.h"
#include "regulars/ingest/v1/touch.pb.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {

// A decoded touch, or why it is none. Unreadable touches are counted by the kernel like the others,
// so that consumed = new + duplicate + dead-lettered.
struct TouchBodyOfInput {
  std::string malformed;  // empty: `facts` and `touch` are set
  TouchFacts facts;
  ingest::v1::Touch touch;  // without identifiers and contact: as it goes downstream
  vault::SealedContact contact;
};

TouchBodyOfInput DecodeTouch(const shard::Input& input);

// MemberCreated and IdentifierAnchored for a new member, then MemberResolved.
void PublishResolution(const TouchBodyOfInput& body, const TouchDecision& decision,
                       shard::Effects* effects);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_
