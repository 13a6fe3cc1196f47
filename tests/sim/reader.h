// A reader of the view, while the run goes on: what it is told to be whole must be the fold of the
// changelog at the position it is told, and must not go back to an older one. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_READER_H_
#define REGULARS_TESTS_SIM_READER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "libs/redis/view.h"
#include "tests/sim/world.h"

namespace regulars::sim {

class Reader {
 public:
  explicit Reader(World* world) : world_(world) {}
  // Reads the whole view of one shard of one service.
  void Look(int service, int32_t shard);
  // Reads only the position of every view.
  void Glance();
  // The view has lost its memory or an old copy was put back, and the fence with it: until the
  // owner looks, at most a second later, a former owner may write, and positions may go back.
  void Forget() { seen_.clear(); }
  int64_t reads() const { return reads_; }

 private:
  // The meta record when the view may be trusted; what is wrong with it is said.
  std::optional<redis::ViewMeta> Meta(const redis::ShardId& id);

  World* const world_;
  std::map<std::string, redis::ViewMeta> seen_;  // by name of the shard
  int64_t reads_ = 0;
};

// "" or how the view's values differ from `state` (changelog keys and values), apart from keys that
// a fault has spoiled. With `all` it must have every key, otherwise a miss is no error: the owner
// answers it.
std::string CompareView(World* world, const shard::Program& program, const redis::ShardId& id,
                        const redis::ViewMeta& meta,
                        const std::map<std::string, std::string>& state, bool all);

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_READER_H_
