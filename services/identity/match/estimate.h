// Estimates Parameters from records alone: nobody says which pairs are one person.
//
// Pairs that share a blocking key are a mixture of pairs of one person and of two;
// expectation-maximisation (Dempster, Laird, Rubin 1977; for record linkage Winkler 1988, Jaro
// 1989) finds the share of each and how often each level is seen among them, as if fields were
// independent. What two different people have in common comes from random pairs, from which the few
// of one person are taken out by their posterior. Levels whose ratio falls with agreement are
// pooled with their neighbour, so weights never fall. Bands are odds, chosen before any result:
// link from 1024 : 1, review from 1 : 4, individual evidence 64 : 1.
//
// Records are sorted before pairs are drawn, so their order changes nothing; the same records and
// seed give the same parameters. Frequency tables list only values of at least `listed_min`
// records, as hashes. Offline and in floating point; what it makes is integers.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_ESTIMATE_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_ESTIMATE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "services/identity/match/parameters.h"
#include "services/identity/match/record.h"

namespace regulars::identity::match {

inline constexpr int32_t kHighMbit = 10'000;
inline constexpr int32_t kLowMbit = -2'000;
inline constexpr int32_t kIndividualMinMbit = 6'000;
// Values on both sides in so many random and so many candidate pairs, or the field is not weighted.
inline constexpr size_t kFieldPairsMin = 100;
inline constexpr int kIterationsMax = 500;

struct EstimateOptions {
  uint64_t seed = 1;
  size_t random_pairs = 1'000'000;
  size_t listed_min = 10;
};

struct Estimate {
  Parameters parameters;  // with DefaultRules()
  int iterations = 0;
  size_t candidate_pairs = 0;
  size_t blocks_skipped = 0;
  double match_share = 0;  // of the candidate pairs
};

// `populations` are lists of records that have nothing to do with each other; pairs are formed
// within each. InvalidArgument: no population has two records, no pair shares a key, or no field
// has kFieldPairsMin. Does not converge in kIterationsMax: Internal.
[[nodiscard]] absl::StatusOr<Estimate> EstimateParameters(
    std::vector<std::vector<Record>> populations, const EstimateOptions& options);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_ESTIMATE_H_
