// What comes in: touches of people with several identifiers, some shared, some wrong, some twice,
// and commands of clerks. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_IDENTITY_WORKLOAD_H_
#define REGULARS_TESTS_SIM_IDENTITY_WORKLOAD_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "regulars/types/v1/identifier.pb.h"
#include "tests/sim_identity/world.h"

namespace regulars::sim_identity {

struct Touched {
  std::vector<types::v1::Identifier> identifiers;  // the pivot first
  std::string fact;                                // order key or touch id: counts once
};

class Workload {
 public:
  Workload(World* world, uint64_t seed);

  // One more touch, or one that was sent before.
  void FeedOne();
  // A command about members that exist; repeats those that were not answered.
  void AskOne();
  // A touch of an identifier alone: what a warm one costs.
  void FeedWarm(const types::v1::Identifier& id);

  const std::vector<Touched>& touched() const { return touched_; }
  const std::set<std::string>& facts() const { return facts_; }
  int64_t splits() const { return splits_; }
  int64_t fed() const { return fed_; }

 private:
  types::v1::Identifier Id(const std::string& type, const std::string& value, bool verified) const;
  void Feed(std::vector<types::v1::Identifier> ids, const std::string& native_id,
            const std::string& order);

  World* const world_;
  sim::Rng rng_, pivot_rng_;
  std::vector<std::vector<types::v1::Identifier>> people_;
  std::vector<types::v1::Identifier> shared_;
  std::vector<Message> sent_;
  std::vector<Touched> touched_;
  std::set<std::string> facts_;
  std::optional<Asked> unanswered_;
  int64_t next_ = 0;
  int64_t asked_ = 0;
  int64_t splits_ = 0;
  int64_t fed_ = 0;
};

// Members that were ever minted, in byte order.
std::vector<std::string> AllMembers(const World& world);
// The root state of a member, if it was born.
std::optional<v1::MemberState> RootOf(const World& world, const std::string& member);

}  // namespace regulars::sim_identity

#endif  // REGULARS_TESTS_SIM_IDENTITY_WORKLOAD_H_
