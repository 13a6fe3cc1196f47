#include "services/points/codec/points_program.h"

#include <utility>
#include <variant>

#include "libs/base/assert.h"
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
    REGULARS_ASSERT(false, "a query is not applied");
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

}  // namespace

PointsProgram::PointsProgram(std::map<std::string, ProgramConfig> programs) {
  for (auto& [pool, program] : programs) {
    REGULARS_ASSERT(program.Validate().ok(), "a points program is not valid");
    programs_.emplace(pool, std::move(program));
  }
}

std::vector<shard::InputTopic> PointsProgram::inputs() const {
  return {{.domain = "identity", .kind = "events", .clock_channels = 1}};
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
  if (timer) {
    head.outcome = std::string(InfoOf(ledger.Expire()).label);
  } else {
    std::visit(Visitor(input, *program, &ledger, &head), BodyOf(input));
  }
  shard::Effects effects = ledger.Finish();
  effects.outcome = std::move(head.outcome);
  effects.reply = std::move(head.reply);
  effects.dead_letter = std::move(head.dead_letter);
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
