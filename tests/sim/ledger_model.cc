#include "tests/sim/ledger_model.h"

#include <algorithm>

#include "libs/base/text.h"

namespace regulars::sim {

void Figures::operator+=(const Figures& other) {
  issued += other.issued;
  outstanding += other.outstanding;
  redeemed += other.redeemed;
  expired += other.expired;
  reversed += other.reversed;
}

std::string Figures::Text() const {
  return Cat("issued ", issued, ", outstanding ", outstanding, ", redeemed ", redeemed,
             ", expired ", expired, ", reversed ", reversed);
}

LedgerModel::LedgerModel(const std::vector<const SentTouch*>& touches, int64_t lot_life_us)
    : life_us_(lot_life_us) {
  for (const SentTouch* touch : touches) {
    if (touch->kind == SentTouch::Kind::kOther) continue;
    Order& order = orders_[Cat("shop/", touch->order_id)];
    if (touch->kind == SentTouch::Kind::kOrder) {
      order.touch = touch;
    } else {
      order.refunds.push_back(touch);
    }
  }
}

int64_t LedgerModel::RefundedBy(const Order& order, size_t refunds) {
  int64_t refunded = 0;
  for (size_t i = 0; i < refunds; ++i) {
    const SentTouch& refund = *order.refunds[i];
    const int64_t open = order.touch->amount_minor - refunded;
    refunded += refund.whole_order ? open : std::min(open, refund.amount_minor);
  }
  return refunded;
}

LedgerModel::Order* LedgerModel::OrderOfLot(int64_t number) {
  for (auto& [key, order] : orders_) {
    if (order.earned_entry == number) return &order;
  }
  return nullptr;
}

std::string LedgerModel::CheckPosting(const points::v1::Posting& posting, int64_t balance_delta) {
  figures_.outstanding += balance_delta;
  if (posting.balance_after() != figures_.outstanding) {
    return Cat("balance after is ", posting.balance_after(), ", the model has ",
               figures_.outstanding);
  }
  if (next_entry_ != 0 && posting.entry_sequence() != next_entry_) {
    return Cat("entry ", posting.entry_sequence(), " where ", next_entry_, " was due");
  }
  next_entry_ = posting.entry_sequence() + 1;
  return "";
}

std::string LedgerModel::Apply(std::string_view type, const std::string& value) {
  const auto parse = [&](auto event, auto method) -> std::string {
    if (!event.ParseFromString(value)) return "does not parse";
    return (this->*method)(event);
  };
  if (waiting_loss_ > 0 && type != "io.regulars.points.v1.PointsExpired") {
    return "the loss of a returned lot is missing";
  }
  if (type == "io.regulars.points.v1.PointsEarned") {
    return parse(points::v1::PointsEarned(), &LedgerModel::Earned);
  }
  if (type == "io.regulars.points.v1.PointsReversed") {
    return parse(points::v1::PointsReversed(), &LedgerModel::Reversed);
  }
  if (type == "io.regulars.points.v1.PointsRedeemed") {
    return parse(points::v1::PointsRedeemed(), &LedgerModel::Redeemed);
  }
  if (type == "io.regulars.points.v1.RedemptionReversed") {
    return parse(points::v1::RedemptionReversed(), &LedgerModel::Returned);
  }
  if (type == "io.regulars.points.v1.PointsExpired") {
    return parse(points::v1::PointsExpired(), &LedgerModel::Expired);
  }
  return "unknown type";
}

std::string LedgerModel::Earned(const points::v1::PointsEarned& event) {
  const points::v1::Posting& posting = event.posting();
  const auto it = orders_.find(posting.cause().order());
  if (it == orders_.end() || it->second.touch == nullptr) return "no such order";
  Order& order = it->second;
  if (order.earned_entry != 0) return "earned twice";
  const int64_t points = PointsOf(order.touch->amount_minor);
  if (posting.points() != points) return Cat(posting.points(), " points instead of ", points);
  order.earned_entry = posting.entry_sequence();
  order.lot = {order.touch->occurred_us + life_us_, posting.entry_sequence()};
  const int64_t paid = std::min(debt_, points);
  if (event.debt_paid_points() != paid) return "paid another debt";
  debt_ -= paid;
  if (points > paid) lots_[order.lot] = points - paid;
  figures_.issued += points;
  return CheckPosting(posting, points);
}

std::string LedgerModel::Reversed(const points::v1::PointsReversed& event) {
  const points::v1::Posting& posting = event.posting();
  const auto it = orders_.find(posting.cause().order());
  if (it == orders_.end() || it->second.earned_entry == 0) return "no such order";
  Order& order = it->second;
  size_t index = 0;
  while (index < order.refunds.size() && order.refunds[index]->refund_id != event.refund_id()) {
    ++index;
  }
  if (index == order.refunds.size()) return "no such refund";
  const int64_t amount = order.touch->amount_minor;
  const int64_t target = PointsOf(amount) - PointsOf(amount - RefundedBy(order, index + 1));
  const int64_t due = target - order.reversed;
  const auto lot = lots_.find(order.lot);
  const int64_t from_lot = std::min(due, lot == lots_.end() ? 0 : lot->second);
  const int64_t debt = std::max<int64_t>(0, due - from_lot - order.lost);
  if (posting.points() != from_lot + debt || event.debt_points() != debt) {
    return Cat(posting.points(), " points with debt ", event.debt_points(), " instead of ",
               from_lot + debt, " with debt ", debt);
  }
  if (from_lot > 0 && (lot->second -= from_lot) == 0) lots_.erase(lot);
  order.reversed += posting.points();
  debt_ += debt;
  figures_.reversed += posting.points();
  return CheckPosting(posting, -posting.points());
}

std::string LedgerModel::Redeemed(const points::v1::PointsRedeemed& event) {
  const points::v1::Posting& posting = event.posting();
  if (!redemptions_.insert(event.redemption_id()).second) return "redeemed twice";
  if (posting.points() > figures_.outstanding) return "more than the balance";
  int64_t missing = posting.points();
  int move = 0;
  while (missing > 0) {
    if (lots_.empty()) return "more than the lots hold";
    const auto lot = lots_.begin();
    if (lot->first.first <= posting.recorded_us()) return "spends an expired lot";
    const int64_t taken = std::min(missing, lot->second);
    if (move >= posting.lots_size() || posting.lots(move).points() != taken ||
        posting.lots(move).lot_id() != Cat(lot->first.second)) {
      return "takes other lots";
    }
    ++move;
    taken_[event.redemption_id()].push_back({lot->first, taken});
    missing -= taken;
    if ((lot->second -= taken) == 0) lots_.erase(lot);
  }
  figures_.redeemed += posting.points();
  return CheckPosting(posting, -posting.points());
}

std::string LedgerModel::Returned(const points::v1::RedemptionReversed& event) {
  const points::v1::Posting& posting = event.posting();
  if (!redemptions_.contains(event.redemption_id())) return "no such redemption";
  if (!reversals_.insert(event.redemption_id()).second) return "returned twice";
  int64_t points = 0, paid = 0, lost = 0;
  for (const auto& [lot, taken] : taken_[event.redemption_id()]) {
    points += taken;
    const int64_t debt = std::min(debt_, taken);
    debt_ -= debt;
    paid += debt;
    const int64_t left = taken - debt;
    if (left == 0) continue;
    if (lot.first <= posting.recorded_us()) {
      lost += left;
      if (Order* order = OrderOfLot(lot.second)) order->lost += left;
    } else {
      lots_[lot] += left;
    }
  }
  if (posting.points() != points || event.expired_points() != lost ||
      event.debt_paid_points() != paid) {
    return "returns other points";
  }
  waiting_loss_ = lost;
  figures_.redeemed -= points;
  return CheckPosting(posting, points);
}

std::string LedgerModel::Expired(const points::v1::PointsExpired& event) {
  const points::v1::Posting& posting = event.posting();
  figures_.expired += posting.points();
  if (waiting_loss_ > 0) {
    if (posting.points() != waiting_loss_) return "loses other points";
    waiting_loss_ = 0;
    return CheckPosting(posting, -posting.points());
  }
  if (lots_.empty()) return "nothing is left to expire";
  const auto lot = lots_.begin();
  if (lot->first.first > posting.recorded_us()) return "expires too early";
  if (lot->second != posting.points()) return "expires another sum";
  if (Order* order = OrderOfLot(lot->first.second)) order->lost += posting.points();
  lots_.erase(lot);
  return CheckPosting(posting, -posting.points());
}

std::string LedgerModel::Finish(int64_t now_us) const {
  int64_t expected = 0;
  for (const auto& [key, order] : orders_) {
    if (order.touch == nullptr) continue;
    const int64_t points = PointsOf(order.touch->amount_minor);
    expected += points;
    if (points > 0 && order.earned_entry == 0) return Cat("order ", key, " earned nothing");
    const int64_t target =
        points - PointsOf(order.touch->amount_minor - RefundedBy(order, order.refunds.size()));
    if (order.reversed > target || order.reversed + order.lost < target) {
      return Cat("order ", key, " gave back ", order.reversed, " of ", target);
    }
  }
  if (expected != figures_.issued) {
    return Cat("issued ", figures_.issued, " instead of ", expected);
  }
  int64_t held = -debt_;
  for (const auto& [lot, points] : lots_) {
    held += points;
    if (lot.first <= now_us) return "a lot outlived its expiry";
  }
  if (held != figures_.outstanding) return "lots and balance differ";
  if (waiting_loss_ > 0) return "the loss of a returned lot is missing";
  return "";
}

}  // namespace regulars::sim
