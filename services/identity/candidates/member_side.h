// What a member does about candidates: it joins the blocks of its contact data, asks who else is
// there to compare themselves, compares itself when it is asked, and both keep what comes of it.
//
// One comparison per pair, change and shared block: of two members of a block the one that joined
// (or changed) later asks, the other one opens what came, judges, and answers. So every pair that
// shares a block is judged on the newest contact data of both, whatever order messages come in:
// `revision` counts the changes, a verdict about older data never replaces one about newer, and an
// answer about data that changed meanwhile is asked for again.
// Thread-safety: pure functions over a Turn.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_MEMBER_SIDE_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_MEMBER_SIDE_H_

#include <optional>
#include <string>
#include <string_view>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/candidate_links.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "regulars/types/v1/sealed.pb.h"
#include "services/identity/candidates/turn.h"
#include "services/identity/kernel/draft.h"

namespace regulars::identity::candidates {

// After the vault took a report in. The turn's state has the new values, `before` the old ones;
// `seal` is that of the report.
Outcome OnContact(Turn* turn, const shard::EntityState& before, const types::v1::Sealed& seal);

Outcome OnNeighbours(Turn* turn, const v1::BlockNeighbours& neighbours);
Outcome OnComparison(Turn* turn, const v1::Comparison& comparison);
Outcome OnJudgement(Turn* turn, const v1::Judgement& judgement);

// Also while matching is off.
Outcome OnGone(Turn* turn, const v1::CandidateGone& gone);
Outcome OnDecided(Turn* turn, const v1::CandidateDecided& decided);
// The member became part of another one: it leaves its blocks, and its candidates forget it.
Outcome OnAbsorbed(Turn* turn);
// The same without a change of its own state: all of that is being erased.
void TellThatErased(Turn* turn);

// Whether a split or somebody keeps the member and the other one apart.
[[nodiscard]] bool IsKeptApart(const Draft& state, std::string_view other);

[[nodiscard]] std::string CandidateSub(std::string_view other);
[[nodiscard]] std::optional<v1::CandidateState> ReadCandidate(const shard::EntityState& state,
                                                              std::string_view other);

// Empty when what the member keeps is sound, else what is wrong.
[[nodiscard]] std::string CheckSelf(const shard::EntityState& state);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_MEMBER_SIDE_H_
