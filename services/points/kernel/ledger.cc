#include "services/points/kernel/ledger.h"

#include <algorithm>
#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/points/kernel/move.h"

namespace regulars::points {
namespace {

int64_t OrderPoints(const v1::OrderState& order, int64_t amount_minor) {
  const int64_t rate_points = std::max<int64_t>(order.rate_points(), 1);
  return PointsFor(amount_minor, {rate_points, order.rate_minor()}).value();
}

}  // namespace

bool MakesLot(const v1::EntryState& entry) {
  const auto kind = static_cast<EntryKind>(entry.kind());
  return kind == EntryKind::kEarned || kind == EntryKind::kMovedIn ||
         kind == EntryKind::kDuplicateAfterMerge;
}

int64_t LotExpiry(const v1::EntryState& earned) {
  const int64_t expiry = AddOrDie(earned.effective_us(), earned.expiry_days() * kMicrosPerDay);
  return std::min(expiry, kMicrosMax);
}

Ledger::Ledger(const shard::EntityState& state, const ProgramConfig& config, const Member& member,
               bool timer_fired)
    : config_(config),
      member_(member),
      set_(state, timer_fired),
      poster_(config.program, member_, &set_) {}

void Ledger::Open() { set_.OpenRoot(); }

EarnOutcome Ledger::Earn(const PaidOrder& order) {
  const std::string sub = OrderSub(order.order_key);
  std::optional<v1::OrderState> known = set_.Load<v1::OrderState>(sub);
  if (known && !known->awaiting_order()) {
    if (known->currency_code() != order.currency_code) {
      return EarnOutcome::kExistsWithDifferentCurrency;
    }
    if (known->amount_minor() != order.amount_minor) return EarnOutcome::kExistsWithDifferentAmount;
    KeepDouble(order, *known);
    return EarnOutcome::kAlreadyEarned;
  }
  const Rate rate = config_.RateFor(order.currency_code);
  const std::optional<int64_t> points = PointsFor(order.amount_minor, rate);
  if (!points || *points > kPointsPerOrderMax) return EarnOutcome::kPointsTooMany;
  if (set_.root().issued() > kLedgerPointsMax - *points) return EarnOutcome::kLedgerFull;

  Open();
  v1::OrderState state = std::move(known).value_or(v1::OrderState());
  const std::vector<std::string> pending(state.pending_refund_ids().begin(),
                                         state.pending_refund_ids().end());
  state.clear_pending_refund_ids();
  state.clear_awaiting_order();
  state.set_amount_minor(order.amount_minor);
  state.set_currency_code(order.currency_code);
  if (rate.points != 1) state.set_rate_points(rate.points);
  state.set_rate_minor(rate.minor);
  if (*points > 0) {
    PostEarned(order, *points, &state);
  } else {
    state.set_fragment_id(order.origin.fragment_id);
    set_.Store(sub, state);
  }
  if (!ApplyPending(order.order_key, pending)) return EarnOutcome::kEarnedRefundVoid;
  return *points > 0 ? EarnOutcome::kEarned : EarnOutcome::kEarnedNothing;
}

void Ledger::PostEarned(const PaidOrder& order, int64_t points, v1::OrderState* state) {
  v1::PointsRoot* root = set_.OpenRoot();
  const LotKey lot{
      std::min(AddOrDie(order.origin.effective_us, config_.expiry_days * kMicrosPerDay),
               kMicrosMax),
      root->next_entry_sequence()};
  root->set_issued(AddOrDie(root->issued(), points));
  Move(points);
  const int64_t left = PayDebt(points);

  PostingFacts facts{.kind = EntryKind::kEarned,
                     .points = points,
                     .natural_id = order.order_key,
                     .order_key = order.order_key,
                     .origin = order.origin,
                     .expiry_days = config_.expiry_days,
                     .debt_points = points - left,
                     .lots = {}};
  if (left > 0) {
    facts.lots.push_back(MoveOf(lot, left));
    set_.NewLot(lot, left);
  }
  v1::PointsEarned event;
  poster_.Post(facts, event.mutable_posting());
  event.set_amount_minor(order.amount_minor);
  event.set_currency_code(order.currency_code);
  event.set_debt_paid_points(facts.debt_points);
  poster_.Publish("PointsEarned", event.posting().natural_id(), event);

  state->set_entry_sequence(event.posting().entry_sequence());
  set_.Store(OrderSub(order.order_key), *state);
  if (left > 0 && lot.expires_at_us <= member_.now_us) ExpireLot(lot, left);
}

void Ledger::KeepDouble(const PaidOrder& order, const v1::OrderState& known) {
  const std::string& fragment = order.origin.fragment_id;
  const std::string standing = known.entry_sequence() > 0
                                   ? FragmentOf(EarnedEntry(known.entry_sequence()))
                                   : known.fragment_id();
  const std::string sub = Cat(kDoubleOrderPrefix, order.order_key, "/", fragment);
  if (fragment.empty() || fragment == standing || set_.Load<v1::MovedOrder>(sub)) return;
  v1::MovedOrder doubled;
  doubled.set_order_key(order.order_key);
  doubled.set_fragment_id(fragment);
  doubled.set_touch_id(order.origin.touch_id);
  doubled.set_effective_us(order.origin.effective_us);
  doubled.set_expiry_days(config_.expiry_days);
  v1::OrderState* state = doubled.mutable_state();
  const Rate rate = config_.RateFor(order.currency_code);
  state->set_amount_minor(order.amount_minor);
  state->set_currency_code(order.currency_code);
  if (rate.points != 1) state->set_rate_points(rate.points);
  state->set_rate_minor(rate.minor);
  const int64_t earned = EarnedBy(*state);
  doubled.set_without_lot(earned == 0);
  if (earned == 0) state->set_fragment_id(fragment);
  doubled.set_never_counted(true);
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_doubles(root->doubles() + 1);
  set_.Store(sub, doubled);
}

int64_t Ledger::RoomFor(const v1::Allocation& taken) const {
  if (!set_.root().handed()) return taken.points();
  const v1::EntryState entry = EarnedEntry(taken.lot());
  const auto order = set_.Load<v1::OrderState>(OrderSub(entry.natural_id()));
  if (!order || order->entry_sequence() != taken.lot()) return 0;
  const int64_t remaining = set_.LotRemaining({LotExpiry(entry), taken.lot()});
  return std::clamp<int64_t>(WorthOf(*order) - remaining, 0, taken.points());
}

void Ledger::Credit(const std::string& why, int64_t points) {
  const std::string key = Cat("/", why);
  if (const auto known = set_.Load<v1::OrderState>(OrderSub(key))) {
    return set_.AddToLot({LotExpiry(EarnedEntry(known->entry_sequence())), known->entry_sequence()},
                         points);
  }
  const Origin origin = AppliedNow({});
  v1::Posting posting;
  poster_.Post({.kind = EntryKind::kMovedIn,
                .points = 0,
                .natural_id = key,
                .order_key = "",
                .origin = origin,
                .expiry_days = config_.expiry_days,
                .debt_points = 0,
                .lots = {}},
               &posting);
  v1::OrderState credit;
  credit.set_entry_sequence(posting.entry_sequence());
  set_.Store(OrderSub(key), credit);
  set_.NewLot({LotExpiry(EarnedEntry(posting.entry_sequence())), posting.entry_sequence()}, points);
}

void Ledger::NoteHandoff(const std::string& survivor) {
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_handed(true);
  root->set_survivor(survivor);
}

void Ledger::HoldExpiry() { set_.OpenRoot()->set_expiry_held(true); }

RefundOutcome Ledger::Refund(const RefundedOrder& refund, int pending_max) {
  const std::string sub = RefundSub(refund.order_key, refund.refund_id);
  if (const auto known = set_.Load<v1::RefundState>(sub)) {
    if (known->currency_code() != refund.currency_code) {
      return RefundOutcome::kExistsWithDifferentCurrency;
    }
    if (known->amount_minor() != refund.amount_minor) {
      return RefundOutcome::kExistsWithDifferentAmount;
    }
    if (known->whole_order() != refund.whole_order) {
      return RefundOutcome::kExistsWithDifferentExtent;
    }
    return RefundOutcome::kAlreadyRefunded;
  }
  v1::RefundState state;
  state.set_amount_minor(refund.amount_minor);
  state.set_currency_code(refund.currency_code);
  state.set_whole_order(refund.whole_order);

  const std::string order_sub = OrderSub(refund.order_key);
  std::optional<v1::OrderState> order = set_.Load<v1::OrderState>(order_sub);
  if (order && !order->awaiting_order()) {
    if (order->currency_code() != refund.currency_code) return RefundOutcome::kCurrencyMismatch;
    state.set_entry_sequence(PostReversed(refund, &*order));
    set_.Store(sub, state);
    return state.entry_sequence() > 0 ? RefundOutcome::kRefunded : RefundOutcome::kRefundedNothing;
  }
  if (!order) order.emplace();
  if (order->pending_refund_ids_size() >= pending_max) return RefundOutcome::kPendingFull;
  Open();
  order->set_awaiting_order(true);
  order->add_pending_refund_ids(refund.refund_id);
  v1::PendingRefund* pending = state.mutable_pending();
  pending->set_effective_us(refund.origin.effective_us);
  pending->set_fragment_id(refund.origin.fragment_id);
  pending->set_touch_id(refund.origin.touch_id);
  set_.Store(order_sub, *order);
  set_.Store(sub, state);
  return RefundOutcome::kPending;
}

bool Ledger::ApplyPending(const std::string& order_key,
                          const std::vector<std::string>& refund_ids) {
  bool all_valid = true;
  for (const std::string& refund_id : refund_ids) {
    const std::string sub = RefundSub(order_key, refund_id);
    std::optional<v1::RefundState> state = set_.Load<v1::RefundState>(sub);
    REGULARS_ASSERT(state && state->has_pending(), "a pending refund is missing");
    std::optional<v1::OrderState> order = set_.Load<v1::OrderState>(OrderSub(order_key));
    if (state->currency_code() != order->currency_code()) {
      state->set_voided(true);
      all_valid = false;
    } else {
      const v1::PendingRefund& pending = state->pending();
      const RefundedOrder refund{.order_key = order_key,
                                 .refund_id = refund_id,
                                 .amount_minor = state->amount_minor(),
                                 .currency_code = state->currency_code(),
                                 .whole_order = state->whole_order(),
                                 .origin = {.touch_id = pending.touch_id(),
                                            .request_id = "",
                                            .fragment_id = pending.fragment_id(),
                                            .effective_us = pending.effective_us()}};
      state->set_entry_sequence(PostReversed(refund, &*order));
    }
    state->clear_pending();
    set_.Store(sub, *state);
  }
  return all_valid;
}

int64_t Ledger::PostReversed(const RefundedOrder& refund, v1::OrderState* order) {
  const int64_t amount = order->amount_minor();
  const int64_t open = amount - order->refunded_minor();
  order->set_refunded_minor(
      refund.whole_order ? amount : amount - open + std::min(open, refund.amount_minor));
  // The order keeps what an order of the rest would have earned.
  const int64_t target =
      OrderPoints(*order, amount) - OrderPoints(*order, amount - order->refunded_minor());
  const int64_t due = target - order->reversed_points();
  REGULARS_ASSERT(due >= 0, "an order gave back more than it had to");
  if (due == 0) {
    set_.Store(OrderSub(refund.order_key), *order);
    return 0;
  }
  const LotKey lot{LotExpiry(EarnedEntry(order->entry_sequence())), order->entry_sequence()};
  const int64_t from_lot = std::min(due, set_.LotRemaining(lot));
  const int64_t missing = due - from_lot;
  const int64_t debt = std::max<int64_t>(0, missing - order->expired_points());
  const int64_t moved = from_lot + debt;
  order->set_reversed_points(order->reversed_points() + moved);
  set_.Store(OrderSub(refund.order_key), *order);
  if (moved == 0) return 0;

  const std::string natural_id = Cat(refund.order_key, "/", refund.refund_id);
  PostingFacts facts{.kind = EntryKind::kReversed,
                     .points = moved,
                     .natural_id = natural_id,
                     .order_key = refund.order_key,
                     .origin = refund.origin,
                     .expiry_days = 0,
                     .debt_points = debt,
                     .lots = {}};
  if (from_lot > 0) {
    set_.TakeFromLot(lot, from_lot);
    facts.lots.push_back(MoveOf(lot, from_lot));
  }
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_reversed(AddOrDie(root->reversed(), moved));
  root->set_debt(AddOrDie(root->debt(), debt));
  Move(-moved);
  v1::PointsReversed event;
  poster_.Post(facts, event.mutable_posting());
  event.set_refund_id(refund.refund_id);
  event.set_debt_points(debt);
  poster_.Publish("PointsReversed", event.posting().natural_id(), event);
  return event.posting().entry_sequence();
}

v1::EntryState Ledger::EarnedEntry(int64_t sequence) const {
  std::optional<v1::EntryState> entry = set_.Load<v1::EntryState>(EntrySub(sequence));
  REGULARS_ASSERT(entry && MakesLot(*entry), "a lot without the entry that made it");
  return *std::move(entry);
}

int64_t Ledger::PayDebt(int64_t points) {
  v1::PointsRoot* root = set_.OpenRoot();
  const int64_t paid = std::clamp<int64_t>(root->debt(), 0, points);
  root->set_debt(root->debt() - paid);
  return points - paid;
}

void Ledger::Move(int64_t balance_delta) {
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_balance(AddOrDie(root->balance(), balance_delta));
}

shard::Effects Ledger::Finish() {
  shard::Effects effects;
  set_.Finish(config_.program, &effects);
  effects.publishes = poster_.Take();
  return effects;
}

}  // namespace regulars::points
