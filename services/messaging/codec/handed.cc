#include "services/messaging/codec/handed.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "libs/handoff/draft.h"
#include "libs/handoff/protocol.h"
#include "services/messaging/codec/body.h"
#include "services/messaging/codec/replies.h"
#include "services/messaging/kernel/send_book.h"

namespace regulars::messaging {
namespace {

using handoff::v1::HandoffMessage;

// One input under way.
class Visit {
 public:
  Visit(const shard::EntityState& state, const shard::Input& input,
        const std::vector<Campaign>& campaigns, const MoveLimits& limits)
      : input_(input),
        campaigns_(campaigns),
        moment_{input.pool, input.entity, input.now_us},
        draft_(state),
        protocol_(state, input),
        mover_(&draft_, moment_, limits) {}

  shard::Effects Run() {
    const Body& body = BodyOf(input_);
    const auto* handoff = std::get_if<Handoff>(&body);
    if (const auto* merge =
            handoff == nullptr ? nullptr : std::get_if<handoff::Merge>(&handoff->inbound);
        merge != nullptr && merge->loser != input_.entity) {
      head_.outcome = "merge_survivor";
      return std::move(head_);
    }
    Note();
    if (handoff != nullptr) {
      const auto* message = std::get_if<HandoffMessage>(&handoff->inbound);
      if (message == nullptr || !message->has_record()) {
        head_.outcome = std::string(protocol_.Take(handoff->inbound, &mover_));
      } else {
        protocol_.Learn(*message, &mover_);
        TakeRecord(static_cast<const Body*>(handoff->record.get()), message, handoff->named);
      }
    } else if (const auto* report = std::get_if<ProviderReport>(&body)) {
      if (!TakeCommand(*report)) return std::move(head_);
    } else {
      const std::string named = NamedBy(body);
      TakeRecord(&body, nullptr, named == input_.entity ? "" : named);
    }
    Note();
    shard::Effects effects = draft_.Finish();
    effects.outcome = std::move(head_.outcome);
    effects.reply = std::move(head_.reply);
    effects.dead_letter = std::move(head_.dead_letter);
    if (mover_.reports_lost()) effects.dead_letter = kReportsFull;
    protocol_.Finish(&effects);
    return effects;
  }

 private:
  static inline const shard::DeadLetterEffect kReportsFull = {
      "PENDING_REPORTS_FULL", "too many reports wait for sends that a merge or split moves"};

  // The root says where the protocol is.
  void Note() {
    v1::MessagingRoot root = ReadRoot(draft_);
    root.set_handed(true);
    root.set_survivor(protocol_.survivor());
    shard::Effects step;
    step.puts.push_back({"", root.SerializeAsString()});
    draft_.Take(std::move(step));
  }

  void Carry(shard::Effects step) {
    head_.outcome = step.outcome;
    draft_.Take(std::move(step));
  }

  // `message`: the one that the record came in, if it was sent on; `named`: whom it is about, ""
  // for the entity itself.
  void TakeRecord(const Body* body, const HandoffMessage* message, const std::string& named) {
    if (body == nullptr) {
      head_.outcome = "record_of_no_use";
      return;
    }
    if (const auto elsewhere = protocol_.Elsewhere("", named)) {
      head_.outcome = protocol_.SendOn(*elsewhere, message) ? "forwarded" : "too_many_hops";
      return;
    }
    if (const auto* entry = std::get_if<Entry>(body)) {
      Carry(ApplyEntry(draft_, campaigns_, moment_, *entry));
    } else {
      const v1::DeliveryReported& event = std::get<Reported>(*body).event;
      ReportResult result = mover_.TakeReport(event);
      if (result.outcome != Outcome::kUnknownSend || !SendSub(event.send_id()).has_value()) {
        head_.dead_letter = std::move(result.effects.dead_letter);
        Carry(std::move(result.effects));
      } else if (mover_.Await(event)) {
        head_.outcome = "report_pending";
      } else {
        head_.outcome = "reports_full";
        head_.dead_letter = kReportsFull;
      }
    }
    if (message != nullptr) protocol_.Applied(*message, "", named);
  }

  // False: refused, nothing changes.
  bool TakeCommand(const ProviderReport& command) {
    if (auto refusal = protocol_.Refuse(command.report.origin)) {
      head_.outcome = refusal->survivor.empty() ? "member_moving" : "member_merged";
      head_.reply = std::move(refusal);
      return false;
    }
    ReportResult result = ApplyReport(draft_, moment_, command.report);
    head_.reply = ReportReply(input_, result);
    Carry(std::move(result.effects));
    return true;
  }

  const shard::Input& input_;
  const std::vector<Campaign>& campaigns_;
  const Moment moment_;
  handoff::Draft draft_;
  handoff::Protocol protocol_;
  Mover mover_;
  shard::Effects head_;  // outcome, reply and dead letter
};

}  // namespace

bool IsHanded(const shard::EntityState& state, const shard::Input& input) {
  return std::holds_alternative<Handoff>(BodyOf(input)) || ReadRoot(state).handed();
}

shard::Effects ApplyHanded(const shard::EntityState& state, const shard::Input& input,
                           const std::vector<Campaign>& campaigns, const MoveLimits& limits) {
  return Visit(state, input, campaigns, limits).Run();
}

}  // namespace regulars::messaging
