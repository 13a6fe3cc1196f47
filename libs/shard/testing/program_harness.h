// The runtime's discipline around ONE entity, for table tests and property tests of programs:
// decode, fire the entity's due timers first, apply, carry out the effects, check the invariants. A
// test sees the effects and what they add up to. Not thread-safe; broken invariants abort.
//
// Example: ProgramHarness h(program, "cofco", "m_1");
//          h.Record("io.regulars.identity.v1.MemberResolved", "t1", payload, at);
//          h.AdvanceTo(later);
#ifndef REGULARS_LIBS_SHARD_TESTING_PROGRAM_HARNESS_H_
#define REGULARS_LIBS_SHARD_TESTING_PROGRAM_HARNESS_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/shard/kernel.h"

namespace regulars::shard {

class ProgramHarness : public EntityState {
 public:
  ProgramHarness(const Program& program, std::string pool, std::string entity)
      : program_(program), pool_(std::move(pool)), entity_(std::move(entity)) {}

  // A record whose own time is `time_us`; now = the later of it and the clock of AdvanceTo. A
  // record that Decode refuses has dead_letter set, one that it skips has the outcome "skipped".
  Effects Record(std::string type, std::string id, std::string payload, int64_t time_us) {
    Input input = NewInput(InputKind::kRecord, std::move(type), time_us);
    input.id = std::move(id);
    input.payload = std::move(payload);
    return Feed(std::move(input));
  }

  Effects Command(std::string type, std::string id, std::string payload, int64_t time_us) {
    Input input = NewInput(InputKind::kCommand, std::move(type), time_us);
    input.id = std::move(id);
    input.payload = std::move(payload);
    return Feed(std::move(input));
  }

  Reply Query(std::string type, std::string payload, int64_t time_us) const {
    Input input = NewInput(InputKind::kQuery, std::move(type), time_us);
    input.payload = std::move(payload);
    bool skip = false;
    if (const absl::Status status = program_.Decode(&input, &skip); !status.ok()) {
      return {status.code(), ReasonOf(status), std::string(status.message()), ""};
    }
    return program_.Query(*this, input);
  }

  // Fires every timer that is due by then, in order of (due time, name), and moves the clock.
  void AdvanceTo(int64_t clock_us) {
    FireDue(clock_us);
    clock_us_ = std::max(clock_us_, clock_us);
  }

  std::optional<std::string> Get(std::string_view sub) const override {
    const auto it = states_.find(std::string(sub));
    if (it == states_.end()) return std::nullopt;
    return it->second;
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override {
    const auto it = states_.lower_bound(std::string(std::max(prefix, from)));
    if (it == states_.end() || it->first.compare(0, prefix.size(), prefix) != 0)
      return std::nullopt;
    return *it;
  }
  std::optional<int64_t> Timer(std::string_view name) const override {
    const auto it = timers_.find(std::string(name));
    if (it == timers_.end()) return std::nullopt;
    return it->second;
  }

  const std::map<std::string, std::string>& states() const { return states_; }
  const std::map<std::string, int64_t>& timers() const { return timers_; }
  const std::map<std::string, int64_t>& sums() const { return sums_; }
  const std::vector<Publish>& publishes() const { return publishes_; }  // of all inputs so far
  size_t state_bytes() const {
    size_t bytes = 0;
    for (const auto& [sub, value] : states_) bytes += sub.size() + value.size();
    return bytes;
  }

 private:
  Input NewInput(InputKind kind, std::string type, int64_t time_us) const {
    Input input;
    input.kind = kind;
    input.pool = pool_;
    input.entity = entity_;
    input.type = std::move(type);
    input.time_us = time_us;
    input.now_us = std::max(clock_us_, time_us);
    return input;
  }

  Effects Feed(Input input) {
    bool skip = false;
    Effects effects;
    if (const absl::Status status = program_.Decode(&input, &skip); !status.ok()) {
      effects.outcome = "refused";
      if (input.kind == InputKind::kCommand) {
        effects.reply = Reply{status.code(), ReasonOf(status), std::string(status.message()), ""};
      } else {
        effects.dead_letter = DeadLetterEffect{ReasonOf(status), std::string(status.message())};
      }
      return effects;
    }
    if (skip) {
      effects.outcome = "skipped";
      return effects;
    }
    REGULARS_ASSERT(input.pool == pool_ && input.entity == entity_, "a harness has one entity");
    FireDue(input.now_us);
    effects = program_.Apply(*this, input);
    CarryOut(effects);
    return effects;
  }

  void FireDue(int64_t now_us) {
    while (true) {
      const auto due = std::min_element(timers_.begin(), timers_.end(), [](auto& a, auto& b) {
        return std::pair(a.second, a.first) < std::pair(b.second, b.first);
      });
      if (due == timers_.end() || due->second > now_us) return;
      Input input = NewInput(InputKind::kTimer, due->first, due->second);
      timers_.erase(due);
      CarryOut(program_.Apply(*this, input));
    }
  }

  void CarryOut(const Effects& effects) {
    REGULARS_ASSERT(effects.publishes.size() <= kPublishesPerInputMax, "too many records");
    for (const Put& put : effects.puts) {
      REGULARS_ASSERT(put.value.size() <= kStateBytesMax, "state value too big");
      REGULARS_ASSERT(put.sub.size() <= kSubBytesMax, "state key too long");
      states_[put.sub] = put.value;
    }
    for (const std::string& sub : effects.deletes) states_.erase(sub);
    for (const SetTimer& timer : effects.set_timers) timers_[timer.name] = timer.at_us;
    for (const std::string& name : effects.cancel_timers) timers_.erase(name);
    REGULARS_ASSERT(timers_.size() <= kTimersPerEntityMax, "too many timers");
    for (const AddSum& sum : effects.sums) {
      if ((sums_[sum.name] += sum.delta) == 0) sums_.erase(sum.name);
    }
    publishes_.insert(publishes_.end(), effects.publishes.begin(), effects.publishes.end());
    const std::string wrong = program_.CheckInvariants(*this);
    REGULARS_ASSERT(wrong.empty(), wrong);
  }

  const Program& program_;
  const std::string pool_;
  const std::string entity_;
  int64_t clock_us_ = 0;
  std::map<std::string, std::string> states_;
  std::map<std::string, int64_t> timers_;
  std::map<std::string, int64_t> sums_;
  std::vector<Publish> publishes_;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_TESTING_PROGRAM_HARNESS_H_
