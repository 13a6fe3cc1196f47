// What comes: Mover::Unload, and what a move does to the totals.
#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/points/kernel/move.h"

namespace regulars::points {
namespace {

// Where a fact belongs instead of here.
std::optional<std::string> Elsewhere(const handoff::Protocol& protocol, const v1::MovedFact& fact) {
  switch (fact.fact_case()) {
    case v1::MovedFact::kOrder:
      return protocol.FragmentAt(fact.order().fragment_id());
    case v1::MovedFact::kRefund:
      return protocol.FragmentAt(fact.refund().fragment_id());
    case v1::MovedFact::kRedemption:
      return protocol.NameAt(fact.redemption().state().member());
    case v1::MovedFact::kAllocations:
      return protocol.NameAt(fact.allocations().member());
    case v1::MovedFact::FACT_NOT_SET:
      break;
  }
  REGULARS_ASSERT(false, "a fact of no kind");
}

std::string RedemptionOwner(const v1::RedemptionState& state, std::string_view entity) {
  return state.member().empty() ? std::string(entity) : state.member();
}

int64_t PointsIn(const google::protobuf::RepeatedPtrField<v1::MovedAllocation>& allocations) {
  int64_t points = 0;
  for (const v1::MovedAllocation& allocation : allocations) points += allocation.points();
  return points;
}

}  // namespace

handoff::Unloaded Mover::Unload(const handoff::Protocol& protocol, const handoff::v1::Page& page) {
  v1::PointsPage facts;
  REGULARS_ASSERT(facts.ParseFromString(page.cargo()), "a page of points does not parse");
  ledger_.set_.OpenRoot()->set_handed(true);
  came_ = 0;
  placed_ = false;
  foreign_ = page.kind() != handoff::v1::MOVE_KIND_MERGE || page.returned();
  handoff::Unloaded unloaded;
  std::map<std::string, v1::PointsPage> elsewhere;
  int done = 0;
  for (; done < facts.facts_size(); ++done) {
    if (ledger_.poster_.size() >= limits_.publishes) break;
    const v1::MovedFact& fact = facts.facts(done);
    if (const auto member = Elsewhere(protocol, fact)) {
      *elsewhere[*member].add_facts() = fact;
      continue;
    }
    placed_ = true;
    if (fact.has_order()) {
      PutOrder(fact.order());
    } else if (fact.has_refund()) {
      PutRefund(fact.refund());
    } else if (fact.has_redemption()) {
      PutRedemption(fact.redemption());
    } else {
      PutAllocations(fact.allocations());
    }
  }
  if (done < facts.facts_size()) {
    facts.mutable_facts()->DeleteSubrange(0, done);
    unloaded.rest = facts.SerializeAsString();
  }
  for (const auto& [member, part] : elsewhere) {
    unloaded.elsewhere[member] = part.SerializeAsString();
  }
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_moved_in(AddOrDie(root->moved_in(), came_));
  if (placed_) PublishMoved(page.move_id(), page.number(), page.part(), came_);
  return unloaded;
}

void Mover::PutOrder(const v1::MovedOrder& moved) {
  came_ = AddOrDie(came_, WorthOf(moved.state()));
  const auto known = ledger_.set_.Load<v1::OrderState>(OrderSub(moved.order_key()));
  if (!known || known->awaiting_order()) return PlaceOrder(moved, EntryKind::kMovedIn);
  PutDoubleOrder(moved, known->entry_sequence() > 0
                            ? FragmentOf(ledger_.EarnedEntry(known->entry_sequence()))
                            : known->fragment_id());
}

void Mover::PlaceOrder(const v1::MovedOrder& moved, EntryKind kind) {
  const std::string& key = moved.order_key();
  const auto awaited = ledger_.set_.Load<v1::OrderState>(OrderSub(key));
  v1::OrderState order = moved.state();
  const int64_t worth = WorthOf(order);
  CountOrder(order, 1);
  order.clear_entry_sequence();
  if (!moved.without_lot()) {
    order.set_entry_sequence(PostLine(kind, key, worth,
                                      {.touch_id = moved.touch_id(),
                                       .request_id = "",
                                       .fragment_id = moved.fragment_id(),
                                       .effective_us = moved.effective_us()},
                                      moved.expiry_days()));
    if (worth > 0) {
      const LotKey lot{LotExpiry(ledger_.EarnedEntry(order.entry_sequence())),
                       order.entry_sequence()};
      ledger_.set_.NewLot(lot, worth);
    } else {
      v1::PointsRoot* root = ledger_.set_.OpenRoot();
      root->set_debt(root->debt() - worth);
    }
  }
  ledger_.set_.Store(OrderSub(key), order);
  for (const v1::MovedRefund& refund : moved.refunds()) {
    ledger_.set_.Store(RefundSub(key, refund.refund_id()), refund.state());
  }
  if (!awaited) return;
  std::vector<std::string> waiting;  // what came with the order has counted
  for (const std::string& id : awaited->pending_refund_ids()) {
    const bool came = std::any_of(moved.refunds().begin(), moved.refunds().end(),
                                  [&](const auto& refund) { return refund.refund_id() == id; });
    if (!came) waiting.push_back(id);
  }
  ledger_.ApplyPending(key, waiting);
}

void Mover::PutDoubleOrder(const v1::MovedOrder& moved, const std::string& standing_fragment) {
  const int64_t worth = WorthOf(moved.state());
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->mutable_elsewhere()->set_reversed(root->elsewhere().reversed() - worth);
  if (worth != 0) {
    const Origin origin{.touch_id = moved.touch_id(),
                        .request_id = "",
                        .fragment_id = moved.fragment_id(),
                        .effective_us = moved.effective_us()};
    ledger_.Move(worth);
    PostLine(EntryKind::kMovedIn, moved.order_key(), worth, origin, 0);
    ledger_.Move(-worth);
    PostLine(EntryKind::kDuplicateAfterMerge, moved.order_key(), -worth, origin, 0);
    PublishDuplicate(OrderSub(moved.order_key()), moved.fragment_id(), -worth, false);
  }
  const std::string sub = Cat(kDoubleOrderPrefix, moved.order_key(), "/", moved.fragment_id());
  // The same fragment told of it twice: one is enough to take home.
  const bool kept = moved.fragment_id() != standing_fragment && !moved.fragment_id().empty() &&
                    !ledger_.set_.Load<v1::MovedOrder>(sub);
  for (const v1::MovedRefund& refund : moved.refunds()) {
    PutDoubleRefund(refund, kept ? moved.fragment_id() : "");
  }
  if (!kept) return;
  root->set_doubles(root->doubles() + 1);
  v1::MovedOrder doubled = moved;
  doubled.clear_refunds();
  ledger_.set_.Store(sub, doubled);
}

void Mover::PutRefund(const v1::MovedRefund& moved) {
  const auto order = ledger_.set_.Load<v1::OrderState>(OrderSub(moved.order_key()));
  if (moved.state().has_pending()) {
    const v1::PendingRefund& pending = moved.state().pending();
    const RefundOutcome outcome =
        ledger_.Refund({.order_key = moved.order_key(),
                        .refund_id = moved.refund_id(),
                        .amount_minor = moved.state().amount_minor(),
                        .currency_code = moved.state().currency_code(),
                        .whole_order = moved.state().whole_order(),
                        .origin = {.touch_id = pending.touch_id(),
                                   .request_id = "",
                                   .fragment_id = pending.fragment_id(),
                                   .effective_us = pending.effective_us()}},
                       kPendingRefundsMovedMax);
    refund_lost_ = refund_lost_ || outcome == RefundOutcome::kPendingFull;
    return;
  }
  std::string standing;
  if (order && !order->awaiting_order()) {
    standing = order->entry_sequence() > 0
                   ? FragmentOf(ledger_.EarnedEntry(order->entry_sequence()))
                   : order->fragment_id();
  }
  if (order && !order->awaiting_order() && standing != moved.fragment_id()) {
    return PutDoubleRefund(moved, moved.fragment_id());
  }
  const std::string sub = RefundSub(moved.order_key(), moved.refund_id());
  if (!ledger_.set_.Load<v1::RefundState>(sub)) ledger_.set_.Store(sub, moved.state());
}

void Mover::PutDoubleRefund(const v1::MovedRefund& moved, const std::string& fragment) {
  const std::string sub = RefundSub(moved.order_key(), moved.refund_id());
  std::optional<v1::RefundState> state = ledger_.set_.Load<v1::RefundState>(sub);
  if (!state) {
    state = moved.state();
    std::optional<v1::OrderState> order =
        ledger_.set_.Load<v1::OrderState>(OrderSub(moved.order_key()));
    if (order->currency_code() != state->currency_code()) {
      state->set_voided(true);
    } else {
      state->set_entry_sequence(
          ledger_.PostReversed({.order_key = moved.order_key(),
                                .refund_id = moved.refund_id(),
                                .amount_minor = state->amount_minor(),
                                .currency_code = state->currency_code(),
                                .whole_order = state->whole_order(),
                                .origin = {.touch_id = "",
                                           .request_id = "",
                                           .fragment_id = moved.fragment_id(),
                                           .effective_us = ledger_.member_.now_us}},
                               &*order));
    }
  }
  if (!fragment.empty()) state->add_double_fragments(fragment);
  ledger_.set_.Store(sub, *state);
}

void Mover::PutRedemption(const v1::MovedRedemption& moved) {
  const int64_t points = moved.undone() ? 0 : moved.state().points();
  came_ = AddOrDie(came_, -points);
  if (!ledger_.set_.Load<v1::RedemptionState>(RedemptionSub(moved.redemption_id()))) {
    return PlaceRedemption(moved, EntryKind::kMovedIn);
  }
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->mutable_elsewhere()->set_redeemed(root->elsewhere().redeemed() + points);
  const std::string sub = RedemptionSub(moved.redemption_id());
  if (points > 0) {
    const Origin origin{.touch_id = "",
                        .request_id = "",
                        .fragment_id = "",
                        .effective_us = ledger_.member_.now_us};
    ledger_.Move(-points);
    PostLine(EntryKind::kMovedIn, sub, -points, origin, 0);
    ledger_.Move(points);
    PostLine(EntryKind::kDuplicateAfterMerge, sub, points, origin, 0);
    PublishDuplicate(sub, moved.state().member(), points, false);
  }
  const std::string kept =
      Cat(kDoubleRedemptionPrefix, moved.redemption_id(), "/", moved.state().member());
  if (ledger_.set_.Load<v1::MovedRedemption>(kept)) return;
  root->set_doubles(root->doubles() + 1);
  v1::MovedRedemption doubled = moved;
  doubled.clear_allocations();
  ledger_.set_.Store(kept, doubled);
}

void Mover::PlaceRedemption(const v1::MovedRedemption& moved, EntryKind kind) {
  v1::RedemptionState state = moved.state();
  const std::string sub = RedemptionSub(moved.redemption_id());
  if (state.member() == ledger_.member_.id) state.clear_member();
  if (moved.undone()) {
    state.set_reversal_entry_sequence(-1);
  } else {
    CountRedemption(state.points(), 1);
    state.set_entry_sequence(PostLine(kind, sub, -state.points(),
                                      {.touch_id = "",
                                       .request_id = "",
                                       .fragment_id = "",
                                       .effective_us = ledger_.member_.now_us},
                                      0));
    v1::PointsRoot* root = ledger_.set_.OpenRoot();
    root->set_debt(AddOrDie(root->debt(), state.points()));
  }
  // Its further lots follow; those of a double were given back.
  state.set_unfunded_points(state.points() - PointsIn(moved.allocations()));
  if (foreign_ && !moved.undone() && moved.allocations().empty()) {
    v1::PointsRoot* root = ledger_.set_.OpenRoot();
    root->set_foreign_points(AddOrDie(root->foreign_points(), state.points()));
  }
  TakeAllocations(moved.allocations(), &state, nullptr);
  ledger_.set_.Store(sub, state);
}

void Mover::PutAllocations(const v1::MovedAllocations& moved) {
  const std::string sub = RedemptionSub(moved.redemption_id());
  std::optional<v1::RedemptionState> state = ledger_.set_.Load<v1::RedemptionState>(sub);
  if (!state || RedemptionOwner(*state, ledger_.member_.id) != moved.member()) return;  // a double
  v1::AllocationPage page;
  state->set_unfunded_points(state->unfunded_points() - PointsIn(moved.allocations()));
  TakeAllocations(moved.allocations(), &*state, &page);
  if (page.allocations_size() > 0) {
    int64_t number = 1;
    while (
        ledger_.set_.Load<v1::AllocationPage>(AllocationPageSub(moved.redemption_id(), number))) {
      ++number;
    }
    ledger_.set_.Store(AllocationPageSub(moved.redemption_id(), number), page);
  }
  ledger_.set_.Store(sub, *state);
}

void Mover::TakeAllocations(const google::protobuf::RepeatedPtrField<v1::MovedAllocation>& moved,
                            v1::RedemptionState* state, v1::AllocationPage* page) {
  const bool stands = state->reversal_entry_sequence() == 0;
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  for (const v1::MovedAllocation& taken : moved) {
    std::optional<v1::OrderState> order;
    if (!taken.order_key().empty()) {
      order = ledger_.set_.Load<v1::OrderState>(OrderSub(taken.order_key()));
    }
    if (!order || order->entry_sequence() == 0) {
      state->set_unfunded_points(state->unfunded_points() + taken.points());
      if (foreign_ && stands) {
        root->set_foreign_points(AddOrDie(root->foreign_points(), taken.points()));
      }
      continue;
    }
    const LotKey lot{LotExpiry(ledger_.EarnedEntry(order->entry_sequence())),
                     order->entry_sequence()};
    *(page != nullptr ? page->add_allocations() : state->add_allocations()) =
        MoveOf(lot, taken.points());
    state->set_lot_count(state->lot_count() + 1);
    if (!stands) continue;
    const int64_t paid = std::min(
        {taken.points(), ledger_.set_.LotRemaining(lot), std::max<int64_t>(0, root->debt())});
    if (paid == 0) continue;
    ledger_.set_.TakeFromLot(lot, paid);
    root->set_debt(root->debt() - paid);
  }
}

void Mover::AtRest() {
  StandAlone();
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  PayFromLots(std::min(root->foreign_points(), root->debt()));
  root->clear_foreign_points();
  CreditBelowZero("moved");
  root->clear_expiry_held();
}

}  // namespace regulars::points
