// Poisoned inputs: in some seeds the kernel of one service has a bug. Some inputs of some entities
// crash its process whenever they are applied, until the bug is mended. Which ones is decided by
// their names alone, so a repeat crashes as well. The draw is its own: a seed without poison runs
// as if this file did not exist. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_POISON_H_
#define REGULARS_TESTS_SIM_POISON_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "tests/sim/rng.h"

namespace regulars::sim {

// Thrown by the kernel in the place of an assertion that stops the process.
struct PoisonMet {};

class Poison {
 public:
  // Pool, entity.
  using Key = std::pair<std::string, std::string>;

  // `services`: how many there are to choose from.
  Poison(uint64_t seed, int services);

  [[nodiscard]] bool on() const { return on_; }
  int service() const { return service_; }
  // Throws PoisonMet when the input is poisoned and the bug is not mended.
  void Meet(const shard::Input& input);
  void Mend() { mended_ = true; }
  [[nodiscard]] bool mended() const { return mended_; }
  // Every parked key has been asked for: who was answered KEY_PARKED may ask again.
  void Lift() { lifted_ = true; }
  [[nodiscard]] bool lifted() const { return lifted_; }
  // In some seeds it is mended while everything else still goes wrong; -1: after the heal.
  int64_t mended_at_turn() const { return mended_at_turn_; }
  // In some it is mended only days after the heal, when timers of parked keys are long due.
  [[nodiscard]] bool mended_late() const { return mended_late_; }
  // Its own draws, for what is done about it.
  Rng& rng() { return rng_; }

  // What has crashed a process.
  [[nodiscard]] bool Crashed(const Key& key) const { return crashed_.contains(key); }
  [[nodiscard]] bool CrashedAt(const std::string& topic, int32_t partition, int64_t offset) const {
    return records_.contains({topic, partition, offset});
  }
  // A timer of the key did: it fires before the key's next input, which is then taken for it.
  [[nodiscard]] bool TimerCrashed(const Key& key) const { return timers_.contains(key); }
  const std::set<Key>& keys() const { return crashed_; }
  int64_t inputs() const { return std::ssize(inputs_); }

 private:
  [[nodiscard]] bool Bad(const shard::Input& input) const;

  const uint64_t salt_;
  Rng rng_;
  bool on_ = false;
  bool mended_ = false;
  bool lifted_ = false;
  bool timers_too_ = false;
  int service_ = 0;
  int64_t mended_at_turn_ = -1;
  bool mended_late_ = false;
  int64_t keys_per_mille_ = 0;
  int64_t inputs_per_mille_ = 0;
  std::set<Key> crashed_, timers_;
  std::set<std::tuple<std::string, int32_t, int64_t>> records_;
  std::set<std::string> inputs_;
};

// A program with the bug. Everything else is the program's own.
class PoisonedProgram : public shard::Program {
 public:
  PoisonedProgram(std::unique_ptr<shard::Program> program, Poison* poison)
      : program_(std::move(program)), poison_(poison) {}

  std::string service() const override { return program_->service(); }
  std::vector<shard::InputTopic> inputs() const override { return program_->inputs(); }
  std::vector<std::string> clock_outputs() const override { return program_->clock_outputs(); }
  absl::Status Decode(shard::Input* input, bool* skip) const override {
    return program_->Decode(input, skip);
  }
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override {
    poison_->Meet(input);
    return program_->Apply(state, input);
  }
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override {
    return program_->Query(state, input);
  }
  std::string CheckInvariants(const shard::EntityState& state) const override {
    return program_->CheckInvariants(state);
  }
  bool InView(std::string_view sub) const override { return program_->InView(sub); }

 private:
  const std::unique_ptr<shard::Program> program_;
  Poison* const poison_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_POISON_H_
