#include "services/identity/candidates/member_side.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "services/identity/candidates/compared.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/member_book.h"

namespace regulars::identity::candidates {
namespace {

bool IsAlias(const Turn& turn) {
  const auto member = turn.step->state.Read<v1::MemberState>(kMemberSub);
  return member.has_value() && !member->parent().empty();
}

std::optional<v1::MatchSelf> SelfThatTakesPart(const Turn& turn) {
  if (IsAlias(turn)) return std::nullopt;
  return turn.step->state.Read<v1::MatchSelf>(kSelfSub);
}

void WriteSelf(Turn* turn, const v1::MatchSelf& self) { turn->step->state.Write(kSelfSub, self); }

void ToBlock(Turn* turn, const std::string& block, const v1::MatchSelf* joined) {
  v1::CandidateMessage message;
  if (joined == nullptr) {
    message.mutable_left()->set_member(turn->entity());
  } else {
    message.mutable_joined()->set_member(turn->entity());
    message.mutable_joined()->set_revision(joined->revision());
  }
  Send(turn, block, std::move(message));
}

void SayGone(Turn* turn, const std::string& other) {
  v1::CandidateMessage message;
  message.mutable_gone()->set_member(turn->entity());
  Send(turn, other, std::move(message));
}

// Nothing if the day's key is gone: then nobody could open it, either.
void AskToCompare(Turn* turn, const v1::MatchSelf& self, const v1::ComparedContact& contact,
                  const std::string& other) {
  absl::StatusOr<v1::Comparison> sealed =
      SealFor(self, contact, turn->step->pool(), turn->entity(), other, turn->keys);
  if (!sealed.ok()) return turn->step->Sum("comparisons_unreadable");
  v1::CandidateMessage message;
  *message.mutable_comparison() = *std::move(sealed);
  Send(turn, other, std::move(message));
}

absl::StatusOr<v1::ComparedContact> OwnContact(const Turn& turn, const shard::EntityState& state) {
  return ReadCompared(state, turn.step->pool(), turn.entity(), turn.keys);
}

v1::CandidateVerdict VerdictOf(const match::Verdict& judged) {
  v1::CandidateVerdict verdict;
  verdict.set_band(judged.band == match::Band::kLink     ? v1::CANDIDATE_BAND_STRONG
                   : judged.band == match::Band::kReview ? v1::CANDIDATE_BAND_REVIEW
                                                         : v1::CANDIDATE_BAND_UNSPECIFIED);
  verdict.set_reason(std::string(match::NameOf(judged.reason)));
  verdict.set_total_mbit(judged.total_mbit);
  for (size_t i = 0; i < match::kFieldCount; ++i) {
    const match::Level level = judged.comparison[static_cast<match::Field>(i)];
    if (level == match::Level::kMissing) continue;
    v1::FieldAgreement* field = verdict.add_evidence();
    field->set_field(std::string(match::NameOf(static_cast<match::Field>(i))));
    field->set_level(std::string(match::NameOf(level)));
    field->set_weight_mbit(judged.weight_mbit[i]);
  }
  return verdict;
}

void Forget(Turn* turn, v1::MatchSelf* self, std::string_view other) {
  turn->step->state.Delete(CandidateSub(other));
  self->set_candidate_count(self->candidate_count() - 1);
  WriteSelf(turn, *self);
}

// Takes a verdict in; `found` has the two states of contact data that it is about.
Outcome Note(Turn* turn, v1::MatchSelf* self, v1::CandidateState found) {
  const auto known = ReadCandidate(turn->step->state, found.other());
  if (known.has_value() && known->own_revision() + known->other_revision() >
                               found.own_revision() + found.other_revision()) {
    return Outcome::kOutdated;
  }
  const bool decided = known.has_value() && known->decision() != v1::CANDIDATE_DECISION_UNSPECIFIED;
  if (decided) return Outcome::kUnchanged;
  if (found.verdict().band() == v1::CANDIDATE_BAND_UNSPECIFIED) {
    if (!known.has_value()) return Outcome::kNothing;
    Forget(turn, self, found.other());
    return Outcome::kWithdrawn;
  }
  found.set_create_us(known.has_value() ? known->create_us() : turn->step->now_us());
  if (!known.has_value()) {
    if (IsKeptApart(turn->step->state, found.other())) return Outcome::kKeptApart;
    if (self->candidate_count() >= kCandidatesMax) {
      turn->step->Sum("candidates_no_room");
      return Outcome::kNoRoom;
    }
    self->set_candidate_count(self->candidate_count() + 1);
    WriteSelf(turn, *self);
    turn->step->Sum("candidates_found");
  }
  turn->step->state.Write(CandidateSub(found.other()), found);
  return Outcome::kProposed;
}

std::vector<v1::CandidateState> AllCandidates(const Turn& turn) {
  return turn.step->state.All<v1::CandidateState>(kCandidatePrefix);
}

}  // namespace

bool IsKeptApart(const Draft& state, std::string_view other) {
  const auto pairs = state.All<v1::DoNotLink>(kDoNotLinkPrefix);
  return std::any_of(pairs.begin(), pairs.end(),
                     [&](const v1::DoNotLink& pair) { return pair.other() == other; });
}

std::string CandidateSub(std::string_view other) { return Cat(kCandidatePrefix, other); }

std::optional<v1::CandidateState> ReadCandidate(const shard::EntityState& state,
                                                std::string_view other) {
  const std::optional<std::string> bytes = state.Get(CandidateSub(other));
  if (!bytes.has_value()) return std::nullopt;
  v1::CandidateState candidate;
  REGULARS_ASSERT(candidate.ParseFromString(*bytes), "a candidate does not parse");
  return candidate;
}

Outcome OnContact(Turn* turn, const shard::EntityState& before, const types::v1::Sealed& seal) {
  if (!turn->on()) return Outcome::kMatchingOff;
  const absl::StatusOr<v1::ComparedContact> was = OwnContact(*turn, before);
  const absl::StatusOr<v1::ComparedContact> is = OwnContact(*turn, turn->step->state);
  if (!was.ok() || !is.ok()) return Outcome::kUnreadable;
  auto self = turn->step->state.Read<v1::MatchSelf>(kSelfSub).value_or(v1::MatchSelf());
  const std::vector<std::string> blocks = BlocksOf(RecordOf(*is), *turn->keys.pepper);
  const std::vector<std::string> left(self.blocks().begin(), self.blocks().end());
  const bool same = was->SerializeAsString() == is->SerializeAsString();
  if (blocks == left && (same || blocks.empty())) return Outcome::kUnchanged;

  self.set_revision(self.revision() + 1);
  self.set_transport_key_id(seal.key_id());
  self.set_transport_nonce(seal.nonce());
  self.clear_blocks();
  for (const std::string& block : blocks) self.add_blocks(block);
  WriteSelf(turn, self);
  for (const std::string& block : left) {
    if (!std::binary_search(blocks.begin(), blocks.end(), block)) ToBlock(turn, block, nullptr);
  }
  for (const std::string& block : blocks) ToBlock(turn, block, &self);
  for (const v1::CandidateState& candidate : AllCandidates(*turn)) {
    if (candidate.decision() == v1::CANDIDATE_DECISION_UNSPECIFIED) {
      AskToCompare(turn, self, *is, candidate.other());
    }
  }
  return Outcome::kChanged;
}

Outcome OnNeighbours(Turn* turn, const v1::BlockNeighbours& neighbours) {
  if (!turn->on()) return Outcome::kMatchingOff;
  const auto self = SelfThatTakesPart(*turn);
  if (!self.has_value()) return Outcome::kTakesNoPart;
  if (neighbours.revision() != self->revision()) return Outcome::kOutdated;
  const absl::StatusOr<v1::ComparedContact> contact = OwnContact(*turn, turn->step->state);
  if (!contact.ok()) return Outcome::kUnreadable;
  for (const std::string& other : neighbours.members()) {
    // A candidate was asked when the contact data changed.
    if (other == turn->entity() || turn->step->state.Has(CandidateSub(other))) continue;
    AskToCompare(turn, *self, *contact, other);
  }
  return Outcome::kAsked;
}

Outcome OnComparison(Turn* turn, const v1::Comparison& comparison) {
  if (!turn->on()) return Outcome::kMatchingOff;
  auto self = SelfThatTakesPart(*turn);
  if (!self.has_value()) return Outcome::kTakesNoPart;
  const absl::StatusOr<v1::ComparedContact> theirs =
      OpenFrom(comparison, turn->step->pool(), turn->entity(), turn->keys);
  const absl::StatusOr<v1::ComparedContact> own = OwnContact(*turn, turn->step->state);
  if (!theirs.ok() || !own.ok()) {
    turn->step->Sum("comparisons_unreadable");
    return Outcome::kUnreadable;
  }
  v1::CandidateState found;
  found.set_other(comparison.member());
  found.set_own_revision(self->revision());
  found.set_other_revision(comparison.revision());
  *found.mutable_verdict() = VerdictOf(turn->matcher->Judge(RecordOf(*theirs), RecordOf(*own)));
  const Outcome outcome = Note(turn, &*self, found);
  if (outcome != Outcome::kProposed && outcome != Outcome::kWithdrawn) return outcome;
  v1::CandidateMessage message;
  v1::Judgement* judgement = message.mutable_judgement();
  judgement->set_member(turn->entity());
  judgement->set_revision(self->revision());
  judgement->set_asked_revision(comparison.revision());
  *judgement->mutable_verdict() = found.verdict();
  Send(turn, comparison.member(), std::move(message));
  return outcome;
}

Outcome OnJudgement(Turn* turn, const v1::Judgement& judgement) {
  if (!turn->on()) return Outcome::kMatchingOff;
  auto self = SelfThatTakesPart(*turn);
  if (!self.has_value()) return Outcome::kTakesNoPart;
  const std::string& other = judgement.member();
  if (judgement.asked_revision() != self->revision()) {
    // A candidate was asked again when the contact data changed; what was none yet is asked now.
    const bool asked = turn->step->state.Has(CandidateSub(other));
    if (asked || judgement.verdict().band() == v1::CANDIDATE_BAND_UNSPECIFIED) {
      return Outcome::kOutdated;
    }
    const absl::StatusOr<v1::ComparedContact> contact = OwnContact(*turn, turn->step->state);
    if (!contact.ok()) return Outcome::kUnreadable;
    AskToCompare(turn, *self, *contact, other);
    return Outcome::kAsked;
  }
  v1::CandidateState found;
  found.set_other(other);
  found.set_own_revision(judgement.asked_revision());
  found.set_other_revision(judgement.revision());
  *found.mutable_verdict() = judgement.verdict();
  const Outcome outcome = Note(turn, &*self, std::move(found));
  if (outcome == Outcome::kKeptApart || outcome == Outcome::kNoRoom) SayGone(turn, other);
  return outcome;
}

Outcome OnGone(Turn* turn, const v1::CandidateGone& gone) {
  auto self = turn->step->state.Read<v1::MatchSelf>(kSelfSub);
  if (!self.has_value() || !turn->step->state.Has(CandidateSub(gone.member()))) {
    return Outcome::kTakesNoPart;
  }
  Forget(turn, &*self, gone.member());
  return Outcome::kForgotten;
}

Outcome OnDecided(Turn* turn, const v1::CandidateDecided& decided) {
  auto candidate = ReadCandidate(turn->step->state, decided.member());
  if (!candidate.has_value()) return Outcome::kTakesNoPart;
  // Of two decisions at once the one that changes less stands, on both sides.
  if (candidate->decision() == v1::CANDIDATE_DECISION_REJECTED) return Outcome::kUnchanged;
  candidate->set_decision(decided.decision());
  candidate->set_decide_us(decided.decide_us());
  candidate->set_actor(decided.actor());
  turn->step->state.Write(CandidateSub(decided.member()), *candidate);
  return Outcome::kDecided;
}

void TellThatErased(Turn* turn) {
  const auto self = turn->step->state.Read<v1::MatchSelf>(kSelfSub);
  if (!self.has_value()) return;
  for (const std::string& block : self->blocks()) ToBlock(turn, block, nullptr);
  for (const v1::CandidateState& candidate : AllCandidates(*turn)) SayGone(turn, candidate.other());
}

Outcome OnAbsorbed(Turn* turn) {
  auto self = turn->step->state.Read<v1::MatchSelf>(kSelfSub);
  if (!self.has_value() || !IsAlias(*turn)) return Outcome::kTakesNoPart;
  TellThatErased(turn);
  turn->step->state.DeleteAll(kCandidatePrefix);
  // The number of changes stays: a split may give the member back.
  v1::MatchSelf left;
  left.set_revision(self->revision());
  WriteSelf(turn, left);
  return Outcome::kLeft;
}

std::string CheckSelf(const shard::EntityState& state) {
  const std::optional<std::string> bytes = state.Get(kSelfSub);
  const Draft draft(state);
  const auto candidates = draft.All<v1::CandidateState>(kCandidatePrefix);
  if (!bytes.has_value()) return candidates.empty() ? "" : "candidates of a member without keys";
  v1::MatchSelf self;
  REGULARS_ASSERT(self.ParseFromString(*bytes), "what a member is matched by does not parse");
  if (static_cast<size_t>(self.blocks_size()) > match::kBlockingKeysMax) {
    return "a member in more blocks than allowed";
  }
  if (self.candidate_count() != candidates.size()) return "candidates that are not counted";
  if (self.candidate_count() > kCandidatesMax) return "more candidates than allowed";
  return "";
}

}  // namespace regulars::identity::candidates
