#include "tests/fuzz/shard.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/time.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"

namespace regulars::fuzz {
namespace {

constexpr int kClock = 3;  // a step that moves the clock; the others are kinds of input

}  // namespace

std::optional<std::string> Entity::Get(std::string_view sub) const {
  const auto it = states.find(sub);
  if (it == states.end()) return std::nullopt;
  return it->second.value;
}

std::optional<std::pair<std::string, std::string>> Entity::Next(std::string_view prefix,
                                                                std::string_view from) const {
  const auto it = states.lower_bound(std::max(prefix, from));
  if (it == states.end() || !it->first.starts_with(prefix)) return std::nullopt;
  return std::pair(it->first, it->second.value);
}

std::optional<int64_t> Entity::Timer(std::string_view name) const {
  const auto it = timers.find(name);
  if (it == timers.end()) return std::nullopt;
  return it->second;
}

void Shard::Feed(shard::Input input) {
  input.pool = kPool;
  input.now_us = now_us_;
  bool skip = false;
  if (const absl::Status status = program_.Decode(&input, &skip); !status.ok()) {
    // A dead letter, or an answer to the caller.
    FUZZ_CHECK(IsValidReason(ReasonOf(status)));
    return;
  }
  if (skip) return;
  FUZZ_CHECK(!input.entity.empty());
  if (input.kind == shard::InputKind::kQuery) {
    const shard::Reply reply = program_.Query(entities_[input.entity], input);
    FUZZ_CHECK(reply.code == absl::StatusCode::kOk || IsValidReason(reply.reason));
    return;
  }
  FireDue(input.entity);
  const shard::Effects effects = program_.Apply(entities_[input.entity], input);
  FUZZ_CHECK(input.kind != shard::InputKind::kCommand || effects.reply.has_value());
  CarryOut(input, effects);
}

void Shard::FireDue(const std::string& name) {
  Entity& entity = entities_[name];
  std::erase_if(entity.states, [this](const auto& state) {
    return state.second.expires_at_us > 0 && state.second.expires_at_us <= now_us_;
  });
  while (true) {
    const auto due = std::min_element(
        entity.timers.begin(), entity.timers.end(), [](const auto& a, const auto& b) {
          return std::pair(a.second, a.first) < std::pair(b.second, b.first);
        });
    if (due == entity.timers.end() || due->second > now_us_) return;
    shard::Input input;
    input.kind = shard::InputKind::kTimer;
    input.pool = kPool;
    input.entity = name;
    input.type = due->first;
    input.time_us = input.now_us = due->second;
    entity.timers.erase(due);
    CarryOut(input, program_.Apply(entity, input));
  }
}

void Shard::CarryOut(const shard::Input& input, const shard::Effects& effects) {
  Entity& entity = entities_[input.entity];
  for (const shard::Put& put : effects.puts) {
    FUZZ_CHECK(put.value.size() <= shard::kStateBytesMax && put.sub.size() <= shard::kSubBytesMax &&
               put.sub.find('\0') == std::string::npos && put.expires_at_us >= 0);
    entity.states[put.sub] = put;
  }
  for (const std::string& sub : effects.deletes) entity.states.erase(sub);
  for (const shard::SetTimer& timer : effects.set_timers) {
    FUZZ_CHECK(timer.at_us >= 0 && timer.name.find('\0') == std::string::npos);
    entity.timers[timer.name] = timer.at_us;
  }
  for (const std::string& name : effects.cancel_timers) entity.timers.erase(name);
  FUZZ_CHECK(entity.timers.size() <= shard::kTimersPerEntityMax);
  FUZZ_CHECK(effects.publishes.size() <= shard::kPublishesPerInputMax);
  const std::string source = events::SourceOf(program_.service());
  for (const shard::Publish& publish : effects.publishes) {
    FUZZ_CHECK(!events::ToHeaders({.type = publish.type,
                                   .id = publish.id,
                                   .source = source,
                                   .subject = publish.entity,
                                   .time_us = publish.time_us,
                                   .pool = input.pool,
                                   .shard = "0",
                                   .traceparent = {}})
                    .empty());
    published_.push_back(publish);
  }
  const std::string wrong = program_.CheckInvariants(entity);
  REGULARS_ASSERT(wrong.empty(), wrong);
}

void Play(const shard::Program& program, const Menu& menu, std::string_view input) {
  constexpr int kStepsMax = 64;
  const google::protobuf::LogSilencer quiet;
  Shard shard(&program);
  Bytes bytes(input);
  int64_t offset = 0;
  for (int i = 0; i < kStepsMax && !bytes.empty(); ++i) {
    const int kind = bytes.Byte() % 4;
    if (kind == kClock) {
      shard.Advance(bytes.Byte() * (kMicrosPerDay / 4));
      continue;
    }
    shard::Input step;
    step.kind = static_cast<shard::InputKind>(kind);
    const auto& types = step.kind == shard::InputKind::kRecord    ? menu.records
                        : step.kind == shard::InputKind::kCommand ? menu.commands
                                                                  : menu.queries;
    const size_t type = bytes.Byte(), entity = bytes.Byte();
    step.type = types.empty() ? std::string_view("none") : types[type % types.size()];
    step.entity = menu.entities[entity % menu.entities.size()];
    step.payload = bytes.Text();
    step.time_us = shard.now_us();
    step.id = "id";
    step.partition = 0;
    step.offset = offset++;
    shard.Feed(std::move(step));
  }
}

Input Step(shard::InputKind kind, int type, int entity, std::string_view payload) {
  return Input().Byte(static_cast<int>(kind)).Byte(type).Byte(entity).Text(payload);
}

Input Later(int quarters) { return Input().Byte(kClock).Byte(quarters); }

}  // namespace regulars::fuzz
