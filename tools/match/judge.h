// All candidate pairs of one list, or between two, judged; and how long that takes.
// Thread-safety: pure functions; JudgeAll reads the steady clock.
#ifndef REGULARS_TOOLS_MATCH_JUDGE_H_
#define REGULARS_TOOLS_MATCH_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/identity/match/matcher.h"

namespace regulars::match {

struct JudgedPair {
  uint32_t a = 0, b = 0;  // indices, a < b
  identity::match::Band band = identity::match::Band::kNothing;
  identity::match::Reason reason = identity::match::Reason::kBelow;
  int32_t total_mbit = 0;
};

struct Judged {
  std::vector<JudgedPair> pairs;  // every candidate pair, in the order of their indices
  size_t blocks_skipped = 0;
};

// `split` 0: within one list; otherwise between the records before it and those from it.
[[nodiscard]] Judged JudgeAll(const identity::match::Matcher& matcher,
                              const std::vector<identity::match::Record>& records, size_t split);

// Microseconds per pair on one core: the median of kTimingRounds rounds, each over all pairs and at
// least kTimingPairs judgements. `random`: pairs drawn with a fixed seed instead of candidates;
// most of them are of two people, which takes longer than finding values equal.
struct Timing {
  double us_per_candidate = 0;
  double us_per_random_pair = 0;
};
inline constexpr int kTimingRounds = 5;
inline constexpr size_t kTimingPairs = 100'000;
[[nodiscard]] Timing TimeJudge(const identity::match::Matcher& matcher,
                               const std::vector<identity::match::Record>& records,
                               const std::vector<JudgedPair>& candidates);

}  // namespace regulars::match

#endif  // REGULARS_TOOLS_MATCH_JUDGE_H_
