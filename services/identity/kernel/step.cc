#include "services/identity/kernel/step.h"

#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::identity {

std::string_view OutcomeLabel(LinkOutcome outcome) {
  switch (outcome) {
    case LinkOutcome::kAnchored:
      return "anchored";
    case LinkOutcome::kIgnored:
      return "ignored";
    case LinkOutcome::kForwarded:
      return "forwarded";
    case LinkOutcome::kWaits:
      return "waits";
    case LinkOutcome::kRecorded:
      return "recorded";
    case LinkOutcome::kAsked:
      return "asked";
    case LinkOutcome::kRestarted:
      return "restarted";
    case LinkOutcome::kStopped:
      return "stopped";
    case LinkOutcome::kMerged:
      return "merged";
    case LinkOutcome::kReanchored:
      return "reanchored";
    case LinkOutcome::kExpelled:
      return "expelled";
    case LinkOutcome::kContested:
      return "contested";
    case LinkOutcome::kRecycled:
      return "recycled";
    case LinkOutcome::kDetached:
      return "detached";
    case LinkOutcome::kRevived:
      return "revived";
    case LinkOutcome::kSettled:
      return "settled";
    case LinkOutcome::kResolved:
      return "resolved";
    case LinkOutcome::kReturned:
      return "returned";
    case LinkOutcome::kDuplicate:
      return "duplicate";
  }
  REGULARS_ASSERT(false, "unknown link outcome");
}

void Step::Send(std::string_view to, const v1::LinkMessage& message) {
  effects_.publishes.push_back(
      {std::string(events::kLinksKind), std::string(to), std::string(events::kLinkMessage),
       Cat("link/", where_.origin, "/", sent_++), message.SerializeAsString(), where_.now_us});
}

v1::BirthOrder Step::BirthHere(int64_t part) const {
  v1::BirthOrder birth;
  birth.set_birth_us(where_.now_us);
  birth.set_shard(where_.partition);
  birth.set_sequence(where_.offset);
  birth.set_part(part);
  return birth;
}

void Step::Event(std::string_view member, std::string_view type, std::string id,
                 const google::protobuf::Message& event, Micros time_us) {
  effects_.publishes.push_back({std::string(events::kEventsKind), std::string(member),
                                std::string(type), std::move(id), event.SerializeAsString(),
                                time_us});
}

void Step::Sum(std::string_view name, int64_t delta) {
  effects_.sums.push_back({std::string(name), delta});
}

void Step::Finish(LinkOutcome outcome) {
  state.Flush(&effects_);
  effects_.outcome = OutcomeLabel(outcome);
}

}  // namespace regulars::identity
