#include "tests/sim/reader.h"

#include <optional>
#include <set>

#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/redis/view_keys.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::sim {

std::string CompareView(World* world, const shard::Program& program, const redis::ShardId& id,
                        const redis::ViewMeta& meta,
                        const std::map<std::string, std::string>& state, bool all) {
  std::map<std::string, std::string> expected;
  for (const auto& [key, value] : state) {
    if (key[0] != shard::kStateKind) continue;
    const auto parts = shard::ParseStateKey(key);
    if (!program.InView(parts.sub)) continue;
    runtime::v1::StateValue wrapped;
    if (!wrapped.ParseFromString(value)) return "a state value is garbled";
    expected[Cat(parts.pool, "|", parts.entity, "|", parts.sub)] = wrapped.value();
  }
  redis::FakeView view(&world->views());
  const auto dump = view.Dump(id);
  if (!dump.ok()) return "the view cannot be read";
  const std::string prefix = redis::GenerationPrefix(id, meta.generation);
  std::set<std::string> found;
  for (const redis::ViewOp& op : *dump) {
    found.insert(op.key);
    if (world->Rotted(Cat(prefix, op.key), op.value)) continue;
    const auto it = expected.find(op.key);
    if (it == expected.end()) return Cat("has ", op.key, " too much");
    if (it->second != op.value.value_or("")) return Cat("differs at ", op.key);
  }
  for (const auto& [key, value] : expected) {
    if (!all) break;
    if (!found.contains(key) && !world->Rotted(Cat(prefix, key), std::nullopt)) {
      return Cat("lacks ", key);
    }
  }
  return "";
}

std::optional<redis::ViewMeta> Reader::Meta(const redis::ShardId& id) {
  redis::FakeView view(&world_->views());
  const auto meta = view.Meta(id);
  if (!meta.ok() || !*meta || !(*meta)->whole) return std::nullopt;
  const std::string name = Cat(id.service, "-", id.shard);
  const auto before = seen_.find(name);
  if (before != seen_.end() && before->second.log_id == (*meta)->log_id) {
    if ((*meta)->applied < before->second.applied || (*meta)->epoch < before->second.epoch) {
      world_->Violation(Cat(name, ": a reader finds the view at ", (*meta)->applied, " of epoch ",
                            (*meta)->epoch, ", it was at ", before->second.applied, " of epoch ",
                            before->second.epoch));
    }
  }
  seen_[name] = **meta;
  return *meta;
}

void Reader::Glance() {
  for (int service = 0; service < kServices; ++service) {
    for (int32_t shard = 0; shard < world_->shards(); ++shard) {
      (void)Meta({world_->program(service).service(), shard, world_->shards()});
    }
  }
}

void Reader::Look(int service, int32_t shard) {
  const shard::Program& program = world_->program(service);
  const redis::ShardId id{program.service(), shard, world_->shards()};
  const auto meta = Meta(id);
  if (!meta) return;
  const auto state = world_->changelogs().FoldAt(
      world_->log(), {world_->Topic(id.service, events::kChangelogKind), shard}, meta->applied);
  if (!state) return;  // behind a transaction that is not decided yet
  ++reads_;
  const std::string wrong = CompareView(world_, program, id, *meta, *state, /*all=*/false);
  if (wrong.empty()) return;
  world_->Violation(
      Cat(id.service, "-", shard, ": a reader finds the view at ", meta->applied, ": ", wrong));
}

}  // namespace regulars::sim
