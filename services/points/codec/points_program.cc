#include "services/points/codec/points_program.h"

#include <utility>
#include <variant>

#include "libs/base/assert.h"
#include "libs/events/types.h"
#include "libs/model/names.h"
#include "regulars/points/v1/points_service.pb.h"
#include "services/points/codec/inputs.h"
#include "services/points/codec/replies.h"
#include "services/points/kernel/invariants.h"
#include "services/points/kernel/ledger.h"

namespace regulars::points {
namespace {

shard::Reply Refusal(const OutcomeInfo& info) {
  return {.code = info.code,
          .reason = std::string(info.reason),
          .message = std::string(info.sentence),
          .payload = ""};
}

std::string BalanceNameOf(const shard::Input& input, const ProgramConfig& program) {
  return model::FormatName(kBalancePattern, {input.pool, input.entity, program.program});
}

// Does one input to a ledger: sets outcome, reply and dead letter of `effects`; the state's changes
// are in the ledger.
class Visitor {
 public:
  Visitor(const shard::Input& input, const ProgramConfig& program, Ledger* ledger,
          shard::Effects* effects)
      : input_(input), program_(program), ledger_(ledger), effects_(effects) {}

  void operator()(const MemberSeen&) {
    ledger_->Open();
    effects_->outcome = "member_seen";
  }
  void operator()(const PaidOrder& order) { EndRecord(InfoOf(ledger_->Earn(order))); }
  void operator()(const RefundedOrder& refund) { EndRecord(InfoOf(ledger_->Refund(refund))); }
  void operator()(const Redemption& redemption) {
    v1::RedemptionState state;
    const OutcomeInfo& info = InfoOf(ledger_->Redeem(redemption, &state));
    v1::RedeemPointsResponse response;
    EndCommand(info, redemption.redemption_id, state, state.after(), &response);
  }
  void operator()(const Reversal& reversal) {
    v1::RedemptionState state;
    const OutcomeInfo& info = InfoOf(ledger_->Reverse(reversal, &state));
    v1::ReversePointsResponse response;
    EndCommand(info, reversal.redemption_id, state, state.after_reversal(), &response);
  }
  template <typename Q>
  void operator()(const Q&) {
    REGULARS_ASSERT(false, "neither a query nor a handoff is applied here");
  }

 private:
  void EndRecord(const OutcomeInfo& info) {
    effects_->outcome = std::string(info.label);
    if (info.code == absl::StatusCode::kOk) return;
    effects_->dead_letter = {.reason = std::string(info.reason),
                             .detail = std::string(info.sentence)};
  }

  template <typename Response>
  void EndCommand(const OutcomeInfo& info, const std::string& redemption_id,
                  const v1::RedemptionState& state, const v1::PointsRoot& root,
                  Response* response) {
    effects_->outcome = std::string(info.label);
    effects_->reply = Refusal(info);
    if (info.code != absl::StatusCode::kOk) return;
    const std::string name = BalanceNameOf(input_, program_);
    *response->mutable_redemption() = RenderRedemption(name, redemption_id, state);
    *response->mutable_balance() = RenderBalance(name, root);
    effects_->reply->payload = response->SerializeAsString();
  }

  const shard::Input& input_;
  const ProgramConfig& program_;
  Ledger* ledger_;
  shard::Effects* effects_;
};

// The alias that a command names, "" if it names the entity itself.
std::string AliasIn(const Body& body) {
  if (const auto* redemption = std::get_if<Redemption>(&body)) return redemption->member;
  if (const auto* reversal = std::get_if<Reversal>(&body)) return reversal->member;
  return "";
}

std::string FragmentIn(const Body& body) {
  if (const auto* seen = std::get_if<MemberSeen>(&body)) return seen->fragment_id;
  if (const auto* paid = std::get_if<PaidOrder>(&body)) return paid->origin.fragment_id;
  if (const auto* refunded = std::get_if<RefundedOrder>(&body)) return refunded->origin.fragment_id;
  return "";
}

shard::Effects Together(shard::Effects effects, shard::Effects head) {
  effects.outcome = std::move(head.outcome);
  effects.reply = std::move(head.reply);
  effects.dead_letter = std::move(head.dead_letter);
  return effects;
}

}  // namespace

PointsProgram::PointsProgram(std::map<std::string, ProgramConfig> programs,
                             const MoveLimits& move_limits)
    : move_limits_(move_limits) {
  for (auto& [pool, program] : programs) {
    REGULARS_ASSERT(program.Validate().ok(), "a points program is not valid");
    programs_.emplace(pool, std::move(program));
  }
}

std::vector<shard::InputTopic> PointsProgram::inputs() const {
  return {{.domain = "identity", .kind = "events", .clock_channels = 1},
          {.domain = "points", .kind = std::string(events::kHandoffKind), .clock_channels = -2}};
}

const ProgramConfig* PointsProgram::ProgramOf(std::string_view pool) const {
  const auto program = programs_.find(pool);
  return program == programs_.end() ? nullptr : &program->second;
}

absl::Status PointsProgram::Decode(shard::Input* input, bool* skip) const {
  const ProgramConfig* program = ProgramOf(input->pool);
  *skip = false;
  switch (input->kind) {
    case shard::InputKind::kRecord:
      if (program == nullptr) {
        *skip = true;
        return absl::OkStatus();
      }
      return DecodeRecord(input, skip);
    case shard::InputKind::kCommand:
      return DecodeCommand(program, input);
    case shard::InputKind::kQuery:
      return DecodeQuery(program, input);
    case shard::InputKind::kTimer:
      return absl::OkStatus();
  }
  REGULARS_ASSERT(false, "an input of no kind");
}

shard::Effects PointsProgram::Apply(const shard::EntityState& state,
                                    const shard::Input& input) const {
  const ProgramConfig* program = ProgramOf(input.pool);
  shard::Effects head;
  if (program == nullptr) {  // a timer of a pool whose program was taken out of the configuration
    head.outcome = "no_program";
    return head;
  }
  const bool timer = input.kind == shard::InputKind::kTimer;
  Ledger ledger(state, *program, {.id = input.entity, .now_us = input.now_us}, timer);
  const Body* body = timer ? nullptr : &BodyOf(input);
  const auto* handoff = timer ? nullptr : std::get_if<Handoff>(body);
  if (handoff != nullptr || ledger.root().handed()) {
    return ApplyHanded(state, input, *program, handoff, &ledger);
  }
  if (timer) {
    head.outcome = std::string(InfoOf(ledger.Expire()).label);
  } else if (!AliasIn(*body).empty()) {
    head.outcome = "member_moving";  // the entity does not know yet that the caller's is part of it
    head.reply = handoff::Protocol::Moving();
    return head;
  } else {
    std::visit(Visitor(input, *program, &ledger, &head), *body);
  }
  return Together(ledger.Finish(), std::move(head));
}

shard::Effects PointsProgram::ApplyHanded(const shard::EntityState& state,
                                          const shard::Input& input, const ProgramConfig& program,
                                          const Handoff* handoff, Ledger* ledger) const {
  shard::Effects head;
  handoff::Protocol protocol(state, input);
  Mover mover(ledger, move_limits_);
  const handoff::v1::HandoffMessage* message = nullptr;  // with a record
  const Body* body = nullptr;
  if (handoff != nullptr) {
    message = std::get_if<handoff::v1::HandoffMessage>(&handoff->inbound);
    if (message != nullptr && !message->has_record()) message = nullptr;
    if (message != nullptr) {
      protocol.Learn(*message, &mover);
      body = static_cast<const Body*>(handoff->record.get());
      if (body == nullptr) head.outcome = "record_moves_nothing";
    } else {
      head.outcome = std::string(protocol.Take(handoff->inbound, &mover));
      if (head.outcome == "merge_survivor") return head;
    }
  } else if (input.kind == shard::InputKind::kTimer) {
    if (protocol.expecting()) {
      ledger->HoldExpiry();
      head.outcome = "held";
    } else {
      head.outcome = std::string(InfoOf(ledger->Expire()).label);
    }
  } else {
    body = &BodyOf(input);
  }
  if (body != nullptr && input.kind == shard::InputKind::kCommand) {
    const std::string alias = AliasIn(*body);
    if (auto refusal = protocol.Refuse(alias.empty() ? input.entity : alias)) {
      head.outcome = refusal->survivor.empty() ? "member_moving" : "member_merged";
      head.reply = std::move(refusal);
      return head;
    }
  }
  if (body != nullptr) {
    const std::string fragment = FragmentIn(*body);
    const bool command = input.kind == shard::InputKind::kCommand;
    const auto elsewhere =
        command ? std::nullopt
                : protocol.Elsewhere(fragment, message != nullptr ? handoff->named : "");
    if (elsewhere.has_value()) {
      head.outcome = protocol.SendOn(*elsewhere, message) ? "forwarded" : "too_many_hops";
    } else {
      std::visit(Visitor(input, program, ledger, &head), *body);
      if (message != nullptr) protocol.Applied(*message, fragment, handoff->named);
    }
  }
  ledger->NoteHandoff(protocol.survivor());
  if (mover.refund_lost()) {
    const OutcomeInfo& lost = InfoOf(RefundOutcome::kPendingFull);
    head.dead_letter = {.reason = std::string(lost.reason), .detail = std::string(lost.sentence)};
  }
  shard::Effects effects = Together(ledger->Finish(), std::move(head));
  protocol.Finish(&effects);
  return effects;
}

shard::Reply PointsProgram::Query(const shard::EntityState& state,
                                  const shard::Input& input) const {
  const ProgramConfig* program = ProgramOf(input.pool);
  REGULARS_ASSERT(program != nullptr, "a query of a pool without a program was decoded");
  const std::optional<std::string> bytes = state.Get("");
  if (!bytes) return Refusal(InfoOf(RedeemOutcome::kMemberUnknown));
  v1::PointsRoot root;
  REGULARS_ASSERT(root.ParseFromString(*bytes), "a root does not parse");
  if (!root.survivor().empty()) return handoff::Protocol::AskSurvivor(root.survivor());
  const std::string name = BalanceNameOf(input, *program);
  shard::Reply reply;
  if (const auto* entries = std::get_if<EntriesQuery>(&BodyOf(input))) {
    reply.payload = RenderEntries(state, name, *entries, root).SerializeAsString();
  } else {
    reply.payload = RenderBalance(name, root).SerializeAsString();
  }
  return reply;
}

std::string PointsProgram::CheckInvariants(const shard::EntityState& state) const {
  return CheckLedger(state);
}

}  // namespace regulars::points
