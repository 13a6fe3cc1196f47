// What a person makes of a candidate. Confirming asks for the merge by the message that
// MergeMembers sends, under the same rules; rejecting keeps the two apart as a split does. Both are
// told to the other side. Thread-safety: pure functions over a Turn.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_DECISIONS_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_DECISIONS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "regulars/identity/v1/candidate_links.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "services/identity/candidates/turn.h"

namespace regulars::identity::candidates {

// In order of precedence. Every value between kRepeated and kDone is a refusal and changes nothing.
enum class DecisionOutcome : uint8_t {
  kCandidateUnknown,  // the two are no candidate: never, or not any more
  kRepeated,          // decided so before: the same answer
  kDecidedOtherwise,  // the opposite was decided before
  kMergeInProgress,   // the member is being merged right now
  kDoNotLink,         // confirm: a split or somebody keeps the two apart
  kLimitBroken,       // reject: the member is kept apart from as many as may be
  kDone,
};
[[nodiscard]] std::string_view OutcomeLabel(DecisionOutcome outcome);

struct Decision {
  DecisionOutcome outcome = DecisionOutcome::kCandidateUnknown;
  v1::CandidateState candidate;  // of kRepeated and kDone
};

// At one of the two, which must be a root. `decision` is CONFIRMED or REJECTED (asserted).
Decision Decide(Turn* turn, std::string_view other, v1::CandidateDecision decision,
                const std::string& actor);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_DECISIONS_H_
