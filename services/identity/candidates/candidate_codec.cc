#include "services/identity/candidates/candidate_codec.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/candidate_service.pb.h"
#include "services/identity/candidates/block.h"
#include "services/identity/candidates/decisions.h"
#include "services/identity/candidates/member_side.h"
#include "services/identity/kernel/member.h"
#include "services/identity/vault/contact.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/messages.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity::candidates {
namespace {

constexpr std::string_view kMemberPrefix = "m_";
// What is written is a quarter of it; what is kept of one stays far below a state's limit.
constexpr size_t kMessageBytesMax = 16 * 1024;

struct Body {
  std::string actor;  // of a command
  std::string other;
  bool validate_only = false;
  size_t page_size = 0;  // of the query
  std::string page_token;
  bool show_decided = false;
};

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

const Body& BodyOf(const shard::Input& input) {
  REGULARS_ASSERT(input.body != nullptr, "an input about candidates was not decoded");
  return *static_cast<const Body*>(input.body.get());
}

template <typename Request>
absl::Status DecodeDecision(const v1::CandidateCommand& command, Body* body) {
  Request request;
  if (!request.ParseFromString(command.request())) {
    return Invalid("PAYLOAD_MALFORMED", "the request does not parse");
  }
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                            model::ParseName(request.name(), kCandidatePattern));
  *body = {command.actor(), ids[2], request.validate_only(), 0, "", false};
  return absl::OkStatus();
}

absl::Status DecodeListing(const std::string& payload, Body* body) {
  v1::ListCandidatesRequest request;
  if (!request.ParseFromString(payload)) {
    return Invalid("PAYLOAD_MALFORMED", "the request does not parse");
  }
  if (request.page_size() < 0) return Invalid("PAGE_SIZE_INVALID", "a negative page_size");
  if (!request.page_token().empty() && !model::IsValidMemberId(request.page_token())) {
    return Invalid("PAGE_TOKEN_INVALID", "the page_token is not of an earlier page");
  }
  body->page_size =
      request.page_size() == 0
          ? kCandidatesMax
          : std::min<size_t>(static_cast<size_t>(request.page_size()), kCandidatesMax);
  body->page_token = request.page_token();
  body->show_decided = request.show_decided();
  return absl::OkStatus();
}

shard::Reply Refused(absl::StatusCode code, std::string_view reason, std::string_view message) {
  return {code, std::string(reason), std::string(message), ""};
}

shard::Reply Precondition(std::string_view reason, std::string_view message) {
  return Refused(absl::StatusCode::kFailedPrecondition, reason, message);
}

// What must be true before a candidate of the member is looked for.
std::optional<shard::Reply> NotThere(const shard::EntityState& state, const Rules& rules) {
  if (vault::ReadErasure(state).has_value()) return vault::MemberErasedReply();
  const std::optional<v1::MemberState> member = ReadMember(state);
  if (!member.has_value() || !member->has_birth()) {
    return Refused(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN", "no such member");
  }
  if (!rules.on()) {
    return Precondition("MATCHING_OFF", "the pool does not look for candidates");
  }
  if (!member->parent().empty()) {
    return Precondition("MEMBER_IS_ALIAS", Cat("the member became part of ", member->parent()));
  }
  return std::nullopt;
}

v1::Candidate Shown(const shard::Input& input, const v1::CandidateState& state) {
  v1::Candidate shown;
  shown.set_name(Cat(vault::NameOf(input.pool, input.entity), "/candidates/", state.other()));
  shown.set_other(vault::NameOf(input.pool, state.other()));
  *shown.mutable_verdict() = state.verdict();
  vault::SetTime(state.create_us(), shown.mutable_create_time());
  if (state.decision() == v1::CANDIDATE_DECISION_UNSPECIFIED) return shown;
  shown.set_decision(state.decision());
  vault::SetTime(state.decide_us(), shown.mutable_decide_time());
  shown.set_decided_by(state.actor());
  return shown;
}

shard::Reply RefusalOf(DecisionOutcome outcome) {
  switch (outcome) {
    case DecisionOutcome::kCandidateUnknown:
      return Refused(absl::StatusCode::kNotFound, "CANDIDATE_UNKNOWN",
                     "the two members are no candidate");
    case DecisionOutcome::kDecidedOtherwise:
      return Precondition("CANDIDATE_DECIDED", "the opposite was decided before");
    case DecisionOutcome::kMergeInProgress:
      return Precondition("MERGE_IN_PROGRESS", "the member is being merged; ask again");
    case DecisionOutcome::kDoNotLink:
      return Precondition("DO_NOT_LINK", "the two members are kept apart");
    case DecisionOutcome::kLimitBroken:
      return Precondition("LIMIT_BROKEN", "limit_broken: do_not_link");
    case DecisionOutcome::kRepeated:
    case DecisionOutcome::kDone:
      break;
  }
  REGULARS_ASSERT(false, "a decision is no refusal");
}

Step StepOf(const shard::EntityState& state, const shard::Input& input, std::string origin,
            const Rules& rules, shard::Effects* effects) {
  return Step(
      state,
      {input.pool, input.entity, std::move(origin), input.now_us, input.partition, input.offset},
      rules.links, effects);
}

Turn TurnOf(Step* step, const Rules& rules) {
  return {step, rules.keys, rules.on() ? rules.matcher : nullptr};
}

std::string OriginOf(const shard::Input& input, std::string_view what) {
  return Cat("l", input.partition, ".", input.offset, what);
}

Outcome ApplyKind(Turn* turn, const v1::CandidateMessage& message) {
  switch (message.kind_case()) {
    case v1::CandidateMessage::kJoined:
      return OnJoined(turn, message.joined());
    case v1::CandidateMessage::kLeft:
      return OnLeft(turn, message.left());
    case v1::CandidateMessage::kNeighbours:
      return OnNeighbours(turn, message.neighbours());
    case v1::CandidateMessage::kComparison:
      return OnComparison(turn, message.comparison());
    case v1::CandidateMessage::kJudgement:
      return OnJudgement(turn, message.judgement());
    case v1::CandidateMessage::kGone:
      return OnGone(turn, message.gone());
    case v1::CandidateMessage::kDecided:
      return OnDecided(turn, message.decided());
    case v1::CandidateMessage::kAbsorbed:
      return OnAbsorbed(turn);
    case v1::CandidateMessage::KIND_NOT_SET:
      break;
  }
  REGULARS_ASSERT(false, "a message about candidates that says nothing");
}

}  // namespace

bool Takes(const shard::Input& input) {
  if (input.kind == shard::InputKind::kQuery) return input.type == kListCandidates;
  return input.kind == shard::InputKind::kCommand &&
         (input.type == kConfirmCandidate || input.type == kRejectCandidate);
}

absl::Status Decode(shard::Input* input) {
  auto body = std::make_shared<Body>();
  if (input->type == kListCandidates) {
    REGULARS_RETURN_IF_ERROR(DecodeListing(input->payload, body.get()));
  } else {
    v1::CandidateCommand command;
    if (!command.ParseFromString(input->payload)) {
      return Invalid("PAYLOAD_MALFORMED", "not a CandidateCommand");
    }
    REGULARS_RETURN_IF_ERROR(input->type == kConfirmCandidate
                                 ? DecodeDecision<v1::ConfirmCandidateRequest>(command, body.get())
                                 : DecodeDecision<v1::RejectCandidateRequest>(command, body.get()));
  }
  input->body = std::move(body);
  return absl::OkStatus();
}

shard::Effects Apply(const shard::EntityState& state, const shard::Input& input,
                     const Rules& rules) {
  const Body& body = BodyOf(input);
  shard::Effects effects;
  if (std::optional<shard::Reply> refusal = NotThere(state, rules); refusal.has_value()) {
    effects.reply = *std::move(refusal);
    return effects;
  }
  const auto decision = input.type == kConfirmCandidate ? v1::CANDIDATE_DECISION_CONFIRMED
                                                        : v1::CANDIDATE_DECISION_REJECTED;
  Step step =
      StepOf(state, input, model::HashedId({input.entity, input.type, input.id, body.other}), rules,
             &effects);
  Turn turn = TurnOf(&step, rules);
  const Decision decided = Decide(&turn, body.other, decision, body.actor);
  const bool done = decided.outcome == DecisionOutcome::kDone;
  if (done && !body.validate_only) {
    step.state.Flush(&effects);
  } else {
    effects = {};
  }
  effects.outcome = OutcomeLabel(decided.outcome);
  effects.reply = done || decided.outcome == DecisionOutcome::kRepeated
                      ? shard::Reply{absl::StatusCode::kOk, "", "",
                                     Shown(input, decided.candidate).SerializeAsString()}
                      : RefusalOf(decided.outcome);
  return effects;
}

shard::Reply Query(const shard::EntityState& state, const shard::Input& input, const Rules& rules) {
  if (std::optional<shard::Reply> refusal = NotThere(state, rules)) return *std::move(refusal);
  const Body& body = BodyOf(input);
  v1::ListCandidatesResponse response;
  const Draft draft(state);
  for (const v1::CandidateState& candidate : draft.All<v1::CandidateState>(kCandidatePrefix)) {
    const bool decided = candidate.decision() != v1::CANDIDATE_DECISION_UNSPECIFIED;
    if (candidate.other() <= body.page_token || (decided && !body.show_decided)) continue;
    if (static_cast<size_t>(response.candidates_size()) == body.page_size) {
      const std::string& last = response.candidates(response.candidates_size() - 1).name();
      response.set_next_page_token(last.substr(last.rfind('/') + 1));
      break;
    }
    *response.add_candidates() = Shown(input, candidate);
  }
  return {absl::StatusCode::kOk, "", "", response.SerializeAsString()};
}

bool IsSound(const v1::CandidateMessage& message, std::string_view entity) {
  if (message.ByteSizeLong() > kMessageBytesMax) return false;
  const bool is_block = entity.starts_with(kBlockEntityPrefix);
  const auto from = [&](const std::string& member) {
    return model::IsValidMemberId(member) && member != entity;
  };
  switch (message.kind_case()) {
    case v1::CandidateMessage::kJoined:
      return is_block && from(message.joined().member());
    case v1::CandidateMessage::kLeft:
      return is_block && from(message.left().member());
    case v1::CandidateMessage::kNeighbours:
      return entity.starts_with(kMemberPrefix) &&
             message.neighbours().members_size() < kBlockMembersMax &&
             std::all_of(message.neighbours().members().begin(),
                         message.neighbours().members().end(), from);
    case v1::CandidateMessage::kComparison:
      return entity.starts_with(kMemberPrefix) && from(message.comparison().member());
    case v1::CandidateMessage::kJudgement:
      return entity.starts_with(kMemberPrefix) && from(message.judgement().member());
    case v1::CandidateMessage::kGone:
      return entity.starts_with(kMemberPrefix) && from(message.gone().member());
    case v1::CandidateMessage::kDecided:
      return entity.starts_with(kMemberPrefix) && from(message.decided().member()) &&
             message.decided().decision() != v1::CANDIDATE_DECISION_UNSPECIFIED;
    case v1::CandidateMessage::kAbsorbed:
      return message.absorbed().member() == entity;
    case v1::CandidateMessage::KIND_NOT_SET:
      return false;
  }
  return false;
}

shard::Effects ApplyMessage(const shard::EntityState& state, const shard::Input& input,
                            const v1::CandidateMessage& message, const Rules& rules) {
  shard::Effects effects;
  Step step = StepOf(state, input, OriginOf(input, ""), rules, &effects);
  Turn turn = TurnOf(&step, rules);
  const Outcome outcome = ApplyKind(&turn, message);
  step.state.Flush(&effects);
  effects.outcome = OutcomeLabel(outcome);
  return effects;
}

void AfterVault(const shard::EntityState& state, const shard::Input& input, const Rules& rules,
                shard::Effects* effects) {
  const auto& deleted = effects->deletes;
  if (std::find(deleted.begin(), deleted.end(), kSelfSub) != deleted.end()) {
    Step step = StepOf(state, input, model::HashedId({"erased", input.entity}), rules, effects);
    Turn turn = TurnOf(&step, rules);
    return TellThatErased(&turn);
  }
  if (!rules.on() || input.type != events::kContactReported) return;
  using vault::ContactOutcome;
  constexpr ContactOutcome kTaken[] = {ContactOutcome::kChanged, ContactOutcome::kOlder,
                                       ContactOutcome::kNothingNew};
  if (std::none_of(std::begin(kTaken), std::end(kTaken), [&](ContactOutcome taken) {
        return vault::OutcomeLabel(taken) == effects->outcome;
      })) {
    return;
  }
  v1::ContactReported report;
  REGULARS_ASSERT(report.ParseFromString(input.payload), "a report that was decoded parses");
  // Who became part of another one is compared no longer; what it keeps is not its own to propose.
  const std::optional<v1::MemberState> member = ReadMember(state);
  if (member.has_value() && !member->parent().empty()) return;
  Draft after(state);
  for (const shard::Put& put : effects->puts) after.Put(put.sub, put.value, put.expires_at_us);
  Step step = StepOf(after, input, OriginOf(input, ""), rules, effects);
  Turn turn = TurnOf(&step, rules);
  OnContact(&turn, state, report.contact());
  step.state.Flush(effects);
}

void AfterLink(const shard::EntityState& state, const shard::Input& input, const Rules& rules,
               shard::Effects* effects) {
  if (!rules.on() || !state.Get(kSelfSub).has_value()) return;
  const auto put = std::find_if(effects->puts.begin(), effects->puts.end(),
                                [](const shard::Put& one) { return one.sub == kMemberSub; });
  if (put == effects->puts.end()) return;
  v1::MemberState member;
  REGULARS_ASSERT(member.ParseFromString(put->value), "a member does not parse");
  const std::optional<v1::MemberState> before = ReadMember(state);
  if (member.parent().empty() || (before.has_value() && !before->parent().empty())) return;
  Step step = StepOf(state, input, OriginOf(input, ".absorbed"), rules, effects);
  Turn turn = TurnOf(&step, rules);
  v1::CandidateMessage message;
  message.mutable_absorbed()->set_member(input.entity);
  Send(&turn, input.entity, std::move(message));
}

std::string CheckInvariants(const shard::EntityState& state) {
  std::string wrong = CheckBlock(state);
  return wrong.empty() ? CheckSelf(state) : wrong;
}

}  // namespace regulars::identity::candidates
