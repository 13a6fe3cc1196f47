#include "services/points/kernel/invariants.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/text.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/kernel/keys.h"
#include "services/points/kernel/ledger.h"

namespace regulars::points {
namespace {

template <typename M>
std::optional<M> LoadFrom(const shard::EntityState& state, std::string_view sub) {
  const std::optional<std::string> bytes = state.Get(sub);
  M message;
  if (!bytes || !message.ParseFromString(*bytes)) return std::nullopt;
  return message;
}

std::string After(std::string_view sub) { return Cat(sub, "\x01"); }

// +1, -1, or 0 for a kind that does not exist.
int Direction(int32_t kind) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::kEarned:
    case EntryKind::kRedemptionReversed:
    case EntryKind::kMovedIn:
    case EntryKind::kMovedOut:
    case EntryKind::kDuplicateAfterMerge:
      return 1;
    case EntryKind::kRedeemed:
    case EntryKind::kReversed:
    case EntryKind::kExpired:
      return -1;
  }
  return 0;
}

std::string CheckLots(const shard::EntityState& state, const v1::PointsRoot& root) {
  int64_t sum = 0;
  int64_t earliest = 0;
  int64_t at_earliest = 0;
  std::string from(kLotPrefix);
  while (auto next = state.Next(kLotPrefix, from)) {
    const LotKey key = ParseLotSub(next->first);
    v1::LotState lot;
    if (!lot.ParseFromString(next->second)) return Cat("lot ", key.sequence, " does not parse");
    const auto entry = LoadFrom<v1::EntryState>(state, EntrySub(key.sequence));
    if (!entry || !MakesLot(*entry)) {
      return Cat("lot ", key.sequence, " has no entry that made it");
    }
    if (LotExpiry(*entry) != key.expires_at_us) {
      return Cat("lot ", key.sequence, " expires at another time than its entry says");
    }
    const auto order = LoadFrom<v1::OrderState>(state, OrderSub(entry->natural_id()));
    if (!order || order->entry_sequence() != key.sequence) {
      return Cat("lot ", key.sequence, " has no order");
    }
    if (lot.remaining() <= 0) return Cat("lot ", key.sequence, " is empty or negative");
    // A credit has no worth of its own.
    if (lot.remaining() > entry->points() && entry->natural_id()[0] != '/')
      return Cat("lot ", key.sequence, " outgrew its order");
    sum += lot.remaining();
    if (earliest == 0) earliest = key.expires_at_us;
    if (earliest == key.expires_at_us) at_earliest += lot.remaining();
    from = After(next->first);
  }
  if (sum - root.debt() != root.balance()) {
    return Cat("lots hold ", sum, ", debt is ", root.debt(), ", balance is ", root.balance());
  }
  if (earliest != root.next_expiry_us() || at_earliest != root.next_expiring_points()) {
    return Cat("the earliest lots expire at ", earliest, " with ", at_earliest, ", the root says ",
               root.next_expiry_us(), " with ", root.next_expiring_points());
  }
  const int64_t timer = state.Timer(kExpireTimer).value_or(0);
  if (timer != (root.expiry_held() ? 0 : earliest))
    return Cat("timer is at ", timer, ", earliest lot at ", earliest);
  return "";
}

std::string CheckEntries(const shard::EntityState& state, const v1::PointsRoot& root) {
  int64_t balance_after = root.balance();
  const int64_t newest = root.next_entry_sequence() - 1;
  for (int64_t sequence = newest; sequence > std::max<int64_t>(0, newest - kEntriesCheckedMax);
       --sequence) {
    const auto entry = LoadFrom<v1::EntryState>(state, EntrySub(sequence));
    if (!entry) return Cat("entry ", sequence, " is missing");
    const int direction = Direction(entry->kind());
    const bool moves = entry->points() > 0 || IsMove(static_cast<EntryKind>(entry->kind()));
    if (direction == 0 || !moves) return Cat("entry ", sequence, " moves nothing");
    if (entry->balance_after() != balance_after) {
      return Cat("entry ", sequence, " shows ", entry->balance_after(), ", not ", balance_after);
    }
    balance_after -= direction * entry->points();
  }
  if (newest <= kEntriesCheckedMax && balance_after != 0) {
    return Cat("the ledger begins at ", balance_after);
  }
  if (state.Get(EntrySub(newest + 1))) return "there is an entry above the newest";
  return "";
}

std::string CheckRedemptions(const shard::EntityState& state) {
  std::string from(kRedemptionPrefix);
  for (int checked = 0; checked < kRedemptionsCheckedMax; ++checked) {
    const auto next = state.Next(kRedemptionPrefix, from);
    if (!next) break;
    from = After(next->first);
    v1::RedemptionState redemption;
    if (!redemption.ParseFromString(next->second)) return Cat(next->first, " does not parse");
    int64_t sum = 0;
    int64_t lots = 0;
    const auto add = [&](const auto& allocations) {
      for (const v1::Allocation& allocation : allocations) sum += allocation.points();
      lots += allocations.size();
    };
    add(redemption.allocations());
    const std::string_view id = std::string_view(next->first).substr(kRedemptionPrefix.size());
    for (int64_t page = 1; lots < redemption.lot_count(); ++page) {
      const auto more = LoadFrom<v1::AllocationPage>(state, AllocationPageSub(id, page));
      if (!more || more->allocations().empty()) return Cat(next->first, " lacks page ", page);
      add(more->allocations());
    }
    sum += redemption.unfunded_points();
    if (sum != redemption.points() || lots != redemption.lot_count()) {
      return Cat(next->first, " took ", sum, " points of ", lots, " lots, not ",
                 redemption.points(), " of ", redemption.lot_count());
    }
  }
  return "";
}

}  // namespace

std::string CheckLedger(const shard::EntityState& state) {
  const std::optional<std::string> bytes = state.Get("");
  if (!bytes) {
    const bool orphan =
        state.Next(kLotPrefix, kLotPrefix) || state.Next(kEntryPrefix, kEntryPrefix);
    return orphan ? "lots or entries without a root" : "";
  }
  v1::PointsRoot root;
  if (!root.ParseFromString(*bytes)) return "the root does not parse";
  if (root.next_entry_sequence() < 1) return "entries are not numbered from 1";
  // While a move goes on, what it still has to bring or take away may make up for it.
  if (root.debt() < 0 && !root.handed()) return "debt is negative";
  if (root.balance() != root.issued() - root.redeemed() - root.expired() - root.reversed()) {
    return "balance is not issued - redeemed - expired - reversed";
  }
  const v1::Elsewhere& other = root.elsewhere();
  if (root.issued() - other.issued() + root.moved_in() !=
      root.balance() + root.redeemed() - other.redeemed() + root.expired() - other.expired() +
          root.reversed() - other.reversed() + root.moved_out()) {
    return "what was posted here and moved in is not what is here, was spent and moved out";
  }
  if (std::min({root.issued(), root.redeemed(), root.expired(), root.reversed()}) < 0) {
    return "a total is negative";
  }
  if (std::string wrong = CheckLots(state, root); !wrong.empty()) return wrong;
  if (std::string wrong = CheckEntries(state, root); !wrong.empty()) return wrong;
  return CheckRedemptions(state);
}

}  // namespace regulars::points
