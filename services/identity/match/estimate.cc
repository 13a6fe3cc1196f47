#include "services/identity/match/estimate.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "libs/base/text.h"
#include "services/identity/match/candidate_pairs.h"
#include "services/identity/match/compare.h"
#include "services/identity/match/mixture.h"

namespace regulars::identity::match {
namespace {

constexpr int32_t kUnlistedMbitMax = 6'000;
constexpr FieldSet kFrequencyFields =
    Bit(Field::kGivenName) | Bit(Field::kSurname) | Bit(Field::kLocality);

using Populations = std::vector<std::vector<Record>>;

double AllPairs(const std::vector<Record>& records) {
  const auto size = static_cast<double>(records.size());
  return size * (size - 1) / 2;
}

// Pairs of two different records, every pair as likely as another: populations by their number of
// pairs.
void DrawRandomPairs(const Populations& populations, const EstimateOptions& options,
                     PatternCounts* counts) {
  std::mt19937_64 random(options.seed);
  for (const std::vector<Record>& records : populations) {
    if (records.size() < 2) continue;
    const double share = AllPairs(records) / counts->all_pairs;
    const auto draws = static_cast<size_t>(share * static_cast<double>(options.random_pairs));
    for (size_t i = 0; i < draws; ++i) {
      const size_t a = random() % records.size();
      const size_t b = (a + 1 + random() % (records.size() - 1)) % records.size();
      ++counts->random[Compare(records[a], records[b]).levels];
    }
  }
}

// How many of the pairs have a value on both sides.
int64_t PairsWith(Field field, const std::map<Pattern, int64_t>& patterns) {
  int64_t out = 0;
  for (const auto& [pattern, pairs] : patterns) {
    if (pattern[Index(field)] != Level::kMissing) out += pairs;
  }
  return out;
}

struct ValueCounts {
  std::map<uint64_t, int64_t> by_hash;
  int64_t all = 0;

  void Add(uint64_t hash) { ++by_hash[hash], ++all; }
  double Share(int64_t count) const {
    return static_cast<double>(count) / static_cast<double>(all);
  }
};

// `average` is u of kEqual: how often two people agree on any value.
FrequencyTable TableOf(const ValueCounts& counts, double average, size_t listed_min) {
  FrequencyTable out;
  double rare = 0, rare_squares = 0;
  for (const auto& [hash, count] : counts.by_hash) {
    if (count >= static_cast<int64_t>(listed_min)) {
      out.listed[hash] = Log2Mbit(average / counts.Share(count));
    } else {
      rare += static_cast<double>(count);
      rare_squares += static_cast<double>(count) * static_cast<double>(count);
    }
  }
  if (rare > 0) {
    // The share of the value that a record with a rare value has, on average.
    const double share = rare_squares / rare / static_cast<double>(counts.all);
    out.unlisted_mbit = std::clamp(Log2Mbit(average / share), 0, kUnlistedMbitMax);
  }
  return out;
}

void AddFrequencies(const Populations& populations, const Mixture& mixture, size_t listed_min,
                    Parameters* out) {
  PerField<ValueCounts> values;
  ValueCounts full_names;
  for (const std::vector<Record>& records : populations) {
    for (const Record& record : records) {
      for (size_t i = 0; i < kFieldCount; ++i) {
        const auto field = static_cast<Field>(i);
        if (!record.Missing(field)) values[i].Add(record.hash(field));
      }
      if (!record.Missing(Field::kGivenName) && !record.Missing(Field::kSurname)) {
        full_names.Add(FullNameHash(record));
      }
    }
  }
  const auto average = [&](Field field) { return mixture.u[Index(field)][Index(Level::kEqual)]; };
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    if (!Has(kFrequencyFields, field) || !Has(out->weighted, field)) continue;
    out->frequencies[i] = TableOf(values[i], average(field), listed_min);
  }
  if (!Has(out->weighted, Field::kGivenName) || !Has(out->weighted, Field::kSurname)) return;
  const double both = average(Field::kGivenName) * average(Field::kSurname);
  out->full_names_mbit = TableOf(full_names, both, listed_min).listed;
}

}  // namespace

absl::StatusOr<Estimate> EstimateParameters(Populations populations,
                                            const EstimateOptions& options) {
  Estimate out;
  PatternCounts counts;
  for (std::vector<Record>& records : populations) {
    std::sort(records.begin(), records.end());
    counts.all_pairs += AllPairs(records);
    const CandidatePairs candidates = PairsWithin(records);
    out.candidate_pairs += candidates.pairs.size();
    out.blocks_skipped += candidates.blocks_skipped;
    for (const auto& [a, b] : candidates.pairs) {
      ++counts.candidates[Compare(records[a], records[b]).levels];
    }
  }
  if (counts.all_pairs < 1) return absl::InvalidArgumentError("no list has two records");
  if (out.candidate_pairs == 0) return absl::InvalidArgumentError("no pair shares a blocking key");
  DrawRandomPairs(populations, options, &counts);
  const Mixture mixture = FitMixture(counts, kIterationsMax);
  if (!mixture.converged) {
    return absl::InternalError(Cat("no convergence in ", kIterationsMax, " iterations"));
  }
  out.iterations = mixture.iterations;
  out.match_share = mixture.match_share;

  Parameters& parameters = out.parameters;
  parameters.prior_mbit = Log2Mbit(mixture.population_odds);
  parameters.high_mbit = kHighMbit;
  parameters.low_mbit = kLowMbit;
  parameters.individual_min_mbit = kIndividualMinMbit;
  parameters.rules = DefaultRules();
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const int64_t seen =
        std::min(PairsWith(field, counts.candidates), PairsWith(field, counts.random));
    if (seen < static_cast<int64_t>(kFieldPairsMin)) continue;
    parameters.weighted |= Bit(field);
    parameters.weights_mbit[i] = WeightsMbit(field, mixture);
  }
  if (parameters.weighted == 0) {
    return absl::InvalidArgumentError(
        Cat("no field has values in ", kFieldPairsMin, " candidate and random pairs"));
  }
  AddFrequencies(populations, mixture, options.listed_min, &parameters);
  if (absl::Status status = Validate(parameters); !status.ok()) return status;
  return out;
}

}  // namespace regulars::identity::match
