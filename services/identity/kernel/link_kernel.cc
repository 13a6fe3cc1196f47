#include "services/identity/kernel/link_kernel.h"

namespace regulars::identity {

LinkOutcome ApplyLink(Step* step, const v1::LinkMessage& message) {
  switch (message.kind_case()) {
    case v1::LinkMessage::kClaim:
      return OnClaim(step, message.claim());
    case v1::LinkMessage::kOwn:
      return OnOwn(step, message);
    case v1::LinkMessage::kLink:
      return OnLink(step, message);
    case v1::LinkMessage::kTryLink:
      return OnTry(step, message);
    case v1::LinkMessage::kPropose:
      return OnPropose(step, message);
    case v1::LinkMessage::kAccept:
      return OnAccept(step, message.accept());
    case v1::LinkMessage::kReject:
      return OnReject(step, message.reject());
    case v1::LinkMessage::kExpel:
      return OnExpel(step, message.expel());
    case v1::LinkMessage::kReanchor:
      return OnReanchor(step, message.reanchor());
    case v1::LinkMessage::kContest:
      return OnContest(step, message.contest());
    case v1::LinkMessage::kDetach:
      return OnDetach(step, message);
    case v1::LinkMessage::kSettle:
      return OnSettle(step, message.settle());
    case v1::LinkMessage::kSettled:
      return OnSettled(step, message);
    case v1::LinkMessage::kRevive:
      return OnRevive(step, message.revive());
    case v1::LinkMessage::kReparent:
      return OnReparent(step, message.reparent());
    case v1::LinkMessage::kObjectTouch:
    case v1::LinkMessage::kTouchReturned:
    case v1::LinkMessage::kResolveThrough:
    case v1::LinkMessage::kCandidate:
    case v1::LinkMessage::kPrivacy:
    case v1::LinkMessage::KIND_NOT_SET:
      break;
  }
  REGULARS_ASSERT(false, "a message of another kind");
}

}  // namespace regulars::identity
