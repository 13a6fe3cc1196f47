#include "libs/handoff/draft.h"

#include <algorithm>

#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::handoff {

std::optional<std::string> Draft::Get(std::string_view sub) const {
  const auto value = values_.find(sub);
  return value == values_.end() ? base_.Get(sub) : value->second;
}

std::optional<std::pair<std::string, std::string>> Draft::Next(std::string_view prefix,
                                                               std::string_view from) const {
  const std::string_view begin = std::max(prefix, from);
  auto stored = base_.Next(prefix, begin);
  while (stored.has_value() && values_.contains(stored->first)) {
    stored = base_.Next(prefix, Cat(stored->first, "\x01"));
  }
  auto changed = values_.lower_bound(begin);
  while (changed != values_.end() && !changed->second.has_value()) ++changed;
  if (changed == values_.end() || !changed->first.starts_with(prefix) ||
      (stored.has_value() && stored->first < changed->first)) {
    return stored;
  }
  return std::make_pair(changed->first, *changed->second);
}

std::optional<int64_t> Draft::Timer(std::string_view name) const {
  const auto timer = timers_.find(name);
  return timer == timers_.end() ? base_.Timer(name) : timer->second;
}

void Draft::Take(shard::Effects step) {
  for (shard::Put& put : step.puts) {
    REGULARS_ASSERT(put.expires_at_us == 0, "a draft has no values that expire");
    values_.insert_or_assign(std::move(put.sub), std::move(put.value));
  }
  for (std::string& sub : step.deletes) values_.insert_or_assign(std::move(sub), std::nullopt);
  for (shard::SetTimer& timer : step.set_timers) {
    timers_.insert_or_assign(std::move(timer.name), timer.at_us);
  }
  for (std::string& name : step.cancel_timers) {
    timers_.insert_or_assign(std::move(name), std::nullopt);
  }
  for (const shard::AddSum& sum : step.sums) sums_[sum.name] += sum.delta;
  for (shard::Publish& publish : step.publishes) publishes_.push_back(std::move(publish));
}

shard::Effects Draft::Finish() {
  shard::Effects effects;
  for (auto& [sub, value] : values_) {
    const std::optional<std::string> before = base_.Get(sub);
    if (value == before) continue;
    if (value.has_value()) {
      effects.puts.push_back({sub, *std::move(value)});
    } else {
      effects.deletes.push_back(sub);
    }
  }
  for (const auto& [name, at_us] : timers_) {
    if (at_us == base_.Timer(name)) continue;
    if (at_us.has_value()) {
      effects.set_timers.push_back({name, *at_us});
    } else {
      effects.cancel_timers.push_back(name);
    }
  }
  for (const auto& [name, delta] : sums_) {
    if (delta != 0) effects.sums.push_back({name, delta});
  }
  effects.publishes = std::move(publishes_);
  return effects;
}

}  // namespace regulars::handoff
