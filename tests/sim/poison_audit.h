// What must hold of poisoned inputs: exactly their keys are parked, everyone else goes on, what
// waits is whole and in order, and it is applied once the bug is mended. Folds from the log; asks
// the owners only what anyone may ask.
#ifndef REGULARS_TESTS_SIM_POISON_AUDIT_H_
#define REGULARS_TESTS_SIM_POISON_AUDIT_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/worker.h"
#include "tests/sim/poison.h"
#include "tests/sim/world.h"

namespace regulars::sim {

class PoisonAudit {
 public:
  explicit PoisonAudit(World* world) : world_(*world) {}

  // While everything goes wrong: asks for the redrive of some parked key and does not wait.
  void RedriveSome();
  // At rest after the heal: who is parked, what waits, how commands are answered.
  void BeforeRedrive();
  // Asks for the redrive of every parked key, as a person would after the new version is out.
  void Redrive();
  // At the very end: nothing is parked, and nothing was set aside since.
  void AfterRedrive();

  int64_t keys_parked() const { return std::ssize(ever_parked_); }

 private:
  std::set<Poison::Key> ParkedNow();
  void CheckLetters();
  void CheckLettersOf(const Poison::Key& key);
  void CheckRun(const Poison::Key& key, const std::string& topic,
                const std::vector<int64_t>& waited);
  int64_t CountLetters();
  // Everything goes on until the owner of the key has answered.
  shard::Reply Ask(const Poison::Key& key, std::string_view type);

  World& world_;
  std::set<Poison::Key> parked_, ever_parked_;
  int64_t letters_ = 0;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_POISON_AUDIT_H_
