#include "services/points/kernel/working_set.h"

#include <utility>

#include "libs/base/checked.h"
#include "libs/base/text.h"

namespace regulars::points {
namespace {

constexpr size_t kSums = 8;

OpenLot ParseLot(std::string_view sub, const std::string& bytes) {
  v1::LotState lot;
  REGULARS_ASSERT(lot.ParseFromString(bytes), "a lot does not parse");
  return {ParseLotSub(sub), lot.remaining()};
}

}  // namespace

WorkingSet::WorkingSet(const shard::EntityState& state, bool timer_fired) : state_(state) {
  if (std::optional<std::string> bytes = state.Get("")) {
    known_ = true;
    root_bytes_ = *std::move(bytes);
    REGULARS_ASSERT(root_.ParseFromString(root_bytes_), "a root does not parse");
    before_ = root_;
    if (!timer_fired && !root_.expiry_held()) timer_at_us_ = root_.next_expiry_us();
  }
}

v1::PointsRoot* WorkingSet::OpenRoot() {
  if (root_.next_entry_sequence() == 0) root_.set_next_entry_sequence(1);
  known_ = true;
  return &root_;
}

std::optional<std::string> WorkingSet::Get(std::string_view sub) const {
  if (const auto change = changes_.find(sub); change != changes_.end()) return change->second;
  return state_.Get(sub);
}

void WorkingSet::Store(std::string sub, const google::protobuf::MessageLite& message) {
  changes_.insert_or_assign(std::move(sub), message.SerializeAsString());
}

std::optional<OpenLot> WorkingSet::FirstLot() const { return LotFrom(std::string(kLotPrefix)); }

std::optional<OpenLot> WorkingSet::LotAfter(const LotKey& lot) const {
  return LotFrom(JustAfter(LotSub(lot)));
}

std::optional<OpenLot> WorkingSet::LotFrom(std::string from) const {
  const auto found = Next(kLotPrefix, std::move(from));
  if (!found) return std::nullopt;
  return ParseLot(found->first, found->second);
}

std::string WorkingSet::JustAfter(std::string_view sub) { return Cat(sub, "\x01"); }

std::optional<std::pair<std::string, std::string>> WorkingSet::Next(std::string_view prefix,
                                                                    std::string from) const {
  while (true) {
    auto stored = state_.Next(prefix, from);
    const auto change = changes_.lower_bound(from);
    const bool changed = change != changes_.end() && change->first.starts_with(prefix);
    if (!changed || (stored && stored->first < change->first)) return stored;
    if (change->second) return std::make_pair(change->first, *change->second);
    from = JustAfter(change->first);
  }
}

int64_t WorkingSet::LotRemaining(const LotKey& lot) const {
  const std::optional<v1::LotState> state = Load<v1::LotState>(LotSub(lot));
  return state ? state->remaining() : 0;
}

void WorkingSet::SetLot(const LotKey& lot, int64_t remaining) {
  if (remaining == 0) {
    changes_.insert_or_assign(LotSub(lot), std::nullopt);
    return;
  }
  v1::LotState state;
  state.set_remaining(remaining);
  Store(LotSub(lot), state);
}

void WorkingSet::NewLot(const LotKey& lot, int64_t points) {
  SetLot(lot, points);
  CountIn(lot, points);
}

void WorkingSet::AddToLot(const LotKey& lot, int64_t points) {
  SetLot(lot, AddOrDie(LotRemaining(lot), points));
  CountIn(lot, points);
}

void WorkingSet::CountIn(const LotKey& lot, int64_t points) {
  REGULARS_ASSERT(points > 0, "a lot grows by a positive number of points");
  if (earliest_gone_) return;
  if (root_.next_expiry_us() == 0 || lot.expires_at_us < root_.next_expiry_us()) {
    root_.set_next_expiry_us(lot.expires_at_us);
    root_.set_next_expiring_points(points);
  } else if (lot.expires_at_us == root_.next_expiry_us()) {
    root_.set_next_expiring_points(AddOrDie(root_.next_expiring_points(), points));
  }
}

void WorkingSet::TakeFromLot(const LotKey& lot, int64_t points) {
  const int64_t remaining = LotRemaining(lot);
  REGULARS_ASSERT(points > 0 && points <= remaining, "a lot is asked for more than it holds");
  SetLot(lot, remaining - points);
  if (earliest_gone_ || lot.expires_at_us != root_.next_expiry_us()) return;
  root_.set_next_expiring_points(root_.next_expiring_points() - points);
  REGULARS_ASSERT(root_.next_expiring_points() >= 0, "the earliest lots hold less than none");
  earliest_gone_ = root_.next_expiring_points() == 0;
}

void WorkingSet::RecomputeEarliest() {
  earliest_gone_ = false;
  root_.clear_next_expiry_us();
  root_.clear_next_expiring_points();
  for (auto lot = FirstLot(); lot; lot = LotAfter(lot->key)) {
    if (root_.next_expiry_us() == 0) root_.set_next_expiry_us(lot->key.expires_at_us);
    if (lot->key.expires_at_us != root_.next_expiry_us()) return;
    root_.set_next_expiring_points(AddOrDie(root_.next_expiring_points(), lot->remaining));
  }
}

const v1::PointsRoot& WorkingSet::SettledRoot() {
  if (earliest_gone_) RecomputeEarliest();
  return root_;
}

void WorkingSet::Finish(std::string_view program, shard::Effects* effects) {
  if (!known_) {
    REGULARS_ASSERT(changes_.empty(), "state of a member without a root");
    return;
  }
  effects->puts.reserve(changes_.size() + 1);
  effects->sums.reserve(kSums);
  std::string bytes = SettledRoot().SerializeAsString();
  if (bytes != root_bytes_) effects->puts.push_back({.sub = "", .value = std::move(bytes)});
  for (auto& [sub, value] : changes_) {
    if (value) {
      effects->puts.push_back({.sub = sub, .value = *std::move(value)});
    } else if (state_.Get(sub)) {
      effects->deletes.push_back(sub);
    }
  }
  if (root_.next_expiry_us() != timer_at_us_ && !root_.expiry_held()) {
    if (root_.next_expiry_us() != 0) {
      effects->set_timers.push_back({std::string(kExpireTimer), root_.next_expiry_us()});
    } else {
      effects->cancel_timers.emplace_back(kExpireTimer);
    }
  }
  const auto add_sum = [&](std::string_view name, int64_t delta) {
    if (delta != 0) effects->sums.push_back({Cat(program, "/", name), delta});
  };
  const v1::Elsewhere& now = root_.elsewhere();
  const v1::Elsewhere& then = before_.elsewhere();
  add_sum("issued", root_.issued() - before_.issued() - now.issued() + then.issued());
  add_sum("outstanding", root_.balance() - before_.balance());
  add_sum("redeemed", root_.redeemed() - before_.redeemed() - now.redeemed() + then.redeemed());
  add_sum("expired", root_.expired() - before_.expired() - now.expired() + then.expired());
  add_sum("reversed", root_.reversed() - before_.reversed() - now.reversed() + then.reversed());
  add_sum("debt", root_.debt() - before_.debt());
  add_sum("moved_in", root_.moved_in() - before_.moved_in());
  add_sum("moved_out", root_.moved_out() - before_.moved_out());
}

}  // namespace regulars::points
