// The identity service of one seed on 2 to 64 shards: the real program over single-writer shards,
// one FIFO channel from every shard to every shard, batches that commit or vanish, owners that
// move. Deterministic: the same seed gives the same run. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_IDENTITY_WORLD_H_
#define REGULARS_TESTS_SIM_IDENTITY_WORLD_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/map_state.h"
#include "tests/sim/rng.h"

namespace regulars::sim_identity {

namespace v1 = identity::v1;

inline constexpr std::string_view kPool = "tea";

struct Setup {
  uint64_t seed = 1;
  std::string broken;  // guard that is taken out; empty = none
};

// What a seed is like.
struct Shape {
  int32_t shards = 2;
  bool pool_scope = true;      // all members in one shard, or spread
  bool limits = false;         // guard rails that bite
  int64_t merges_per_day = 0;  // of a member; 0: no limit
  bool any_pivot = false;      // not always the strongest identifier: two may claim each other
  bool commands = false;       // merges and splits by command while touches come in
  int people = 10;
  int touches = 100;
  int64_t abort_per_mille = 0;
  int64_t move_per_mille = 0;
};

struct Message {
  bool is_touch = false;  // from ingest; otherwise from identity itself
  std::string entity, type, id, payload;
};

// A command that was asked and may have to be asked again.
struct Asked {
  std::string member, type, payload, id;
};

class World {
 public:
  World(const Setup& setup, const Shape& shape, identity::LinkRules rules);

  // --- input ---
  void Feed(Message touch);
  shard::Reply Ask(const Asked& command);  // committed or not: as an abort decides
  shard::Reply Query(std::string_view type, const std::string& entity) const;

  // --- progress ---
  // One batch of a random shard that has something to read; false if nobody has.
  bool StepOnce();
  void Drain();
  void AdvanceTo(int64_t now_us) { now_us_ = now_us; }

  // --- what auditors look at ---
  const std::map<std::string, identity::MapState>& states(int32_t shard) const {
    return shards_.at(static_cast<size_t>(shard)).states;
  }
  const identity::MapState* StateOf(const std::string& entity) const;
  int32_t ShardOfEntity(std::string_view entity) const;
  const Shape& shape() const { return shape_; }
  const identity::LinkRules& rules() const { return rules_; }
  sim::Rng& rng() { return rng_; }
  int64_t now_us() const { return now_us_; }
  int64_t sum(const std::string& name) const;
  int64_t messages(v1::LinkMessage::KindCase kind) const;
  int64_t link_records() const { return link_records_; }
  // Pairs of identifiers (HMACs) whose link was reported as stopped.
  const std::set<std::pair<std::string, std::string>>& suppressed() const { return suppressed_; }
  const std::vector<std::string>& violations() const { return violations_; }
  void Violation(std::string text) { violations_.push_back(std::move(text)); }

  // Called with every committed event, in the order of its shard.
  std::function<void(int32_t shard, const shard::Publish&)> on_event;

 private:
  struct Shard {
    std::map<std::string, identity::MapState> states;
    // What the changelog says: the newest value of each key, to rebuild the owner's state from.
    std::map<std::pair<std::string, std::string>, std::string> changelog;
    std::vector<Message> log;  // the order in which its input stands in the topics
    size_t position = 0;       // committed
    std::map<int32_t, std::deque<Message>> inbox;  // by producing shard; -1 = ingest
    std::map<std::string, int64_t> sums;
  };
  struct Batch {
    std::map<std::string, std::optional<identity::MapState>> before;
    std::vector<shard::Publish> publishes;
    std::vector<std::pair<std::string, shard::Effects>> changes;
    std::map<std::string, int64_t> sums;
  };

  bool Apply(int32_t shard, shard::Input input, Batch* batch, shard::Reply* reply);
  void Finish(int32_t shard, Batch* batch, size_t position, bool commit);
  void Move(int32_t shard);
  bool HasInput(const Shard& shard) const;

  const Shape shape_;
  const identity::LinkRules rules_;
  sim::Rng rng_;
  std::unique_ptr<shard::Program> program_;
  std::vector<Shard> shards_;
  std::map<int, int64_t> message_counts_;
  std::set<std::pair<std::string, std::string>> suppressed_;
  int64_t link_records_ = 0;
  int64_t now_us_;
  std::vector<std::string> violations_;
};

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_WORLD_H_
