// The mixture behind an estimate: counted comparison patterns in, m and u per field and level out.
// Offline, floating point. Thread-safety: pure functions and plain values.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_MIXTURE_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_MIXTURE_H_

#include <array>
#include <cstdint>
#include <map>

#include "services/identity/match/fields.h"

namespace regulars::identity::match {

using Pattern = PerField<Level>;

struct PatternCounts {
  std::map<Pattern, int64_t> candidates;  // pairs that share a blocking key
  std::map<Pattern, int64_t> random;
  double all_pairs = 0;  // of the populations
};

// kMissing has no share; the others of a field sum to 1.
using Shares = PerField<std::array<double, kLevelCount>>;

struct Mixture {
  Shares m = {};               // among pairs of one person
  Shares u = {};               // among pairs of two
  double match_share = 0;      // of the candidates
  double population_odds = 0;  // that any two records are one person
  int iterations = 0;
  bool converged = false;
};

[[nodiscard]] Mixture FitMixture(const PatternCounts& counts, int iterations_max);

// log2(m/u) of a field in mbit. Neighbouring levels of which the higher has the lower ratio are
// pooled; kEqual weighs at least 0, kDifferent at most 0.
[[nodiscard]] std::array<int32_t, kLevelCount> WeightsMbit(Field field, const Mixture& mixture);

// Thousandths of a bit, rounded to nearest and kept in the limits of a weight. `ratio` is positive.
[[nodiscard]] int32_t Log2Mbit(double ratio);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_MIXTURE_H_
