#include "services/segmentation/kernel/kernel.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/segmentation/kernel/memberships.h"
#include "services/segmentation/kernel/purchase_book.h"

namespace regulars::segmentation {
namespace {

shard::Effects Done(shard::Effects effects, Outcome outcome) {
  effects.outcome = std::string(OutcomeLabel(outcome));
  return effects;
}

shard::Effects Refused(Outcome outcome, std::string detail) {
  shard::Effects effects;
  effects.dead_letter =
      shard::DeadLetterEffect{std::string(RefusalReason(outcome)), std::move(detail)};
  return Done(std::move(effects), outcome);
}

// The last steps of every change: order, segments, root.
shard::Effects Commit(const shard::EntityState& state, const Rules& rules, const Moment& moment,
                      const Trigger& trigger, std::string_view order_key,
                      const v1::PurchaseState& before, v1::PurchaseState after, PurchaseBook* book,
                      Outcome outcome) {
  shard::Effects effects;
  book->Replace(order_key, before, &after, &effects);
  if (!moment.judging_held) {
    JudgeSegments(rules, moment, trigger, state.Timer(kLapsed), &book->root(), &effects);
  }
  book->Finish(&effects);
  return Done(std::move(effects), outcome);
}

}  // namespace

std::string_view OutcomeLabel(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDuplicate:
      return "duplicate";
    case Outcome::kCurrencyMismatch:
      return "currency_mismatch";
    case Outcome::kTooManyRefunds:
      return "too_many_refunds";
    case Outcome::kTooManyPending:
      return "too_many_pending";
    case Outcome::kFiguresExceeded:
      return "figures_exceeded";
    case Outcome::kPurchased:
      return "purchased";
    case Outcome::kPurchasedRefunded:
      return "purchased_refunded";
    case Outcome::kRefundedPartly:
      return "refunded_partly";
    case Outcome::kRefundedWholly:
      return "refunded_wholly";
    case Outcome::kRefundedAlready:
      return "refunded_already";
    case Outcome::kRefundPending:
      return "refund_pending";
    case Outcome::kLapsedByTimer:
      return "lapsed";
    case Outcome::kTimerMoved:
      return "timer_moved";
    case Outcome::kTimerIdle:
      return "timer_idle";
  }
  REGULARS_ASSERT(false, "an outcome without a label");
}

std::string_view RefusalReason(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCurrencyMismatch:
      return "CURRENCY_MISMATCH";
    case Outcome::kTooManyRefunds:
      return "TOO_MANY_REFUNDS";
    case Outcome::kTooManyPending:
      return "TOO_MANY_PENDING_REFUNDS";
    case Outcome::kFiguresExceeded:
      return "PURCHASE_FIGURES_EXCEEDED";
    default:
      return "";
  }
}

shard::Effects ApplyPurchase(const shard::EntityState& state, const Rules& rules,
                             const Moment& moment, const Purchase& purchase) {
  PurchaseBook book(state);
  const v1::PurchaseState before = book.Order(purchase.order_key);
  if (before.paid()) return Done({}, Outcome::kDuplicate);
  v1::PurchaseState after = before;
  after.set_paid(true);
  after.set_occurred_us(purchase.occurred_us);
  after.set_amount_minor(purchase.amount_minor);
  after.set_currency_code(purchase.currency);
  after.set_fragment_id(purchase.fragment_id);
  const bool pending = before.refund_ids_size() > 0;
  if (pending && before.currency_code() != purchase.currency) {
    // Refunds in another currency would have been refused after the order; so nothing of them
    // stays.
    after.clear_refunded_minor();
    after.clear_whole_order_refunded();
    after.clear_refund_ids();
  }
  if (!book.HasRoomFor(before, after)) {
    return Refused(Outcome::kFiguresExceeded, "the order does not fit into the member's sums");
  }
  if (pending) book.root().set_pending_orders(book.root().pending_orders() - 1);
  const Outcome outcome = Counts(after) ? Outcome::kPurchased : Outcome::kPurchasedRefunded;
  return Commit(state, rules, moment, {purchase.touch_id, purchase.fragment_id}, purchase.order_key,
                before, std::move(after), &book, outcome);
}

shard::Effects ApplyRefund(const shard::EntityState& state, const Rules& rules,
                           const Moment& moment, const Refund& refund) {
  PurchaseBook book(state);
  const v1::PurchaseState before = book.Order(refund.order_key);
  const auto& ids = before.refund_ids();
  if (std::find(ids.begin(), ids.end(), refund.refund_id) != ids.end()) {
    return Done({}, Outcome::kDuplicate);
  }
  const bool known = before.paid() || before.refund_ids_size() > 0;
  if (known && before.currency_code() != refund.currency) {
    return Refused(Outcome::kCurrencyMismatch, "the refund is not in the currency of its order");
  }
  if (before.refund_ids_size() >= kRefundsPerOrderMax) {
    return Refused(Outcome::kTooManyRefunds, "the order has too many refunds");
  }
  if (!known && book.root().pending_orders() >= kPendingOrdersMax) {
    return Refused(Outcome::kTooManyPending, "too many refunds of the member await their orders");
  }
  const std::optional<int64_t> refunded = CheckedAdd(before.refunded_minor(), refund.amount_minor);
  if (!refunded.has_value()) {
    return Refused(Outcome::kFiguresExceeded, "the refunds of the order overflow");
  }
  v1::PurchaseState after = before;
  after.add_refund_ids(refund.refund_id);
  after.set_refunded_minor(*refunded);
  if (refund.whole_order) after.set_whole_order_refunded(true);
  if (!known) {
    after.set_currency_code(refund.currency);
    if (rules.linking) after.set_fragment_id(refund.fragment_id);
    book.root().set_pending_orders(book.root().pending_orders() + 1);
  }
  Outcome outcome = Outcome::kRefundPending;
  if (before.paid()) {
    outcome = !before.counted() ? Outcome::kRefundedAlready
              : Counts(after)   ? Outcome::kRefundedPartly
                                : Outcome::kRefundedWholly;
  }
  return Commit(state, rules, moment, {refund.touch_id, refund.fragment_id, Cause::kRefund},
                refund.order_key, before, std::move(after), &book, outcome);
}

shard::Effects ApplyLapseTimer(const shard::EntityState& state, const Rules& rules,
                               const Moment& moment) {
  PurchaseBook book(state);
  shard::Effects effects;
  JudgeSegments(rules, moment, {}, std::nullopt, &book.root(), &effects);
  if (!effects.publishes.empty()) {
    book.Finish(&effects);
    return Done(std::move(effects), Outcome::kLapsedByTimer);
  }
  const Outcome outcome = effects.set_timers.empty() ? Outcome::kTimerIdle : Outcome::kTimerMoved;
  return Done(std::move(effects), outcome);
}

}  // namespace regulars::segmentation
