#include "services/points/kernel/poster.h"

#include <algorithm>
#include <optional>

#include "libs/base/base32.h"
#include "libs/base/text.h"

namespace regulars::points {
namespace {

// A redemption keeps its lots with itself, and an earned entry has the number of its lot.
bool KeepsLots(EntryKind kind) {
  return kind != EntryKind::kEarned && kind != EntryKind::kRedeemed && !IsMove(kind);
}

constexpr std::string_view kFragmentPrefix = "f_";

// Ids that are base 32 of bytes are kept as those bytes.
void SetOrigin(const Origin& origin, v1::EntryState* entry) {
  std::optional<std::string> bytes;
  if (origin.fragment_id.starts_with(kFragmentPrefix)) {
    bytes = Base32Decode(std::string_view(origin.fragment_id).substr(kFragmentPrefix.size()));
  }
  if (bytes && !bytes->empty()) {
    entry->set_fragment(*std::move(bytes));
  } else {
    entry->set_fragment_text(origin.fragment_id);
  }
  bytes = Base32Decode(origin.touch_id);
  if (bytes) {
    entry->set_touch(*std::move(bytes));
  } else {
    entry->set_touch_text(origin.touch_id);
  }
}

}  // namespace

std::string NaturalId(EntryKind kind, std::string_view short_id) {
  switch (kind) {
    case EntryKind::kEarned:
      return Cat("order/", short_id);
    case EntryKind::kRedeemed:
      return Cat("redemption/", short_id);
    case EntryKind::kReversed:
      return Cat("refund/", short_id);
    case EntryKind::kRedemptionReversed:
      return Cat("redemption/", short_id, "/reversal");
    case EntryKind::kExpired:
      return Cat("expiry/", short_id);
    case EntryKind::kMovedIn:
      return Cat("moved_in/", short_id);
    case EntryKind::kMovedOut:
      return Cat("moved_out/", short_id);
    case EntryKind::kDuplicateAfterMerge:
      return Cat("duplicate_after_merge/", short_id);
  }
  REGULARS_ASSERT(false, "an entry of no kind");
}

v1::Allocation MoveOf(const LotKey& lot, int64_t points) {
  v1::Allocation move;
  move.set_lot(lot.sequence);
  move.set_points(points);
  move.set_expires_at_us(lot.expires_at_us);
  return move;
}

std::string FragmentOf(const v1::EntryState& entry) {
  if (entry.fragment().empty()) return entry.fragment_text();
  return Cat(kFragmentPrefix, Base32Encode(entry.fragment()));
}

std::string TouchOf(const v1::EntryState& entry) {
  return entry.touch().empty() ? entry.touch_text() : Base32Encode(entry.touch());
}

Poster::Poster(std::string_view program, const Member& member, WorkingSet* set)
    : program_(program), member_(member), set_(set) {}

void Poster::Post(const PostingFacts& facts, v1::Posting* posting) {
  REGULARS_ASSERT(facts.points > 0 || IsMove(facts.kind),
                  "a posting moves a positive number of points");
  v1::PointsRoot* root = set_->OpenRoot();
  const int64_t sequence = root->next_entry_sequence();
  root->set_next_entry_sequence(sequence + 1);

  v1::EntryState entry;
  entry.set_kind(static_cast<int32_t>(facts.kind));
  entry.set_points(facts.points);
  entry.set_balance_after(root->balance());
  entry.set_natural_id(std::string(facts.natural_id));
  entry.set_effective_us(facts.origin.effective_us);
  entry.set_recorded_after_us(member_.now_us - facts.origin.effective_us);
  SetOrigin(facts.origin, &entry);
  entry.set_request_id(facts.origin.request_id);
  entry.set_expiry_days(facts.expiry_days);
  entry.set_debt_points(facts.debt_points);
  if (KeepsLots(facts.kind)) {
    const size_t count = std::min<size_t>(facts.lots.size(), kLotsInlineMax);
    for (size_t i = 0; i < count; ++i) *entry.add_lots() = facts.lots[i];
  }
  set_->Store(EntrySub(sequence), entry);

  posting->set_member(std::string(member_.id));
  posting->set_program(std::string(program_));
  posting->set_entry_sequence(sequence);
  posting->set_points(facts.points);
  posting->set_balance_after(root->balance());
  for (const v1::Allocation& lot : facts.lots) {
    v1::LotMove* move = posting->add_lots();
    move->set_lot_id(Cat(lot.lot()));
    move->set_points(lot.points());
    move->set_expires_at_us(lot.expires_at_us());
  }
  posting->set_natural_id(NaturalId(facts.kind, facts.natural_id));
  v1::Cause* cause = posting->mutable_cause();
  cause->set_touch_id(facts.origin.touch_id);
  cause->set_request_id(facts.origin.request_id);
  if (facts.kind == EntryKind::kEarned) cause->set_rule(std::string(kEarnRule));
  cause->set_order(std::string(facts.order_key));
  posting->set_fragment_id(facts.origin.fragment_id);
  posting->set_effective_us(facts.origin.effective_us);
  posting->set_recorded_us(member_.now_us);
}

void Poster::Publish(std::string_view type, std::string_view natural_id,
                     const google::protobuf::MessageLite& event) {
  publishes_.push_back({.kind = "events",
                        .entity = std::string(member_.id),
                        .type = Cat("io.regulars.points.v1.", type),
                        .id = Cat(member_.id, "/", program_, "/", natural_id),
                        .payload = event.SerializeAsString(),
                        .time_us = member_.now_us});
}

}  // namespace regulars::points
