// Several members of one pool with any service's real Program, and everything that is on its way to
// them: a copyable value, so that a search may branch at every choice. As world.h, which is for
// points: each member is a shard of its own, channels are FIFO, and any channel may be next.
// Broken invariants, dead letters and events whose id came before end up in `violations`.
#ifndef REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_H_
#define REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/points/codec/book.h"
#include "tests/property_handoff/world.h"

namespace regulars::property_handoff {

class Follower;
// What comes of what is published, e.g. a report of a job: records on channels of the follower.
using Echo = void (*)(const shard::Publish& published, Follower* world);

class Follower {
 public:
  // `program` outlives every copy.
  explicit Follower(const shard::Program* program, Echo echo = nullptr)
      : program_(program), echo_(echo) {}

  // A record of an input topic, on the channel "<source>/<member>".
  void Record(const std::string& source, const std::string& member, std::string_view type,
              const std::string& id, const std::string& payload, int64_t time_us = kStartUs);
  void Command(const std::string& list, const std::string& member, std::string_view type,
               const std::string& id, const std::string& payload);
  // What identity tells of a merge and a split, as World::Merge and World::Split.
  void Merge(const std::string& merge_id, const std::string& loser, const std::string& survivor,
             const std::vector<std::pair<std::string, uint32_t>>& fragments);
  void Split(const std::string& split_id, const std::string& member, const std::vector<Part>& parts,
             const std::vector<std::string>& merge_ids);

  // The fragment that a member began with; "f-<member>" unless somebody says so before it is asked.
  void Begin(const std::string& member, const std::string& fragment) { first_[member] = fragment; }
  [[nodiscard]] std::string First(const std::string& member) const;

  [[nodiscard]] std::vector<std::string> Ready() const;
  void Deliver(const std::string& channel, bool keep = false);
  [[nodiscard]] bool MayRepeat(const std::string& channel) const;
  void Settle();
  void Advance(int64_t to_us);

  // The answer to a command or query of the one who answers for `member`.
  shard::Reply Ask(shard::InputKind kind, const std::string& member, const std::string& type,
                   const std::string& id, const std::string& payload);

  [[nodiscard]] std::string Fingerprint() const;
  [[nodiscard]] const points::MemoryEntity& State(const std::string& member) const;
  [[nodiscard]] std::vector<std::string> Members() const;
  [[nodiscard]] int64_t Sum(const std::string& name) const;

  std::map<std::string, std::deque<Parcel>> channels;
  std::vector<std::string> violations;
  std::vector<std::string> outcomes;            // newest last, the last four: "<member> <outcome>"
  std::vector<shard::Publish> published;        // all but handoffs
  std::map<std::string, std::string> accepted;  // commands and what was said to them
  int64_t now_us = kStartUs;
  bool ids_may_repeat = false;  // where a record is told twice, what follows may be published twice
  uint64_t salt = 0;            // for the echo to choose by

 private:
  std::string Apply(const std::string& member, shard::InputKind kind, const Parcel& parcel,
                    shard::Reply* reply);
  void Carry(const std::string& member, shard::Effects effects);

  const shard::Program* program_;
  Echo echo_;
  // Identity's books: lives of members, the fragments they began with, who is part of whom.
  std::map<std::string, uint32_t> lives_;
  std::map<std::string, std::string> first_;
  std::map<std::string, std::set<std::string>> absorbed_;
  std::map<std::string, points::MemoryEntity> members_;
  std::map<std::string, int64_t> sums_;
  std::set<std::string> ids_;  // of what was published
};

// What must be the same however a history went, and what must hold at its end ("" = it does).
struct Ending {
  std::function<std::string(const Follower&)> final;
  std::function<std::string(const Follower&)> wrong;
};

struct FollowerFound {
  double interleavings = 0;
  int64_t states = 0;
  int64_t ends = 0;
  std::vector<std::string> violations;
  bool cut = false;
};

// As EveryInterleaving of search.h. `repeats`: pages and acknowledgements may come twice.
[[nodiscard]] FollowerFound EveryWay(const Follower& start, const Ending& ending, bool repeats,
                                     int64_t states_max = 400'000);

}  // namespace regulars::property_handoff

#endif  // REGULARS_TESTS_PROPERTY_HANDOFF_FOLLOWER_H_
