#include "services/identity/match/mixture.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "services/identity/match/parameters.h"

namespace regulars::identity::match {
namespace {

constexpr double kUnseen = 0.5;      // pairs: what a level counts before it is seen
constexpr double kTolerance = 1e-9;  // largest change of a share in the last step
constexpr double kPopulationShareMin = 1e-15;
constexpr double kMatchShareAtFirst = 0.5;  // of the candidates
// Where the search begins: pairs of one person mostly agree.
constexpr double kEqualAtFirst = 0.7, kTypoAtFirst = 0.2, kOtherAtFirst = 0.02;

using Sums = Shares;

template <typename Visit>
void EachLevel(Visit visit) {
  for (size_t field = 0; field < kFieldCount; ++field) {
    for (size_t level = Index(Level::kDifferent); level < kLevelCount; ++level) {
      if (Possible(kFields[field].kind, static_cast<Level>(level))) visit(field, level);
    }
  }
}

Shares Normalised(const Sums& sums) {
  Shares out = {};
  PerField<double> totals = {};
  EachLevel([&](size_t field, size_t level) { totals[field] += sums[field][level]; });
  EachLevel(
      [&](size_t field, size_t level) { out[field][level] = sums[field][level] / totals[field]; });
  return out;
}

Sums Unseen() {
  Sums out = {};
  EachLevel([&](size_t field, size_t level) { out[field][level] = kUnseen; });
  return out;
}

void Count(const Pattern& pattern, double pairs, Sums* sums) {
  for (size_t field = 0; field < kFieldCount; ++field) {
    if (pattern[field] != Level::kMissing) (*sums)[field][Index(pattern[field])] += pairs;
  }
}

Shares FirstM() {
  Sums sums = {};
  EachLevel([&](size_t field, size_t level) {
    sums[field][level] = level == Index(Level::kEqual)  ? kEqualAtFirst
                         : level == Index(Level::kTypo) ? kTypoAtFirst
                                                        : kOtherAtFirst;
  });
  return Normalised(sums);
}

// How likely a pair with this pattern is of one person, given the odds before looking.
double Posterior(const Pattern& pattern, double odds, const Mixture& mixture) {
  double log_odds = std::log(odds);
  for (size_t field = 0; field < kFieldCount; ++field) {
    if (pattern[field] == Level::kMissing) continue;
    const size_t level = Index(pattern[field]);
    log_odds += std::log(mixture.m[field][level] / mixture.u[field][level]);
  }
  return 1 / (1 + std::exp(-log_odds));
}

double LargestChange(const Shares& before, const Shares& after) {
  double change = 0;
  EachLevel([&](size_t field, size_t level) {
    change = std::max(change, std::abs(before[field][level] - after[field][level]));
  });
  return change;
}

// One step of expectation and maximisation; the largest change of a share.
double Step(const PatternCounts& counts, double candidates, Mixture* mixture) {
  Sums matched = Unseen(), other = Unseen();
  double matches = 0;
  // Blocking picks pairs by what is compared anyway, so the odds before looking are those of any
  // pair.
  for (const auto& [pattern, pairs] : counts.candidates) {
    const double posterior = Posterior(pattern, mixture->population_odds, *mixture);
    const double weight = posterior * static_cast<double>(pairs);
    matches += weight;
    Count(pattern, weight, &matched);
  }
  for (const auto& [pattern, pairs] : counts.random) {
    const double posterior = Posterior(pattern, mixture->population_odds, *mixture);
    Count(pattern, (1 - posterior) * static_cast<double>(pairs), &other);
  }
  const Shares m = Normalised(matched), u = Normalised(other);
  const double change = std::max(LargestChange(mixture->m, m), LargestChange(mixture->u, u));
  mixture->m = m;
  mixture->u = u;
  mixture->match_share = matches / candidates;
  const double share = std::clamp(matches / counts.all_pairs, kPopulationShareMin, 0.5);
  mixture->population_odds = share / (1 - share);
  return change;
}

}  // namespace

Mixture FitMixture(const PatternCounts& counts, int iterations_max) {
  Mixture mixture;
  double candidates = 0;
  Sums random = Unseen();
  for (const auto& [pattern, pairs] : counts.candidates) candidates += static_cast<double>(pairs);
  for (const auto& [pattern, pairs] : counts.random) {
    Count(pattern, static_cast<double>(pairs), &random);
  }
  mixture.m = FirstM();
  mixture.u = Normalised(random);
  mixture.population_odds =
      std::clamp(kMatchShareAtFirst * candidates / counts.all_pairs, kPopulationShareMin, 1.0);
  while (!mixture.converged && mixture.iterations < iterations_max) {
    ++mixture.iterations;
    mixture.converged = Step(counts, candidates, &mixture) < kTolerance;
  }
  return mixture;
}

int32_t Log2Mbit(double ratio) {
  const double mbit = std::round(1000 * std::log2(ratio));
  return static_cast<int32_t>(std::clamp<double>(mbit, -kWeightMbitMax, kWeightMbitMax));
}

std::array<int32_t, kLevelCount> WeightsMbit(Field field, const Mixture& mixture) {
  struct Pool {
    double m, u;
    std::vector<size_t> levels;
    double Ratio() const { return m / u; }
  };
  std::vector<Pool> pools;
  for (size_t level = Index(Level::kDifferent); level < kLevelCount; ++level) {
    if (!Possible(KindOf(field), static_cast<Level>(level))) continue;
    pools.push_back({mixture.m[Index(field)][level], mixture.u[Index(field)][level], {level}});
    while (pools.size() > 1 && pools.back().Ratio() < pools[pools.size() - 2].Ratio()) {
      const Pool last = std::move(pools.back());
      pools.pop_back();
      Pool& pool = pools.back();
      pool.m += last.m;
      pool.u += last.u;
      pool.levels.insert(pool.levels.end(), last.levels.begin(), last.levels.end());
    }
  }
  std::array<int32_t, kLevelCount> out = {};
  for (const Pool& pool : pools) {
    for (const size_t level : pool.levels) out[level] = Log2Mbit(pool.Ratio());
  }
  int32_t& equal = out[Index(Level::kEqual)];
  int32_t& different = out[Index(Level::kDifferent)];
  equal = std::max(equal, 0);
  different = std::min(different, 0);
  return out;
}

}  // namespace regulars::identity::match
