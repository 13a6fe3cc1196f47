// All pairs of a list, or between two lists, that share a blocking key; for batches. A service
// looks the keys of one record up instead. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_CANDIDATE_PAIRS_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_CANDIDATE_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "services/identity/match/record.h"

namespace regulars::identity::match {

// A key shared by more records says little and costs their square: it makes no pairs.
inline constexpr size_t kBlockRecordsMax = 200;

struct CandidatePairs {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // indices, first < second, sorted, distinct
  size_t blocks_skipped = 0;                         // keys of more than kBlockRecordsMax records
};

// `records` holds fewer than 2^32.
[[nodiscard]] CandidatePairs PairsWithin(const std::vector<Record>& records);
// Only pairs of a record before `split` with one at or behind it.
[[nodiscard]] CandidatePairs PairsBetween(const std::vector<Record>& records, size_t split);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_CANDIDATE_PAIRS_H_
