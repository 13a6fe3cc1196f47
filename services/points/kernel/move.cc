// What a move does to totals, lines and lots.
#include "services/points/kernel/move.h"

#include <algorithm>

#include "libs/base/checked.h"
#include "libs/base/text.h"

namespace regulars::points {

int64_t EarnedBy(const v1::OrderState& order) {
  if (order.rate_minor() == 0) return 0;
  const int64_t rate_points = std::max<int64_t>(order.rate_points(), 1);
  return PointsFor(order.amount_minor(), {rate_points, order.rate_minor()}).value();
}

int64_t WorthOf(const v1::OrderState& order) {
  return EarnedBy(order) - order.reversed_points() - order.expired_points();
}

void Mover::CountOrder(const v1::OrderState& order, int sign) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  v1::Elsewhere* elsewhere = root->mutable_elsewhere();
  const int64_t earned = sign * EarnedBy(order);
  const int64_t reversed = sign * order.reversed_points();
  const int64_t expired = sign * order.expired_points();
  root->set_issued(AddOrDie(root->issued(), earned));
  root->set_reversed(AddOrDie(root->reversed(), reversed));
  root->set_expired(AddOrDie(root->expired(), expired));
  elsewhere->set_issued(AddOrDie(elsewhere->issued(), earned));
  elsewhere->set_reversed(AddOrDie(elsewhere->reversed(), reversed));
  elsewhere->set_expired(AddOrDie(elsewhere->expired(), expired));
  ledger_.Move(sign * WorthOf(order));
}

void Mover::CountRedemption(int64_t points, int sign) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_redeemed(AddOrDie(root->redeemed(), sign * points));
  v1::Elsewhere* elsewhere = root->mutable_elsewhere();
  elsewhere->set_redeemed(AddOrDie(elsewhere->redeemed(), sign * points));
  ledger_.Move(-sign * points);
}

int64_t Mover::PostLine(EntryKind kind, std::string_view natural_id, int64_t points,
                        const Origin& origin, int64_t expiry_days) {
  v1::Posting posting;
  ledger_.poster_.Post({.kind = kind,
                        .points = points,
                        .natural_id = natural_id,
                        .order_key = "",
                        .origin = origin,
                        .expiry_days = expiry_days,
                        .debt_points = 0,
                        .lots = {}},
                       &posting);
  return posting.entry_sequence();
}

void Mover::PublishMoved(const std::string& move_id, uint32_t page, uint32_t part, int64_t points) {
  v1::PointsMoved event;
  event.set_member(std::string(ledger_.member_.id));
  event.set_program(ledger_.config_.program);
  event.set_move_id(move_id);
  event.set_page(page);
  event.set_points(points);
  const v1::PointsRoot& root = ledger_.set_.root();
  event.set_balance_after(root.balance());
  event.set_debt_points(root.debt());
  event.set_recorded_us(ledger_.member_.now_us);
  ledger_.poster_.Publish(
      "PointsMoved", Cat("move/", move_id, "/", page, "/", part, "/", root.next_entry_sequence()),
      event);
}

void Mover::PublishDuplicate(std::string_view natural_id, std::string_view origin, int64_t points,
                             bool undone) {
  v1::DuplicateAfterMerge event;
  event.set_member(std::string(ledger_.member_.id));
  event.set_program(ledger_.config_.program);
  event.set_natural_id(std::string(natural_id));
  event.set_points(points);
  event.set_undone(undone);
  const v1::PointsRoot& root = ledger_.set_.root();
  event.set_balance_after(root.balance());
  event.set_origin(std::string(origin));
  event.set_recorded_us(ledger_.member_.now_us);
  ledger_.poster_.Publish(
      "DuplicateAfterMerge",
      Cat("duplicate_after_merge/", natural_id, "/", root.next_entry_sequence() - 1), event);
}

void Mover::PayFromLots(int64_t points) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  int looked = 0;
  for (auto lot = ledger_.set_.FirstLot(); lot && points > 0 && looked < kLotsSettledMax;
       lot = ledger_.set_.LotAfter(lot->key), ++looked) {
    const int64_t paid = std::min(points, lot->remaining);
    ledger_.set_.TakeFromLot(lot->key, paid);
    root->set_debt(root->debt() - paid);
    points -= paid;
  }
}

void Mover::CreditBelowZero(const std::string& why) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  const int64_t credit = -root->debt();
  if (credit <= 0) return;
  root->set_debt(0);
  ledger_.Credit(why, credit);
}

}  // namespace regulars::points
