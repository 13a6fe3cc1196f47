// A shard in memory for fuzzing programs: entities with states and timers, the runtime's own checks
// on effects, and headers for everything that is published, as the worker makes them.
#ifndef REGULARS_TESTS_FUZZ_SHARD_H_
#define REGULARS_TESTS_FUZZ_SHARD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {

inline constexpr std::string_view kPool = "tea";
inline constexpr std::string_view kMember = "m_7h2kq0v3n8c1xw5zt4ydg6pb2j";
inline constexpr int64_t kStartUs = 1'700'000'000'000'000;

class Entity : public shard::EntityState {
 public:
  std::optional<std::string> Get(std::string_view sub) const override;
  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override;
  std::optional<int64_t> Timer(std::string_view name) const override;

  std::map<std::string, shard::Put, std::less<>> states;
  std::map<std::string, int64_t, std::less<>> timers;
};

class Shard {
 public:
  explicit Shard(const shard::Program* program) : program_(*program) {}

  // Moves the clock, fires what is due for the entity, decodes, applies, checks.
  void Feed(shard::Input input);
  void Advance(int64_t us) { now_us_ = std::min(now_us_ + us, kClockMax); }
  int64_t now_us() const { return now_us_; }
  // Everything published since the last call.
  std::vector<shard::Publish> TakePublished() { return std::exchange(published_, {}); }

 private:
  // Two centuries are enough, and timers stay before the year 9999.
  static constexpr int64_t kClockMax = 8'000'000'000'000'000;
  void FireDue(const std::string& entity);
  void CarryOut(const shard::Input& input, const shard::Effects& effects);

  const shard::Program& program_;
  std::map<std::string, Entity> entities_;
  std::vector<shard::Publish> published_;
  int64_t now_us_ = kStartUs;
};

// What a program can be sent: types by kind of input, and entities.
struct Menu {
  std::vector<std::string_view> records, commands, queries, entities;
};
// Reads steps (an input or a move of the clock each) until the bytes are over.
void Play(const shard::Program& program, const Menu& menu, std::string_view input);
// One step as Play reads it. `type` and `entity` are places in the menu.
Input Step(shard::InputKind kind, int type, int entity, std::string_view payload);
// Moves the clock by so many quarters of a day.
Input Later(int quarters);

}  // namespace regulars::fuzz

#endif  // REGULARS_TESTS_FUZZ_SHARD_H_
