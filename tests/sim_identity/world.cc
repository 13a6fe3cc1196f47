#include "tests/sim_identity/world.h"

#include <algorithm>

#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/types.h"
#include "services/identity/codec/identity_program.h"
#include "tests/sim_identity/broken_program.h"

namespace regulars::sim_identity {
namespace {

constexpr int64_t kBatchMax = 8;
constexpr int64_t kStepsMax = 3'000'000;  // a run that needs more never ends

std::unique_ptr<shard::Program> MakeProgram(const Setup& setup, const identity::LinkRules& rules) {
  identity::IdentityOptions options;
  options.links = rules;
  auto program =
      TakeOut(setup.broken, std::make_unique<identity::IdentityProgram>(std::move(options)));
  REGULARS_ASSERT(program != nullptr, "no such guard");
  return program;
}

}  // namespace

World::World(const Setup& setup, const Shape& shape, identity::LinkRules rules)
    : shape_(shape),
      rules_(std::move(rules)),
      rng_(setup.seed * 7919 + 1),
      program_(MakeProgram(setup, rules_)),
      shards_(static_cast<size_t>(shape.shards)),
      now_us_(1000 * kMicrosPerDay) {}

int32_t World::ShardOfEntity(std::string_view entity) const {
  // With `link_scope: pool` all members of a pool are where one fixed key is.
  const bool together = shape_.pool_scope && entity.starts_with("m_");
  return ShardOf(Bucket(kPool, together ? "@members" : entity), shape_.shards);
}

void World::Feed(Message touch) {
  const int32_t to = ShardOfEntity(touch.entity);
  shards_[static_cast<size_t>(to)].inbox[-1].push_back(std::move(touch));
}

const identity::MapState* World::StateOf(const std::string& entity) const {
  const auto& states = shards_[static_cast<size_t>(ShardOfEntity(entity))].states;
  const auto it = states.find(entity);
  return it == states.end() ? nullptr : &it->second;
}

int64_t World::sum(const std::string& name) const {
  int64_t total = 0;
  for (const Shard& shard : shards_) {
    const auto it = shard.sums.find(name);
    if (it != shard.sums.end()) total += it->second;
  }
  return total;
}

int64_t World::messages(v1::LinkMessage::KindCase kind) const {
  const auto it = message_counts_.find(static_cast<int>(kind));
  return it == message_counts_.end() ? 0 : it->second;
}

bool World::HasInput(const Shard& shard) const {
  if (shard.position < shard.log.size()) return true;
  return std::any_of(shard.inbox.begin(), shard.inbox.end(),
                     [](const auto& channel) { return !channel.second.empty(); });
}

bool World::Apply(int32_t shard, shard::Input input, Batch* batch, shard::Reply* reply) {
  bool skip = false;
  const absl::Status decoded = program_->Decode(&input, &skip);
  if (!decoded.ok() || skip) {
    Violation(Cat("not decoded: ", StdView(decoded.message())));
    return false;
  }
  auto& states = shards_[static_cast<size_t>(shard)].states;
  if (!batch->before.contains(input.entity)) {
    const auto it = states.find(input.entity);
    batch->before[input.entity] =
        it == states.end() ? std::nullopt : std::optional<identity::MapState>(it->second);
  }
  identity::MapState& state = states[input.entity];
  shard::Effects effects = program_->Apply(state, input);
  state.Apply(effects);
  if (const std::string wrong = program_->CheckInvariants(state); !wrong.empty()) {
    Violation(Cat("invariant: ", wrong));
  }
  if (effects.dead_letter.has_value()) Violation(Cat("dead letter ", effects.dead_letter->reason));
  if (effects.publishes.size() > shard::kPublishesPerInputMax) Violation("too many publishes");
  for (const shard::AddSum& sum : effects.sums) batch->sums[sum.name] += sum.delta;
  for (shard::Publish& publish : effects.publishes) batch->publishes.push_back(std::move(publish));
  effects.publishes.clear();
  if (reply != nullptr && effects.reply.has_value()) *reply = *effects.reply;
  batch->changes.emplace_back(input.entity, std::move(effects));
  return true;
}

void World::Finish(int32_t from, Batch* batch, size_t position, bool commit) {
  Shard& shard = shards_[static_cast<size_t>(from)];
  if (!commit) {
    for (auto& [entity, before] : batch->before) {
      if (before.has_value()) {
        shard.states[entity] = *std::move(before);
      } else {
        shard.states.erase(entity);
      }
    }
    return;
  }
  shard.position = position;
  for (const auto& [name, delta] : batch->sums) shard.sums[name] += delta;
  for (const auto& [entity, effects] : batch->changes) {
    for (const shard::Put& put : effects.puts) shard.changelog[{entity, put.sub}] = put.value;
    for (const std::string& sub : effects.deletes) shard.changelog.erase({entity, sub});
  }
  for (shard::Publish& publish : batch->publishes) {
    if (publish.kind == events::kEventsKind) {
      if (publish.type == events::kLinkSuppressed) {
        v1::LinkSuppressed stopped;
        stopped.ParseFromString(publish.payload);
        const std::string& a = stopped.evidence().first().hmac();
        const std::string& b = stopped.evidence().second().hmac();
        suppressed_.insert({std::min(a, b), std::max(a, b)});
      }
      if (on_event) on_event(from, publish);
      continue;
    }
    ++link_records_;
    if (publish.type == events::kLinkMessage) {
      v1::LinkMessage message;
      message.ParseFromString(publish.payload);
      ++message_counts_[static_cast<int>(message.kind_case())];
    }
    const int32_t to = ShardOfEntity(publish.entity);
    shards_[static_cast<size_t>(to)].inbox[from].push_back(
        {false, publish.entity, publish.type, publish.id, publish.payload});
  }
}

void World::Move(int32_t from) {
  Shard& shard = shards_[static_cast<size_t>(from)];
  // The new owner has nothing but the changelog.
  std::map<std::string, identity::MapState> rebuilt;
  for (const auto& [key, value] : shard.changelog) rebuilt[key.first].Set(key.second, value);
  for (const auto& [entity, state] : shard.states) {
    if (state.size() != rebuilt[entity].size()) Violation("a restored state has other keys");
  }
  shard.states = std::move(rebuilt);
}

bool World::StepOnce() {
  std::vector<int32_t> ready;
  for (int32_t i = 0; i < shape_.shards; ++i) {
    if (HasInput(shards_[static_cast<size_t>(i)])) ready.push_back(i);
  }
  if (ready.empty()) return false;
  const int32_t at = ready[static_cast<size_t>(rng_.Below(static_cast<int64_t>(ready.size())))];
  Shard& shard = shards_[static_cast<size_t>(at)];
  if (rng_.PerMille(shape_.move_per_mille)) Move(at);
  Batch batch;
  const int64_t count = 1 + rng_.Below(kBatchMax);
  size_t position = shard.position;
  for (int64_t i = 0; i < count; ++i) {
    if (position == shard.log.size()) {
      std::vector<int32_t> channels;
      for (const auto& [from, queue] : shard.inbox) {
        if (!queue.empty()) channels.push_back(from);
      }
      if (channels.empty()) break;
      auto& queue = shard.inbox[channels[static_cast<size_t>(
          rng_.Below(static_cast<int64_t>(channels.size())))]];
      shard.log.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    const Message message = shard.log[position];
    shard::Input input;
    input.pool = std::string(kPool);
    input.entity = message.entity;
    input.type = message.type;
    input.id = message.id;
    input.payload = message.payload;
    input.topic = message.is_touch ? "touches" : "links";
    input.now_us = now_us_;
    input.time_us = now_us_;
    input.partition = at;
    input.offset = static_cast<int64_t>(position);
    Apply(at, std::move(input), &batch, nullptr);
    ++position;
  }
  Finish(at, &batch, position, !rng_.PerMille(shape_.abort_per_mille));
  return true;
}

void World::Drain() {
  for (int64_t i = 0; i < kStepsMax; ++i) {
    if (!StepOnce()) return;
  }
  Violation("the messages never end");
}

shard::Reply World::Ask(const Asked& command) {
  const int32_t at = ShardOfEntity(command.member);
  shard::Input input;
  input.kind = shard::InputKind::kCommand;
  input.pool = std::string(kPool);
  input.entity = command.member;
  input.type = command.type;
  input.id = command.id;
  input.payload = command.payload;
  input.now_us = now_us_;
  input.time_us = now_us_;
  Batch batch;
  shard::Reply reply;
  Apply(at, std::move(input), &batch, &reply);
  const bool commit = !rng_.PerMille(shape_.abort_per_mille);
  Finish(at, &batch, shards_[static_cast<size_t>(at)].position, commit);
  if (!commit) return {absl::StatusCode::kUnavailable, "TRY_AGAIN", "", ""};
  return reply;
}

shard::Reply World::Query(std::string_view type, const std::string& entity) const {
  shard::Input input;
  input.kind = shard::InputKind::kQuery;
  input.pool = std::string(kPool);
  input.type = std::string(type);
  input.entity = entity;
  const identity::MapState* state = StateOf(entity);
  const identity::MapState empty;
  bool skip = false;
  REGULARS_ASSERT(program_->Decode(&input, &skip).ok(), "a query does not decode");
  return program_->Query(state == nullptr ? empty : *state, input);
}

}  // namespace regulars::sim_identity
