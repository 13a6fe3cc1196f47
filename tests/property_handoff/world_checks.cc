// What a World shows of itself.
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "services/points/kernel/keys.h"
#include "services/points/kernel/move.h"
#include "tests/property_handoff/world.h"

namespace regulars::property_handoff {

std::string World::Fingerprint() const {
  std::string text;
  for (const auto& [member, state] : members_) {
    Append(&text, "\n", member);
    for (const auto& [sub, value] : state.values) Append(&text, "|", sub, "=", value);
    for (const auto& [name, at] : state.timers) Append(&text, "|", name, "@", at);
  }
  for (const auto& [name, queue] : channels) {
    Append(&text, "\n", name);
    for (const Parcel& parcel : queue) Append(&text, "|", parcel.payload, parcel.again ? "2" : "");
  }
  Append(&text, Accepted());
  return text;
}

points::v1::PointsRoot World::Root(const std::string& member) const {
  points::v1::PointsRoot root;
  const auto found = members_.find(member);
  if (found == members_.end()) return root;
  const auto bytes = found->second.Get("");
  REGULARS_ASSERT(!bytes || root.ParseFromString(*bytes), "a root does not parse");
  return root;
}

const points::MemoryEntity& World::State(const std::string& member) const {
  return members_.at(member);
}

int64_t World::Sum(const std::string& name) const {
  int64_t total = 0;
  for (const auto& [key, value] : sums_) {
    if (key.ends_with(Cat("loyalty/", name))) total += value;
  }
  return total;
}

std::string World::Accepted() const {
  std::string text;
  for (const auto& [id, answer] : accepted_) Append(&text, id, "=", answer, " ");
  return text;
}

std::string World::Final(bool lots) const {
  std::string text;
  for (const auto& [member, state] : members_) {
    const points::v1::PointsRoot root = Root(member);
    Append(&text, member);
    if (!root.survivor().empty()) {
      // An alias may know the next one or, by a shortcut, the last.
      std::string last = root.survivor();
      while (!Root(last).survivor().empty()) last = Root(last).survivor();
      Append(&text, " is part of ", last, "\n");
      continue;
    }
    Append(&text, " balance=", root.balance());
    if (lots) Append(&text, " debt=", root.debt());
    for (const auto& [sub, value] : state.values) {
      if (sub.starts_with("order/") && sub[6] != '/') {
        points::v1::OrderState order;
        REGULARS_ASSERT(order.ParseFromString(value), "an order");
        Append(&text, " ", sub, ":", order.amount_minor(), "-", order.refunded_minor(), "/",
               order.reversed_points(), order.awaiting_order() ? "?" : "");
        if (!lots || order.entry_sequence() == 0) continue;
        points::v1::EntryState entry;
        REGULARS_ASSERT(entry.ParseFromString(*state.Get(points::EntrySub(order.entry_sequence()))),
                        "an entry");
        points::v1::LotState lot;
        const auto left =
            state.Get(points::LotSub({points::LotExpiry(entry), order.entry_sequence()}));
        REGULARS_ASSERT(!left || lot.ParseFromString(*left), "a lot");
        Append(&text, "=", lot.remaining());
      } else if (sub.starts_with("refund/")) {
        Append(&text, " ", sub);
      } else if (sub.starts_with("redemption/")) {
        points::v1::RedemptionState redemption;
        REGULARS_ASSERT(redemption.ParseFromString(value), "a redemption");
        Append(&text, " ", sub, ":", redemption.points(),
               redemption.reversal_entry_sequence() != 0 ? "!" : "");
      }
    }
    text.push_back('\n');
  }
  return text;
}

std::string World::CheckQuiet() const {
  if (!Quiet()) return Cat(channels.begin()->first, " is not empty");
  if (Sum("moved_in") != Sum("moved_out")) {
    return Cat("moved in ", Sum("moved_in"), ", moved out ", Sum("moved_out"));
  }
  int64_t balances = 0;
  for (const auto& [member, state] : members_) {
    const points::v1::PointsRoot root = Root(member);
    balances += root.balance();
    if (root.debt() < 0) return Cat(member, " has debt below zero");
    if (root.foreign_points() != 0 || root.expiry_held()) return Cat(member, " still waits");
    if (!root.survivor().empty() && root.balance() != 0) return Cat(member, " kept points");
    // Every point is an order's or was redeemed.
    int64_t worth = 0;
    for (const auto& [sub, value] : state.values) {
      if (sub.starts_with("order/")) {
        points::v1::OrderState order;
        REGULARS_ASSERT(order.ParseFromString(value), "an order");
        worth += points::WorthOf(order);
      } else if (sub.starts_with("redemption/")) {
        points::v1::RedemptionState redemption;
        REGULARS_ASSERT(redemption.ParseFromString(value), "a redemption");
        if (redemption.reversal_entry_sequence() == 0) worth -= redemption.points();
      }
    }
    if (worth != root.balance()) {
      return Cat(member, " has ", root.balance(), ", its orders and redemptions say ", worth);
    }
  }
  if (Sum("outstanding") != balances) return "the sums do not show the balances";
  if (Sum("issued") != balances + Sum("redeemed") + Sum("expired") + Sum("reversed")) {
    return "points were made or lost";
  }
  return "";
}

}  // namespace regulars::property_handoff
