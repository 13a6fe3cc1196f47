// The operations of Ledger that walk over lots: redeem, reverse a redemption, expire.
#include <algorithm>
#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"
#include "services/points/kernel/ledger.h"

namespace regulars::points {
namespace {

LotKey KeyOf(const v1::Allocation& allocation) {
  return {allocation.expires_at_us(), allocation.lot()};
}

}  // namespace

Origin Ledger::AppliedNow(Origin command) const {
  command.effective_us = member_.now_us;
  return command;
}

RedeemOutcome Ledger::Redeem(const Redemption& redemption, v1::RedemptionState* state) {
  if (redemption.points <= 0) return RedeemOutcome::kPointsNotPositive;
  if (redemption.points > kRedeemPointsMax) return RedeemOutcome::kPointsTooMany;
  if (!IsRedemptionId(redemption.redemption_id)) return RedeemOutcome::kRedemptionIdInvalid;
  if (redemption.reason.size() > kReasonBytesMax) return RedeemOutcome::kReasonInvalid;
  if (!set_.known()) return RedeemOutcome::kMemberUnknown;
  const std::string sub = RedemptionSub(redemption.redemption_id);
  if (auto known = set_.Load<v1::RedemptionState>(sub)) {
    if (known->points() != redemption.points) return RedeemOutcome::kExistsWithDifferentPoints;
    *state = *std::move(known);
    return RedeemOutcome::kAlreadyRedeemed;
  }
  if (redemption.points > set_.root().balance()) return RedeemOutcome::kInsufficientPoints;
  std::optional<std::vector<v1::Allocation>> lots = PickLots(redemption.points);
  if (!lots) return RedeemOutcome::kTooWide;

  for (const v1::Allocation& lot : *lots) set_.TakeFromLot(KeyOf(lot), lot.points());
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_redeemed(AddOrDie(root->redeemed(), redemption.points));
  Move(-redemption.points);
  const Origin origin = AppliedNow(redemption.origin);
  const PostingFacts facts{.kind = EntryKind::kRedeemed,
                           .points = redemption.points,
                           .natural_id = redemption.redemption_id,
                           .order_key = "",
                           .origin = origin,
                           .expiry_days = 0,
                           .debt_points = 0,
                           .lots = *std::move(lots)};
  v1::PointsRedeemed event;
  poster_.Post(facts, event.mutable_posting());
  event.set_redemption_id(redemption.redemption_id);
  poster_.Publish("PointsRedeemed", event.posting().natural_id(), event);

  state->set_points(redemption.points);
  state->set_entry_sequence(event.posting().entry_sequence());
  state->set_lot_count(static_cast<int64_t>(facts.lots.size()));
  state->set_recorded_us(member_.now_us);
  state->set_reason(redemption.reason);
  state->set_member(redemption.member);
  *state->mutable_after() = set_.SettledRoot();
  v1::AllocationPage page;
  for (size_t i = 0; i < facts.lots.size(); ++i) {
    if (i < kLotsInlineMax) {
      *state->add_allocations() = facts.lots[i];
      continue;
    }
    *page.add_allocations() = facts.lots[i];
    if (page.allocations_size() == kLotsInlineMax || i + 1 == facts.lots.size()) {
      set_.Store(
          AllocationPageSub(redemption.redemption_id, static_cast<int64_t>(i) / kLotsInlineMax),
          page);
      page.Clear();
    }
  }
  set_.Store(sub, *state);
  return RedeemOutcome::kRedeemed;
}

std::optional<std::vector<v1::Allocation>> Ledger::PickLots(int64_t points) const {
  std::vector<v1::Allocation> lots;
  int64_t missing = points;
  for (std::optional<OpenLot> lot = set_.FirstLot(); missing > 0; lot = set_.LotAfter(lot->key)) {
    REGULARS_ASSERT(lot, "open lots hold less than the balance");
    if (static_cast<int64_t>(lots.size()) == kLotsPerRedemptionMax) return std::nullopt;
    const int64_t taken = std::min(missing, lot->remaining);
    lots.push_back(MoveOf(lot->key, taken));
    missing -= taken;
  }
  return lots;
}

std::vector<v1::Allocation> Ledger::AllocationsOf(const std::string& redemption_id,
                                                  const v1::RedemptionState& state) const {
  std::vector<v1::Allocation> lots(state.allocations().begin(), state.allocations().end());
  for (int64_t page = 1; static_cast<int64_t>(lots.size()) < state.lot_count(); ++page) {
    const auto more = set_.Load<v1::AllocationPage>(AllocationPageSub(redemption_id, page));
    REGULARS_ASSERT(more && more->allocations_size() > 0, "a page of allocations is missing");
    lots.insert(lots.end(), more->allocations().begin(), more->allocations().end());
  }
  return lots;
}

ReverseOutcome Ledger::Reverse(const Reversal& reversal, v1::RedemptionState* state) {
  if (reversal.reason.size() > kReasonBytesMax) return ReverseOutcome::kReasonInvalid;
  if (!set_.known()) return ReverseOutcome::kMemberUnknown;
  if (!IsRedemptionId(reversal.redemption_id)) return ReverseOutcome::kRedemptionUnknown;
  const std::string sub = RedemptionSub(reversal.redemption_id);
  std::optional<v1::RedemptionState> known = set_.Load<v1::RedemptionState>(sub);
  if (!known) return ReverseOutcome::kRedemptionUnknown;
  *state = *std::move(known);
  if (state->reversal_entry_sequence() != 0) return ReverseOutcome::kAlreadyReversed;

  v1::PointsRoot* root = set_.OpenRoot();
  root->set_redeemed(root->redeemed() - state->points());
  REGULARS_ASSERT(root->redeemed() >= 0, "more points were given back than spent");
  Move(state->points());
  const Origin origin = AppliedNow(reversal.origin);
  PostingFacts facts{.kind = EntryKind::kRedemptionReversed,
                     .points = state->points(),
                     .natural_id = reversal.redemption_id,
                     .order_key = "",
                     .origin = origin,
                     .expiry_days = 0,
                     .debt_points = 0,
                     .lots = {}};
  std::vector<v1::Allocation> expired;
  int64_t expired_points = 0;
  int64_t credit = 0;  // points whose lot is in another ledger
  for (const v1::Allocation& taken : AllocationsOf(reversal.redemption_id, *state)) {
    int64_t left = PayDebt(taken.points());
    facts.debt_points += taken.points() - left;
    const int64_t room = RoomFor(taken);
    credit += std::max<int64_t>(0, left - room);
    left = std::min(left, room);
    if (left == 0) continue;
    facts.lots.push_back(MoveOf(KeyOf(taken), left));
    if (taken.expires_at_us() <= member_.now_us) {
      expired.push_back(facts.lots.back());
      expired_points += left;
    } else {
      set_.AddToLot(KeyOf(taken), left);
    }
  }
  if (state->unfunded_points() > 0) {
    const int64_t left = PayDebt(state->unfunded_points());
    facts.debt_points += state->unfunded_points() - left;
    credit += left;
  }
  v1::RedemptionReversed event;
  poster_.Post(facts, event.mutable_posting());
  event.set_redemption_id(reversal.redemption_id);
  event.set_expired_points(expired_points);
  event.set_debt_paid_points(facts.debt_points);
  poster_.Publish("RedemptionReversed", event.posting().natural_id(), event);

  if (expired_points > 0) {
    for (const v1::Allocation& lot : expired) NoteExpired(EarnedEntry(lot.lot()), lot.points());
    root->set_expired(AddOrDie(root->expired(), expired_points));
    Move(-expired_points);
    const std::string natural_id = RedemptionSub(reversal.redemption_id);
    const PostingFacts loss{.kind = EntryKind::kExpired,
                            .points = expired_points,
                            .natural_id = natural_id,
                            .order_key = "",
                            .origin = origin,
                            .expiry_days = 0,
                            .debt_points = 0,
                            .lots = std::move(expired)};
    v1::PointsExpired lost;
    poster_.Post(loss, lost.mutable_posting());
    poster_.Publish("PointsExpired", lost.posting().natural_id(), lost);
  }
  if (credit > 0) Credit(reversal.redemption_id, credit);
  state->set_reversal_entry_sequence(event.posting().entry_sequence());
  state->set_reversal_reason(reversal.reason);
  *state->mutable_after_reversal() = set_.SettledRoot();
  set_.Store(sub, *state);
  return ReverseOutcome::kReversed;
}

ExpireOutcome Ledger::Expire() {
  int expired = 0;
  for (std::optional<OpenLot> lot = set_.FirstLot();
       lot && lot->key.expires_at_us <= member_.now_us; lot = set_.LotAfter(lot->key)) {
    if (expired == kLotsPerExpiryMax) return ExpireOutcome::kExpiredInPart;
    ExpireLot(lot->key, lot->remaining);
    ++expired;
  }
  return expired > 0 ? ExpireOutcome::kExpired : ExpireOutcome::kNothingDue;
}

void Ledger::ExpireLot(const LotKey& lot, int64_t points) {
  const v1::EntryState earned = EarnedEntry(lot.sequence);
  set_.TakeFromLot(lot, points);
  NoteExpired(earned, points);
  v1::PointsRoot* root = set_.OpenRoot();
  root->set_expired(AddOrDie(root->expired(), points));
  Move(-points);
  const std::string natural_id = Cat(lot.sequence);
  const Origin origin{.touch_id = "",
                      .request_id = "",
                      .fragment_id = FragmentOf(earned),
                      .effective_us = lot.expires_at_us};
  const PostingFacts facts{.kind = EntryKind::kExpired,
                           .points = points,
                           .natural_id = natural_id,
                           .order_key = earned.natural_id(),
                           .origin = origin,
                           .expiry_days = 0,
                           .debt_points = 0,
                           .lots = {MoveOf(lot, points)}};
  v1::PointsExpired event;
  poster_.Post(facts, event.mutable_posting());
  // A lot can expire in part more than once, when a reversal gives points back to it: the entry's
  // number keeps the event ids apart.
  poster_.Publish("PointsExpired",
                  Cat(event.posting().natural_id(), "/", event.posting().entry_sequence()), event);
}

void Ledger::NoteExpired(const v1::EntryState& earned, int64_t points) {
  const std::string sub = OrderSub(earned.natural_id());
  std::optional<v1::OrderState> order = set_.Load<v1::OrderState>(sub);
  REGULARS_ASSERT(order, "a lot without its order");
  order->set_expired_points(AddOrDie(order->expired_points(), points));
  set_.Store(sub, *order);
}

}  // namespace regulars::points
