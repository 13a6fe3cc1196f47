// Doubles that leave, or that stand again because the other one left.
#include <algorithm>
#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/points/kernel/leaving.h"

namespace regulars::points {
namespace {

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

void Mover::LoadDoubleOrder(Leaving* leaving, std::string_view sub, const std::string& bytes) {
  auto moved = Parsed<v1::MovedOrder>(bytes);
  if (!leaving->protocol.Leaves(leaving->move, moved.fragment_id())) return;
  const int64_t worth = WorthOf(moved.state());
  PostLeft(leaving);
  PutBack(moved, worth);
  moved.clear_never_counted();
  if (worth != 0) {
    ledger_.Move(worth);
    PostLine(EntryKind::kDuplicateAfterMerge, moved.order_key(), worth,
             {.touch_id = moved.touch_id(),
              .request_id = "",
              .fragment_id = moved.fragment_id(),
              .effective_us = ledger_.member_.now_us},
             0);
    PublishDuplicate(OrderSub(moved.order_key()), moved.fragment_id(), worth, true);
    ledger_.Move(-worth);
    leaving->Left(worth);
  }
  const std::string prefix = RefundSub(moved.order_key(), "");
  const auto standing = ledger_.set_.Load<v1::OrderState>(OrderSub(moved.order_key()));
  int refunds = 0;
  for (auto next = ledger_.set_.Next(prefix, prefix); next && refunds < kRefundsWithOrderMax;
       next = ledger_.set_.Next(prefix, WorkingSet::JustAfter(next->first))) {
    auto refund = Parsed<v1::RefundState>(next->second);
    if (!Contains(refund.double_fragments(), moved.fragment_id())) continue;
    ++refunds;
    *moved.add_refunds() =
        ToMove(moved.order_key(), next->first.substr(prefix.size()), refund, moved.fragment_id());
    auto* list = refund.mutable_double_fragments();
    list->erase(std::remove(list->begin(), list->end(), moved.fragment_id()), list->end());
    if (list->empty() && !standing) {
      ledger_.set_.Delete(next->first);
    } else {
      ledger_.set_.Store(next->first, refund);
    }
  }
  *leaving->Add()->mutable_order() = std::move(moved);
  leaving->Count();
  ledger_.set_.Delete(Cat(kDoubleOrderPrefix, sub));
}

void Mover::PutBack(const v1::MovedOrder& doubled, int64_t worth) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_doubles(root->doubles() - 1);
  v1::Elsewhere* elsewhere = root->mutable_elsewhere();
  if (doubled.never_counted()) {
    elsewhere->set_issued(AddOrDie(elsewhere->issued(), -worth));
  } else {
    elsewhere->set_reversed(AddOrDie(elsewhere->reversed(), worth));
  }
}

void Mover::LoadDoubleRedemption(Leaving* leaving, std::string_view sub, const std::string& bytes) {
  auto moved = Parsed<v1::MovedRedemption>(bytes);
  const std::string& name = moved.state().member();
  if (!leaving->protocol.LeavesName(leaving->move, name)) return;
  PostLeft(leaving);
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_doubles(root->doubles() - 1);
  if (!moved.undone()) {
    const int64_t points = moved.state().points();
    root->mutable_elsewhere()->set_redeemed(root->elsewhere().redeemed() - points);
    ledger_.Move(-points);
    PostLine(EntryKind::kDuplicateAfterMerge, RedemptionSub(moved.redemption_id()), -points,
             {.touch_id = "",
              .request_id = "",
              .fragment_id = "",
              .effective_us = ledger_.member_.now_us},
             0);
    PublishDuplicate(RedemptionSub(moved.redemption_id()), name, -points, true);
    ledger_.Move(points);
    leaving->Left(-points);
  }
  *leaving->Add()->mutable_redemption() = std::move(moved);
  leaving->Count();
  ledger_.set_.Delete(Cat(kDoubleRedemptionPrefix, sub));
}

void Mover::PromoteOrder(Leaving* leaving, const std::string& order_key) {
  if (ledger_.set_.root().doubles() == 0) return;
  const std::string prefix = Cat(kDoubleOrderPrefix, order_key, "/");
  for (auto next = ledger_.set_.Next(prefix, prefix); next;
       next = ledger_.set_.Next(prefix, WorkingSet::JustAfter(next->first))) {
    const auto doubled = Parsed<v1::MovedOrder>(next->second);
    // What leaves too, with this move or another one, leaves as a double.
    if (leaving->protocol.FragmentAt(doubled.fragment_id()).has_value()) continue;
    PostLeft(leaving);
    return StandAgain(next->first, doubled);
  }
}

void Mover::StandAgain(const std::string& sub, const v1::MovedOrder& doubled) {
  const int64_t worth = WorthOf(doubled.state());
  PutBack(doubled, worth);
  ledger_.set_.Delete(sub);
  PlaceOrder(doubled, EntryKind::kDuplicateAfterMerge);
  PublishDuplicate(OrderSub(doubled.order_key()), doubled.fragment_id(), worth, true);
}

void Mover::PromoteRedemption(Leaving* leaving, const std::string& redemption_id) {
  if (ledger_.set_.root().doubles() == 0) return;
  const std::string prefix = Cat(kDoubleRedemptionPrefix, redemption_id, "/");
  for (auto next = ledger_.set_.Next(prefix, prefix); next;
       next = ledger_.set_.Next(prefix, WorkingSet::JustAfter(next->first))) {
    const auto doubled = Parsed<v1::MovedRedemption>(next->second);
    if (leaving->protocol.NameAt(doubled.state().member()).has_value()) continue;
    PostLeft(leaving);
    return StandAgain(next->first, doubled);
  }
}

void Mover::StandAgain(const std::string& sub, const v1::MovedRedemption& doubled) {
  v1::PointsRoot* root = ledger_.set_.OpenRoot();
  root->set_doubles(root->doubles() - 1);
  const int64_t points = doubled.undone() ? 0 : doubled.state().points();
  root->mutable_elsewhere()->set_redeemed(root->elsewhere().redeemed() - points);
  ledger_.set_.Delete(sub);
  PlaceRedemption(doubled, EntryKind::kDuplicateAfterMerge);
  PublishDuplicate(RedemptionSub(doubled.redemption_id()), doubled.state().member(), -points, true);
}

// A double was to leave after what stood, and then it was to stay.
void Mover::StandAlone() {
  int left = kDoublesAtRestMax;
  const auto each = [&](std::string_view prefix, const auto& fn) {
    std::string from(prefix);
    while (ledger_.set_.root().doubles() > 0) {
      const auto next = ledger_.set_.Next(prefix, from);
      if (!next || left-- == 0) return;
      from = WorkingSet::JustAfter(next->first);
      fn(next->first, next->second);
    }
  };
  each(kDoubleOrderPrefix, [&](const std::string& sub, const std::string& bytes) {
    const auto doubled = Parsed<v1::MovedOrder>(bytes);
    const auto order = ledger_.set_.Load<v1::OrderState>(OrderSub(doubled.order_key()));
    if (!order || order->awaiting_order()) StandAgain(sub, doubled);
  });
  each(kDoubleRedemptionPrefix, [&](const std::string& sub, const std::string& bytes) {
    const auto doubled = Parsed<v1::MovedRedemption>(bytes);
    const auto stands =
        ledger_.set_.Load<v1::RedemptionState>(RedemptionSub(doubled.redemption_id()));
    if (!stands) StandAgain(sub, doubled);
  });
}

}  // namespace regulars::points
