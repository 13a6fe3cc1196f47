#include "libs/shard/settling.h"

#include <algorithm>

namespace regulars::shard {

Settling::Settling(const runtime::v1::Settling& stored)
    : sent_(stored.sent()),
      sent_clock_us_(stored.sent_clock_us()),
      completed_(stored.completed()),
      settled_us_(stored.settled_us()),
      least_applied_us_(stored.least_applied_us()) {
  for (const auto& marker : stored.markers()) {
    markers_[{marker.topic(), marker.producing_shard()}][marker.round()] = {
        marker.round(), marker.clock_us(), marker.least_applied_us()};
  }
}

runtime::v1::Settling Settling::Stored(const std::string& pool) const {
  runtime::v1::Settling stored;
  stored.set_pool(pool);
  stored.set_sent(sent_);
  stored.set_sent_clock_us(sent_clock_us_);
  stored.set_completed(completed_);
  stored.set_settled_us(settled_us_);
  stored.set_least_applied_us(least_applied_us_);
  for (const auto& [from, rounds] : markers_) {
    for (const auto& [round, marker] : rounds) {
      auto* one = stored.add_markers();
      one->set_topic(from.topic);
      one->set_producing_shard(from.producer);
      one->set_round(round);
      one->set_clock_us(marker.clock_us);
      one->set_least_applied_us(marker.least_applied_us);
    }
  }
  return stored;
}

void Settling::NoteApplied(int64_t time_us) {
  least_applied_us_ = std::min(least_applied_us_, time_us);
}

void Settling::Take(const From& from, const Marker& marker) {
  if (marker.round <= completed_) return;
  markers_[from][marker.round] = marker;
}

bool Settling::HasRound(const std::vector<From>& everybody, int64_t round) const {
  return std::all_of(everybody.begin(), everybody.end(), [&](const From& from) {
    const auto found = markers_.find(from);
    return found != markers_.end() && found->second.contains(round);
  });
}

void Settling::Complete(const std::vector<From>& everybody) {
  completed_ = sent_;
  int64_t settled = kNone;
  for (const From& from : everybody) {
    std::map<int64_t, Marker>& rounds = markers_[from];
    const auto before = rounds.find(completed_ - 1);
    settled = std::min({settled, rounds.at(completed_).least_applied_us,
                        before == rounds.end() ? 0 : before->second.clock_us});
    rounds.erase(rounds.begin(), rounds.find(completed_));
  }
  settled_us_ = std::max(settled_us_, settled);
}

int64_t Settling::InReach(const std::vector<From>& everybody) const {
  if (completed_ == 0) return 0;
  int64_t reach = kNone;
  for (const From& from : everybody) {
    reach = std::min(reach, markers_.at(from).at(completed_).clock_us);
  }
  return reach;
}

std::optional<Settling::Marker> Settling::Advance(const std::vector<From>& everybody,
                                                  int64_t promised_us) {
  if (completed_ < sent_ && HasRound(everybody, sent_)) Complete(everybody);
  if (completed_ < sent_) return std::nullopt;
  const bool others_began = std::any_of(everybody.begin(), everybody.end(), [&](const From& from) {
    const auto found = markers_.find(from);
    return found != markers_.end() && found->second.contains(sent_ + 1);
  });
  if (!others_began && promised_us <= sent_clock_us_ && InReach(everybody) <= settled_us_) {
    return std::nullopt;
  }
  ++sent_;
  sent_clock_us_ = promised_us;
  const Marker marker{sent_, promised_us, least_applied_us_};
  least_applied_us_ = kNone;
  return marker;
}

}  // namespace regulars::shard
