#include "services/identity/candidates/turn.h"

#include <utility>

#include "libs/base/assert.h"

namespace regulars::identity::candidates {

std::string_view OutcomeLabel(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatchingOff:
      return "matching_off";
    case Outcome::kTakesNoPart:
      return "takes_no_part";
    case Outcome::kOutdated:
      return "outdated";
    case Outcome::kUnchanged:
      return "unchanged";
    case Outcome::kBlockFull:
      return "block_full";
    case Outcome::kJoined:
      return "joined";
    case Outcome::kLeft:
      return "left";
    case Outcome::kChanged:
      return "changed";
    case Outcome::kAsked:
      return "asked";
    case Outcome::kUnreadable:
      return "comparison_unreadable";
    case Outcome::kKeptApart:
      return "kept_apart";
    case Outcome::kNoRoom:
      return "no_room";
    case Outcome::kNothing:
      return "no_candidate";
    case Outcome::kProposed:
      return "proposed";
    case Outcome::kWithdrawn:
      return "withdrawn";
    case Outcome::kForgotten:
      return "forgotten";
    case Outcome::kDecided:
      return "decided";
  }
  REGULARS_ASSERT(false, "unknown candidate outcome");
}

void Send(Turn* turn, std::string_view to, v1::CandidateMessage message) {
  v1::LinkMessage link;
  *link.mutable_candidate() = std::move(message);
  turn->step->Send(to, link);
}

}  // namespace regulars::identity::candidates
