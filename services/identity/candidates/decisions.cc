#include "services/identity/candidates/decisions.h"

#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/model/hashed_id.h"
#include "services/identity/candidates/member_side.h"
#include "services/identity/kernel/link_commands.h"
#include "services/identity/kernel/member_book.h"

namespace regulars::identity::candidates {
namespace {

void KeepApart(const Turn& turn, MemberBook* book, std::string_view other) {
  v1::DoNotLink pair;
  pair.set_own(book->id());
  pair.set_other(std::string(other));
  pair.set_split_id(model::HashedId({"reject", book->id(), other}));
  pair.set_time_us(turn.step->now_us());
  book->AddPair(pair);
}

void TellOther(Turn* turn, const v1::CandidateState& candidate) {
  v1::CandidateMessage message;
  v1::CandidateDecided* decided = message.mutable_decided();
  decided->set_member(turn->entity());
  decided->set_decision(candidate.decision());
  decided->set_decide_us(candidate.decide_us());
  decided->set_actor(candidate.actor());
  Send(turn, candidate.other(), std::move(message));
}

}  // namespace

std::string_view OutcomeLabel(DecisionOutcome outcome) {
  switch (outcome) {
    case DecisionOutcome::kCandidateUnknown:
      return "candidate_unknown";
    case DecisionOutcome::kRepeated:
      return "repeated";
    case DecisionOutcome::kDecidedOtherwise:
      return "decided_otherwise";
    case DecisionOutcome::kMergeInProgress:
      return "merge_in_progress";
    case DecisionOutcome::kDoNotLink:
      return "do_not_link";
    case DecisionOutcome::kLimitBroken:
      return "limit_broken";
    case DecisionOutcome::kDone:
      return "done";
  }
  REGULARS_ASSERT(false, "unknown decision outcome");
}

Decision Decide(Turn* turn, std::string_view other, v1::CandidateDecision decision,
                const std::string& actor) {
  const bool confirms = decision == v1::CANDIDATE_DECISION_CONFIRMED;
  REGULARS_ASSERT(confirms || decision == v1::CANDIDATE_DECISION_REJECTED, "no decision");
  std::optional<v1::CandidateState> candidate = ReadCandidate(turn->step->state, other);
  if (!candidate.has_value()) return {DecisionOutcome::kCandidateUnknown, {}};
  if (candidate->decision() == decision) {
    return {DecisionOutcome::kRepeated, *std::move(candidate)};
  }
  if (candidate->decision() != v1::CANDIDATE_DECISION_UNSPECIFIED) {
    return {DecisionOutcome::kDecidedOtherwise, {}};
  }
  MemberBook book(&turn->step->state, turn->entity());
  REGULARS_ASSERT(book.is_root(), "a candidate is decided at a member that is part of another one");
  if (book.proposing()) return {DecisionOutcome::kMergeInProgress, {}};
  if (confirms && IsKeptApart(turn->step->state, other)) return {DecisionOutcome::kDoNotLink, {}};
  if (!confirms && book.root().do_not_link_count() >= kDoNotLinkMax) {
    return {DecisionOutcome::kLimitBroken, {}};
  }
  candidate->set_decision(decision);
  candidate->set_decide_us(turn->step->now_us());
  candidate->set_actor(actor);
  turn->step->state.Write(CandidateSub(other), *candidate);
  TellOther(turn, *candidate);
  if (confirms) {
    AskForMerge(turn->step, book, other, actor, /*override_do_not_link=*/false);
  } else {
    KeepApart(*turn, &book, other);
  }
  book.Save();
  turn->step->Sum(confirms ? "candidates_confirmed" : "candidates_rejected");
  return {DecisionOutcome::kDone, *std::move(candidate)};
}

}  // namespace regulars::identity::candidates
