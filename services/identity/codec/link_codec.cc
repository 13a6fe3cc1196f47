#include "services/identity/codec/link_codec.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/candidates/candidate_codec.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/codec/link_replies.h"
#include "services/identity/kernel/link_commands.h"
#include "services/identity/kernel/link_kernel.h"
#include "services/identity/kernel/objects.h"
#include "services/identity/kernel/parted.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/sharing.h"

namespace regulars::identity {
namespace {

// A link that was decoded; `touch` is set for those that carry one.
struct LinkBody {
  v1::LinkMessage message;
  TouchBodyOfInput touch;
};

struct CommandBody {
  v1::MergeMembersCommand merge;
  v1::SplitMemberCommand split;
  v1::UndoMergeCommand undo;
};

bool CarriesTouch(const v1::LinkMessage& message) {
  return message.has_object_touch() || message.has_touch_returned() ||
         message.has_resolve_through();
}

v1::ObjectTouch* TouchOf(v1::LinkMessage* message) {
  if (message->has_object_touch()) return message->mutable_object_touch();
  if (message->has_touch_returned()) return message->mutable_touch_returned();
  return message->mutable_resolve_through();
}

Step::Where WhereOf(const shard::Input& input) {
  const bool is_command = input.kind == shard::InputKind::kCommand;
  const std::string_view topic = input.type == events::kTouchReceived ? "t" : "l";
  std::string origin = is_command ? model::HashedId({input.entity, input.type, input.id})
                                  : Cat(topic, input.partition, ".", input.offset);
  return {input.pool, input.entity, std::move(origin), input.now_us, input.partition, input.offset};
}

// A touch that met its object.
LinkOutcome ApplyTravelling(Step* step, const LinkBody& body, const TouchRules& rules,
                            shard::Effects* effects) {
  const v1::LinkMessage& message = body.message;
  ObjectDecision decision;
  if (message.has_object_touch()) {
    decision = OnObjectTouch(step, body.touch.facts, rules, message.object_touch());
  } else if (message.has_touch_returned()) {
    decision = OnTouchReturned(step, body.touch.facts, message.touch_returned());
    if (decision.is_new_member) PublishBirth(body.touch, decision.anchor, effects);
    return decision.outcome;
  } else {
    decision = OnResolveThrough(step, message.resolve_through());
  }
  if (decision.outcome == LinkOutcome::kResolved) {
    PublishResolved(body.touch,
                    {std::move(decision.anchor), decision.is_new_member, decision.provisional},
                    effects);
  }
  return decision.outcome;
}

}  // namespace

absl::Status DecodeLink(shard::Input* input) {
  auto body = std::make_shared<LinkBody>();
  if (!body->message.ParseFromString(input->payload) ||
      body->message.kind_case() == v1::LinkMessage::KIND_NOT_SET) {
    return DomainError(absl::StatusCode::kInvalidArgument, "LINK_MALFORMED", "not a LinkMessage");
  }
  if (body->message.has_candidate() &&
      !candidates::IsSound(body->message.candidate(), input->entity)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "LINK_MALFORMED",
                       "not a CandidateMessage of its entity");
  }
  if (body->message.has_privacy() && !vault::IsSound(body->message.privacy(), input->entity)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "LINK_MALFORMED",
                       "not a PrivacyMessage of its entity");
  }
  if (CarriesTouch(body->message)) {
    body->touch = DecodeTravelling(*input, *TouchOf(&body->message));
    if (!body->touch.malformed.empty()) {
      return DomainError(absl::StatusCode::kInvalidArgument, "LINK_MALFORMED",
                         body->touch.malformed);
    }
  }
  input->body = std::move(body);
  return absl::OkStatus();
}

const v1::CandidateMessage* CandidateOf(const shard::Input& input) {
  const auto& body = *static_cast<const LinkBody*>(input.body.get());
  return body.message.has_candidate() ? &body.message.candidate() : nullptr;
}

const v1::PrivacyMessage* PrivacyOf(const shard::Input& input) {
  const auto& body = *static_cast<const LinkBody*>(input.body.get());
  return body.message.has_privacy() ? &body.message.privacy() : nullptr;
}

bool IsLinkCommand(std::string_view type) {
  return type == kMergeMembers || type == kSplitMember || type == kUndoMerge;
}

absl::Status DecodeLinkCommand(shard::Input* input) {
  auto body = std::make_shared<CommandBody>();
  const bool parsed = input->type == kMergeMembers  ? body->merge.ParseFromString(input->payload)
                      : input->type == kSplitMember ? body->split.ParseFromString(input->payload)
                                                    : body->undo.ParseFromString(input->payload);
  if (!parsed) {
    return DomainError(absl::StatusCode::kInvalidArgument, "COMMAND_MALFORMED",
                       "the command does not parse");
  }
  input->body = std::move(body);
  return absl::OkStatus();
}

namespace {

// A message of linking that reaches a member after its erasure. Nothing is kept; who waits for an
// answer gets it, and an identifier that came along leads nowhere again.
shard::Effects ApplyToErased(const shard::EntityState& state, const shard::Input& input,
                             const LinkRules& links, const v1::LinkMessage& message,
                             Micros erased_us) {
  shard::Effects effects;
  if (message.has_propose()) {
    Step step(state, WhereOf(input), &links, &effects);
    v1::LinkMessage answer;
    *answer.mutable_reject()->mutable_attempt() = message.propose().attempt();
    answer.mutable_reject()->set_rule(std::string(kMemberErasedRule));
    answer.mutable_reject()->set_by(input.entity);
    step.Send(message.propose().attempt().young(), answer);
    step.Finish(LinkOutcome::kStopped);
  } else if (message.has_own()) {
    const v1::Own& own = message.own();
    vault::PublishIdentifierErased(own.member(),
                                   model::IdentifierKey(own.fragment().identifier().hmac()),
                                   erased_us, &effects);
  }
  effects.outcome = "member_erased";
  return effects;
}

// What was said to one of them while they were one person holds for those that `split` parts from
// it. `state` is that of before; what it tells itself comes before they hear that they are parted.
void ShareAfterSplit(const shard::EntityState& state, const shard::Input& input,
                     const v1::SplitCommitted& split, shard::Effects* effects) {
  Draft draft(state);
  const MemberBook before(&draft, input.entity);
  std::map<std::string, v1::WithdrawalsAsked> asked;
  for (const Parted& two : PartedBy(before, split)) {
    v1::WithdrawalsAsked& one = asked[two.holder];
    one.set_member(two.holder);
    one.set_split_id(split.split_id());
    one.set_until_us(input.now_us);
    v1::WithdrawalsTarget* target = one.add_targets();
    target->set_member(two.part);
    target->set_since_us(two.since_us);
  }
  if (const auto own = asked.find(input.entity); own != asked.end()) {
    vault::ShareWithdrawals(state, own->second, input.now_us, effects);
    asked.erase(own);
  }
  v1::WithdrawalsParted parted;
  for (auto& [holder, one] : asked) *parted.add_asked() = std::move(one);
  vault::PublishParted(input.entity, parted, input.now_us, effects);
}

}  // namespace

shard::Effects ApplyLinkRecord(const shard::EntityState& state, const shard::Input& input,
                               const LinkRules& links, const TouchRules& rules) {
  const auto& body = *static_cast<const LinkBody*>(input.body.get());
  if (const auto erasure = vault::ReadErasure(state); erasure.has_value()) {
    return ApplyToErased(state, input, links, body.message, erasure->erased_us());
  }
  shard::Effects effects;
  Step step(state, WhereOf(input), &links, &effects);
  step.Finish(CarriesTouch(body.message) ? ApplyTravelling(&step, body, rules, &effects)
                                         : ApplyLink(&step, body.message));
  return effects;
}

shard::Effects ApplyBirth(const shard::EntityState& state, const shard::Input& input,
                          const LinkRules& links, const v1::IdentifierAnchored& anchored) {
  shard::Effects effects;
  Step step(state, WhereOf(input), &links, &effects);
  step.Finish(OnBorn(&step, anchored));
  return effects;
}

shard::Effects ApplyObserved(const shard::EntityState& state, const shard::Input& input,
                             const LinkRules& links, const TouchRules& rules,
                             const TouchBodyOfInput& body) {
  shard::Effects effects;
  Step step(state, WhereOf(input), &links, &effects);
  const TouchDecision decision = ObserveTouch(&step, body.facts, rules, body.travelling);
  const bool mints = decision.minted || decision.outcome == TouchOutcome::kNewMember;
  if (mints && vault::HappenedBeforeErasure(state, body.facts.occurred_us)) {
    return vault::SetAsideErased();
  }
  if (decision.minted) PublishBirth(body, decision.anchor, &effects);
  PublishDecision(body, decision, &effects);
  step.Finish(LinkOutcome::kResolved);
  effects.outcome = OutcomeLabel(decision.outcome);
  return effects;
}

shard::Effects ApplyLinkCommand(const shard::EntityState& state, const shard::Input& input,
                                const LinkRules& links) {
  shard::Effects effects;
  if (!links.enabled) {
    effects.reply = LinkingOffReply();
    effects.outcome = "linking_off";
    return effects;
  }
  if (vault::ReadErasure(state).has_value()) {
    effects.reply = vault::MemberErasedReply();
    effects.outcome = "member_erased";
    return effects;
  }
  const auto& body = *static_cast<const CommandBody*>(input.body.get());
  Step step(state, WhereOf(input), &links, &effects);
  const CommandResult result = input.type == kMergeMembers  ? MergeMembers(&step, body.merge)
                               : input.type == kSplitMember ? SplitMember(&step, body.split)
                                                            : UndoMerge(&step, body.undo);
  if (result.outcome == CommandOutcome::kDone) {
    step.Finish(LinkOutcome::kRecorded);
    if (result.answer.has_split()) ShareAfterSplit(state, input, result.answer.split(), &effects);
  }
  effects.reply = ReplyOf(input.pool, result);
  effects.outcome = OutcomeLabel(result.outcome);
  return effects;
}

void PublishDecision(const TouchBodyOfInput& body, const TouchDecision& decision,
                     shard::Effects* effects) {
  const bool is_new = decision.outcome == TouchOutcome::kNewMember;
  if (!is_new && decision.outcome != TouchOutcome::kKnownMember) return;
  if (is_new) PublishBirth(body, decision.anchor, effects);
  PublishResolved(body, {decision.anchor, is_new, decision.provisional}, effects);
}

}  // namespace regulars::identity
