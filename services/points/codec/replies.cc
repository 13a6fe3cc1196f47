#include "services/points/codec/replies.h"

#include <algorithm>
#include <optional>

#include "google/protobuf/timestamp.pb.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "services/points/kernel/keys.h"
#include "services/points/kernel/poster.h"

namespace regulars::points {
namespace {

static_assert(v1::ENTRY_KIND_EARNED == static_cast<int>(EntryKind::kEarned));
static_assert(v1::ENTRY_KIND_REDEEMED == static_cast<int>(EntryKind::kRedeemed));
static_assert(v1::ENTRY_KIND_REVERSED == static_cast<int>(EntryKind::kReversed));
static_assert(v1::ENTRY_KIND_REDEMPTION_REVERSED ==
              static_cast<int>(EntryKind::kRedemptionReversed));
static_assert(v1::ENTRY_KIND_EXPIRED == static_cast<int>(EntryKind::kExpired));
static_assert(v1::ENTRY_KIND_MOVED_IN == static_cast<int>(EntryKind::kMovedIn));
static_assert(v1::ENTRY_KIND_MOVED_OUT == static_cast<int>(EntryKind::kMovedOut));
static_assert(v1::ENTRY_KIND_DUPLICATE_AFTER_MERGE ==
              static_cast<int>(EntryKind::kDuplicateAfterMerge));

void SetTime(int64_t micros, google::protobuf::Timestamp* time) {
  time->set_seconds(micros / kMicrosPerSecond);
  time->set_nanos(static_cast<int32_t>(micros % kMicrosPerSecond * 1'000));
}

void RenderLot(const v1::Allocation& lot, v1::EntryLot* out) {
  out->set_lot_id(Cat(lot.lot()));
  out->set_points(lot.points());
  SetTime(lot.expires_at_us(), out->mutable_expire_time());
}

template <typename M>
M MustLoad(const shard::EntityState& state, std::string_view sub) {
  const std::optional<std::string> bytes = state.Get(sub);
  M message;
  REGULARS_ASSERT(bytes && message.ParseFromString(*bytes), "a value of the ledger is missing");
  return message;
}

v1::Entry RenderEntry(const shard::EntityState& state, std::string_view balance_name,
                      int64_t sequence) {
  const auto entry = MustLoad<v1::EntryState>(state, EntrySub(sequence));
  const auto kind = static_cast<EntryKind>(entry.kind());
  const bool in =
      kind == EntryKind::kEarned || kind == EntryKind::kRedemptionReversed || IsMove(kind);
  v1::Entry out;
  out.set_name(Cat(balance_name, "/entries/", sequence));
  out.set_kind(static_cast<v1::EntryKind>(entry.kind()));
  out.set_points(in ? entry.points() : -entry.points());
  out.set_balance_after(entry.balance_after());
  out.set_natural_id(NaturalId(kind, entry.natural_id()));
  SetTime(entry.effective_us(), out.mutable_effective_time());
  SetTime(entry.effective_us() + entry.recorded_after_us(), out.mutable_record_time());
  out.set_fragment_id(FragmentOf(entry));
  if (kind == EntryKind::kEarned) {
    if (entry.points() > entry.debt_points()) {
      RenderLot(MoveOf({LotExpiry(entry), sequence}, entry.points() - entry.debt_points()),
                out.add_lots());
    }
  } else if (kind == EntryKind::kRedeemed) {
    // Not here any more if a split took the redemption home.
    v1::RedemptionState redemption;
    const auto bytes = state.Get(RedemptionSub(entry.natural_id()));
    REGULARS_ASSERT(!bytes || redemption.ParseFromString(*bytes), "a redemption does not parse");
    for (const v1::Allocation& lot : redemption.allocations()) RenderLot(lot, out.add_lots());
  } else if (kind == EntryKind::kMovedIn && entry.points() > 0 && entry.expiry_days() > 0) {
    RenderLot(MoveOf({LotExpiry(entry), sequence}, entry.points()), out.add_lots());
  } else {
    for (const v1::Allocation& lot : entry.lots()) RenderLot(lot, out.add_lots());
  }
  return out;
}

}  // namespace

v1::Balance RenderBalance(std::string_view name, const v1::PointsRoot& root) {
  v1::Balance balance;
  balance.set_name(std::string(name));
  balance.set_points(root.balance());
  balance.set_issued_points(root.issued());
  balance.set_redeemed_points(root.redeemed());
  balance.set_expired_points(root.expired());
  balance.set_reversed_points(root.reversed());
  balance.set_entry_count(root.next_entry_sequence() - 1);
  balance.set_next_expiring_points(root.next_expiring_points());
  if (root.next_expiry_us() != 0) {
    SetTime(root.next_expiry_us(), balance.mutable_next_expire_time());
  }
  balance.set_debt_points(root.debt());
  return balance;
}

v1::Redemption RenderRedemption(std::string_view balance_name, std::string_view redemption_id,
                                const v1::RedemptionState& state) {
  v1::Redemption redemption;
  redemption.set_name(Cat(balance_name, "/redemptions/", redemption_id));
  redemption.set_points(state.points());
  for (const v1::Allocation& lot : state.allocations()) RenderLot(lot, redemption.add_lots());
  redemption.set_reversed(state.reversal_entry_sequence() != 0);
  SetTime(state.recorded_us(), redemption.mutable_create_time());
  return redemption;
}

v1::ListEntriesResponse RenderEntries(const shard::EntityState& state,
                                      std::string_view balance_name, const EntriesQuery& query,
                                      const v1::PointsRoot& root) {
  v1::ListEntriesResponse response;
  const int64_t newest = root.next_entry_sequence() - 1;
  int64_t sequence = query.from_sequence == 0 ? newest : std::min(query.from_sequence, newest);
  size_t bytes = 0;
  for (; sequence > 0 && response.entries_size() < query.page_size && bytes < kEntriesPageBytes;
       --sequence) {
    *response.add_entries() = RenderEntry(state, balance_name, sequence);
    bytes += response.entries(response.entries_size() - 1).ByteSizeLong();
  }
  if (sequence > 0) response.set_next_page_token(PageToken(balance_name, sequence));
  return response;
}

}  // namespace regulars::points
