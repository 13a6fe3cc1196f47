// Randomness of a simulated run: all of it comes from the seed. Plain value, not thread-safe.
#ifndef REGULARS_TESTS_SIM_RNG_H_
#define REGULARS_TESTS_SIM_RNG_H_

#include <cstdint>

namespace regulars::sim {

// SplitMix64 (Steele, Lea, Flood 2014).
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // 0 <= result < n.
  int64_t Below(int64_t n) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(n)); }
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  bool PerMille(int64_t chance) { return Below(1000) < chance; }

 private:
  uint64_t state_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_RNG_H_
