#include "services/segmentation/codec/handed.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "libs/handoff/draft.h"
#include "libs/handoff/protocol.h"
#include "services/segmentation/codec/body.h"
#include "services/segmentation/kernel/kernel.h"
#include "services/segmentation/kernel/memberships.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

using handoff::v1::HandoffMessage;

const Body* BodyOf(const shard::Input& input) { return static_cast<const Body*>(input.body.get()); }

const Handoff* HandoffIn(const shard::Input& input) {
  return input.body == nullptr ? nullptr : std::get_if<Handoff>(BodyOf(input));
}

v1::SegmentationRoot RootOf(const shard::EntityState& state) {
  return ReadState<v1::SegmentationRoot>(state, "").value_or(v1::SegmentationRoot());
}

// One input under way.
class Visit {
 public:
  Visit(const shard::EntityState& state, const shard::Input& input, const Rules& rules,
        const MoveLimits& limits)
      : input_(input),
        rules_(rules),
        draft_(state),
        protocol_(state, input),
        mover_(&draft_, limits) {}

  shard::Effects Run() {
    if (const Handoff* handoff = HandoffIn(input_)) {
      const auto* message = std::get_if<HandoffMessage>(&handoff->inbound);
      if (message == nullptr || !message->has_record()) {
        head_.outcome = std::string(protocol_.Take(handoff->inbound, &mover_));
        if (head_.outcome == "merge_survivor") return std::move(head_);
      } else {
        protocol_.Learn(*message, &mover_);
        TakeRecord(static_cast<const Body*>(handoff->record.get()), message, handoff->named);
      }
    } else if (input_.kind == shard::InputKind::kTimer) {
      TakeTimer();
    } else {
      TakeRecord(BodyOf(input_), nullptr, "");
    }
    JudgeOrHold();
    shard::Effects effects = draft_.Finish();
    effects.outcome = std::move(head_.outcome);
    effects.dead_letter = std::move(head_.dead_letter);
    if (mover_.refunds_lost()) {
      effects.dead_letter = {std::string(RefusalReason(Outcome::kTooManyRefunds)),
                             "refunds of one order from several members are more than are kept"};
    }
    protocol_.Finish(&effects);
    return effects;
  }

 private:
  // Records change the figures also while pages come and go; segments wait.
  bool Held() const { return protocol_.moving() || RootOf(draft_).judging_held(); }

  void TakeTimer() {
    if (Held()) {
      head_.outcome = "timer_held";
      return;
    }
    shard::Effects step = ApplyLapseTimer(draft_, rules_, {input_.entity, input_.time_us});
    head_.outcome = step.outcome;
    draft_.Take(std::move(step));
  }

  // `message`: the one that the record came in, if it was sent on; `named`: whom it names.
  void TakeRecord(const Body* body, const HandoffMessage* message, const std::string& named) {
    if (body == nullptr) {
      head_.outcome = "record_of_no_use";
      return;
    }
    const auto* purchase = std::get_if<Purchase>(body);
    const std::string& fragment =
        purchase != nullptr ? purchase->fragment_id : std::get<Refund>(*body).fragment_id;
    if (const auto elsewhere = protocol_.Elsewhere(fragment, named)) {
      head_.outcome = protocol_.SendOn(*elsewhere, message) ? "forwarded" : "too_many_hops";
      return;
    }
    const Moment moment{input_.entity, input_.now_us, Held()};
    const bool doubled = purchase != nullptr ? mover_.TakeDouble(*purchase)
                                             : mover_.TakeDouble(std::get<Refund>(*body));
    if (doubled) {
      JudgeIfFree(moment, purchase != nullptr ? Trigger{purchase->touch_id, fragment}
                                              : Trigger{std::get<Refund>(*body).touch_id, fragment,
                                                        Cause::kRefund});
      head_.outcome = "doubled";
    } else {
      shard::Effects step = purchase != nullptr
                                ? ApplyPurchase(draft_, rules_, moment, *purchase)
                                : ApplyRefund(draft_, rules_, moment, std::get<Refund>(*body));
      head_.outcome = step.outcome;
      head_.dead_letter = std::move(step.dead_letter);
      draft_.Take(std::move(step));
    }
    if (message != nullptr) protocol_.Applied(*message, fragment, named);
  }

  void JudgeIfFree(const Moment& moment, const Trigger& trigger) {
    if (moment.judging_held) return;
    PurchaseBook book(draft_);
    shard::Effects step;
    JudgeSegments(rules_, moment, trigger, draft_.Timer(kLapsed), &book.root(), &step);
    book.Finish(&step);
    draft_.Take(std::move(step));
  }

  // The last step: what follows from where the moves are now.
  void JudgeOrHold() {
    PurchaseBook book(draft_);
    v1::SegmentationRoot& root = book.root();
    const Moment moment{input_.entity, input_.now_us};
    const std::optional<Micros> timer = draft_.Timer(kLapsed);
    shard::Effects step;
    root.set_handed(true);
    root.set_survivor(protocol_.survivor());
    if (!root.survivor().empty()) {
      EndMemberships(rules_, moment, timer, &root, &step);
      root.set_judging_held(true);
      root.clear_inherited();  // it is on page 1
    } else if (protocol_.moving()) {
      root.set_judging_held(true);
    } else {
      if (root.judging_held() || HandoffIn(input_) != nullptr) {
        JudgeSegments(rules_, moment, {"", "", Cause::kMove}, timer, &root, &step);
      }
      root.set_judging_held(false);
      root.clear_inherited();
    }
    book.Finish(&step);
    draft_.Take(std::move(step));
  }

  const shard::Input& input_;
  const Rules& rules_;
  handoff::Draft draft_;
  handoff::Protocol protocol_;
  Mover mover_;
  shard::Effects head_;  // outcome and dead letter
};

}  // namespace

bool IsHanded(const shard::EntityState& state, const shard::Input& input) {
  return HandoffIn(input) != nullptr || RootOf(state).handed();
}

shard::Effects ApplyHanded(const shard::EntityState& state, const shard::Input& input,
                           const Rules& rules, const MoveLimits& limits) {
  return Visit(state, input, rules, limits).Run();
}

}  // namespace regulars::segmentation
