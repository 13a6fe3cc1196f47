// From ingest's record to what the kernel needs to know of a touch, and from the kernel's decision
// to the events. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_

#include <string>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_links.pb.h"
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
  v1::ObjectTouch travelling;  // where linking is on and the touch names an object
};

TouchBodyOfInput DecodeTouch(const shard::Input& input, bool linking);

// A touch on its way to or from its object. `malformed` as above.
TouchBodyOfInput DecodeTravelling(const shard::Input& input, v1::ObjectTouch travelling);

// MemberCreated and IdentifierAnchored of a member that this touch minted.
void PublishBirth(const TouchBodyOfInput& body, const v1::IdentifierState& anchor,
                  shard::Effects* effects);

struct Resolution {
  v1::IdentifierState anchor;
  bool is_new_member = false;
  bool provisional = false;
};
// MemberResolved, and ContactReported if the touch has contact data.
void PublishResolved(const TouchBodyOfInput& body, const Resolution& resolution,
                     shard::Effects* effects);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_TOUCH_CODEC_H_
