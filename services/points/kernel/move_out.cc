// What leaves: Mover::Load.
#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/points/kernel/leaving.h"

namespace regulars::points {
namespace {

constexpr int kPhases = 4;
constexpr std::string_view kPrefixes[kPhases] = {kOrderPrefix, kRedemptionPrefix,
                                                 kDoubleOrderPrefix, kDoubleRedemptionPrefix};

}  // namespace

bool Mover::Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
                 handoff::v1::Page* page) {
  Leaving leaving{.protocol = protocol, .move = *move, .cursor = {}, .page = {}, .name = {}};
  REGULARS_ASSERT(leaving.cursor.ParseFromString(move->cursor()), "a cursor does not parse");
  leaving.name = Cat(move->move_id(), "/", page->number());
  ledger_.set_.OpenRoot()->set_handed(true);
  v1::PointsCursor& at = leaving.cursor;
  size_t looked = 0;
  while (at.phase() < kPhases && looked < limits_.keys && leaving.bytes < limits_.bytes &&
         static_cast<size_t>(leaving.page.facts_size()) < limits_.facts) {
    ++looked;
    if (!at.inside().empty()) {
      at.phase() == 0 ? LoadMoreRefunds(&leaving) : LoadMoreAllocations(&leaving);
      continue;
    }
    const std::string_view prefix = kPrefixes[at.phase()];
    const auto next = ledger_.set_.Next(
        prefix, at.sub().empty() ? std::string(prefix) : WorkingSet::JustAfter(at.sub()));
    if (!next) {
      at.set_phase(at.phase() + 1);
      at.clear_sub();
      continue;
    }
    at.set_sub(next->first);
    const std::string_view sub = std::string_view(next->first).substr(prefix.size());
    if (at.phase() == 0) {
      LoadOrder(&leaving, sub, next->second);
    } else if (at.phase() == 1) {
      LoadRedemption(&leaving, sub, next->second);
    } else if (at.phase() == 2) {
      LoadDoubleOrder(&leaving, sub, next->second);
    } else {
      LoadDoubleRedemption(&leaving, sub, next->second);
    }
  }
  PostLeft(&leaving);
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_moved_out(AddOrDie(root->moved_out(), leaving.points));
  if (leaving.page.facts_size() > 0) {
    PublishMoved(move->move_id(), page->number(), 0, -leaving.points);
  }
  page->set_cargo(leaving.page.SerializeAsString());
  move->set_cursor(at.SerializeAsString());
  return at.phase() == kPhases;
}

void Mover::PostLeft(Leaving* leaving) {
  if (leaving->not_posted == 0) return;
  const Origin origin{
      .touch_id = "", .request_id = "", .fragment_id = "", .effective_us = ledger_.member_.now_us};
  PostLine(EntryKind::kMovedOut, leaving->name, -leaving->not_posted, origin, 0);
  leaving->not_posted = 0;
}

void Mover::LoadOrder(Leaving* leaving, std::string_view sub, const std::string& bytes) {
  const std::string key(sub);
  auto order = Parsed<v1::OrderState>(bytes);
  if (order.awaiting_order()) return LoadWaitingRefunds(leaving, key, std::move(order));
  std::optional<v1::EntryState> entry;
  if (order.entry_sequence() > 0) entry = ledger_.EarnedEntry(order.entry_sequence());
  const std::string fragment = entry ? FragmentOf(*entry) : order.fragment_id();
  if (!leaving->protocol.Leaves(leaving->move, fragment)) return;

  v1::MovedOrder* moved = leaving->Add()->mutable_order();
  moved->set_order_key(key);
  moved->set_fragment_id(fragment);
  moved->set_without_lot(!entry.has_value());
  const std::string prefix = RefundSub(key, "");
  int refunds = 0;
  for (auto next = ledger_.set_.Next(prefix, prefix); next;
       next = ledger_.set_.Next(prefix, WorkingSet::JustAfter(next->first))) {
    if (++refunds > kRefundsWithOrderMax) {
      leaving->cursor.set_inside(key);
      leaving->cursor.set_origin(fragment);
      break;
    }
    leaving->cursor.set_inside_sub(next->first);
    auto refund = Parsed<v1::RefundState>(next->second);
    // A refund that counts for a double, too, is still needed here.
    if (refund.double_fragments().empty()) ledger_.set_.Delete(next->first);
    *moved->add_refunds() =
        ToMove(key, next->first.substr(prefix.size()), std::move(refund), fragment);
  }
  int64_t remaining = 0;
  if (entry) {
    moved->set_touch_id(TouchOf(*entry));
    moved->set_effective_us(entry->effective_us());
    moved->set_expiry_days(entry->expiry_days());
    const LotKey lot{LotExpiry(*entry), order.entry_sequence()};
    remaining = ledger_.set_.LotRemaining(lot);
    if (remaining > 0) ledger_.set_.TakeFromLot(lot, remaining);
  }
  CountOrder(order, -1);
  const int64_t worth = WorthOf(order);
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_debt(AddOrDie(root->debt(), worth - remaining));
  leaving->cursor.set_overdrawn_points(leaving->cursor.overdrawn_points() + worth - remaining);
  leaving->Left(worth);
  ledger_.set_.Delete(OrderSub(key));
  order.clear_entry_sequence();
  *moved->mutable_state() = std::move(order);
  leaving->Count();
  PromoteOrder(leaving, key);
}

void Mover::LoadWaitingRefunds(Leaving* leaving, const std::string& order_key,
                               v1::OrderState order) {
  std::vector<std::string> staying;
  for (const std::string& refund_id : order.pending_refund_ids()) {
    const std::string sub = RefundSub(order_key, refund_id);
    std::optional<v1::RefundState> refund = ledger_.set_.Load<v1::RefundState>(sub);
    REGULARS_ASSERT(refund && refund->has_pending(), "a pending refund is missing");
    const std::string fragment = refund->pending().fragment_id();
    if (!leaving->protocol.Leaves(leaving->move, fragment)) {
      staying.push_back(refund_id);
      continue;
    }
    *leaving->Add()->mutable_refund() = ToMove(order_key, refund_id, *std::move(refund), fragment);
    leaving->Count();
    ledger_.set_.Delete(sub);
  }
  if (staying.empty()) return ledger_.set_.Delete(OrderSub(order_key));
  *order.mutable_pending_refund_ids() = {staying.begin(), staying.end()};
  ledger_.set_.Store(OrderSub(order_key), order);
}

void Mover::LoadMoreRefunds(Leaving* leaving) {
  v1::PointsCursor& at = leaving->cursor;
  const std::string prefix = RefundSub(at.inside(), "");
  const auto next = ledger_.set_.Next(prefix, WorkingSet::JustAfter(at.inside_sub()));
  if (!next) return at.clear_inside();
  at.set_inside_sub(next->first);
  auto refund = Parsed<v1::RefundState>(next->second);
  if (refund.double_fragments().empty()) ledger_.set_.Delete(next->first);
  *leaving->Add()->mutable_refund() =
      ToMove(at.inside(), next->first.substr(prefix.size()), std::move(refund), at.origin());
  leaving->Count();
}

void Mover::LoadRedemption(Leaving* leaving, std::string_view sub, const std::string& bytes) {
  const std::string id(sub);
  auto state = Parsed<v1::RedemptionState>(bytes);
  if (!leaving->protocol.LeavesName(leaving->move, state.member())) return;
  v1::MovedRedemption* moved = leaving->Add()->mutable_redemption();
  moved->set_redemption_id(id);
  const bool stands = state.reversal_entry_sequence() == 0;
  moved->set_undone(!stands);
  if (stands) {
    CountRedemption(state.points(), -1);
    leaving->Left(-state.points());
  }
  int64_t back = 0;
  for (const v1::Allocation& taken : state.allocations()) {
    v1::MovedAllocation* allocation = moved->add_allocations();
    allocation->set_order_key(ledger_.EarnedEntry(taken.lot()).natural_id());
    allocation->set_points(taken.points());
    allocation->set_expires_at_us(taken.expires_at_us());
    if (stands) back += GiveBack(taken);
  }
  if (state.unfunded_points() > 0) {
    moved->add_allocations()->set_points(state.unfunded_points());
  }
  if (stands) {
    v1::PointsRoot* root = ledger_.set_.OpenRoot();
    root->set_debt(root->debt() - state.points() + back);
    leaving->cursor.set_overdrawn_points(leaving->cursor.overdrawn_points() - state.points() +
                                         back);
  }
  if (state.lot_count() > state.allocations_size()) {
    leaving->cursor.set_inside(id);
    leaving->cursor.set_inside_sub(stands ? "stands" : "undone");
    leaving->cursor.set_inside_page(1);
  }
  if (state.member().empty()) state.set_member(leaving->protocol.entity());
  leaving->cursor.set_origin(state.member());
  state.clear_allocations();
  state.clear_lot_count();
  state.clear_unfunded_points();
  state.clear_entry_sequence();
  state.clear_reversal_entry_sequence();
  *moved->mutable_state() = std::move(state);
  leaving->Count();
  ledger_.set_.Delete(RedemptionSub(id));
  PromoteRedemption(leaving, id);
}

void Mover::LoadMoreAllocations(Leaving* leaving) {
  v1::PointsCursor& at = leaving->cursor;
  const std::string sub = AllocationPageSub(at.inside(), at.inside_page());
  const auto page = ledger_.set_.Load<v1::AllocationPage>(sub);
  if (!page) return at.clear_inside();
  v1::MovedAllocations* moved = leaving->Add()->mutable_allocations();
  moved->set_redemption_id(at.inside());
  moved->set_member(at.origin());
  int64_t back = 0;
  for (const v1::Allocation& taken : page->allocations()) {
    v1::MovedAllocation* allocation = moved->add_allocations();
    allocation->set_order_key(ledger_.EarnedEntry(taken.lot()).natural_id());
    allocation->set_points(taken.points());
    allocation->set_expires_at_us(taken.expires_at_us());
    if (at.inside_sub() == "stands") back += GiveBack(taken);
  }
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_debt(AddOrDie(root->debt(), back));
  at.set_overdrawn_points(at.overdrawn_points() + back);
  at.set_inside_page(at.inside_page() + 1);
  leaving->Count();
  ledger_.set_.Delete(sub);
}

int64_t Mover::GiveBack(const v1::Allocation& taken) {
  const int64_t back = ledger_.RoomFor(taken);
  if (back > 0) ledger_.set_.AddToLot({taken.expires_at_us(), taken.lot()}, back);
  return back;
}

void Mover::Sent(const handoff::v1::Outgoing& move) {
  if (move.whole()) return;
  v1::PointsCursor at;
  REGULARS_ASSERT(at.ParseFromString(move.cursor()), "a cursor does not parse");
  PayFromLots(std::min(at.overdrawn_points(), ledger_.set_.root().debt()));
  CreditBelowZero(move.move_id());
}

}  // namespace regulars::points
