#include "tools/match/judge.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <utility>

#include "libs/base/assert.h"
#include "services/identity/match/candidate_pairs.h"

namespace regulars::match {
namespace {

using identity::match::CandidatePairs;
using identity::match::Matcher;
using identity::match::Record;
using identity::match::Verdict;
using IndexPair = std::pair<uint32_t, uint32_t>;

constexpr uint64_t kSeed = 1;

double MicrosPerPair(const Matcher& matcher, const std::vector<Record>& records,
                     const std::vector<IndexPair>& pairs) {
  if (pairs.empty()) return 0;
  std::array<double, kTimingRounds> rounds;
  int64_t sum = 0;
  for (double& round : rounds) {
    size_t judged = 0;
    const auto start = std::chrono::steady_clock::now();
    while (judged < kTimingPairs) {
      for (const auto& [a, b] : pairs) sum += matcher.Judge(records[a], records[b]).total_mbit;
      judged += pairs.size();
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    round = took.count() / static_cast<double>(judged);
  }
  REGULARS_ASSERT(sum != INT64_MIN, "the sum is used, so nothing is optimised away");
  std::sort(rounds.begin(), rounds.end());
  return rounds[kTimingRounds / 2];
}

}  // namespace

Judged JudgeAll(const Matcher& matcher, const std::vector<Record>& records, size_t split) {
  const CandidatePairs candidates = split == 0 ? identity::match::PairsWithin(records)
                                               : identity::match::PairsBetween(records, split);
  Judged out;
  out.blocks_skipped = candidates.blocks_skipped;
  out.pairs.reserve(candidates.pairs.size());
  for (const auto& [a, b] : candidates.pairs) {
    const Verdict verdict = matcher.Judge(records[a], records[b]);
    out.pairs.push_back({a, b, verdict.band, verdict.reason, verdict.total_mbit});
  }
  return out;
}

Timing TimeJudge(const Matcher& matcher, const std::vector<Record>& records,
                 const std::vector<JudgedPair>& candidates) {
  std::vector<IndexPair> pairs, random_pairs;
  for (const JudgedPair& pair : candidates) pairs.emplace_back(pair.a, pair.b);
  std::mt19937_64 random(kSeed);
  while (!records.empty() && random_pairs.size() < kTimingPairs) {
    random_pairs.emplace_back(random() % records.size(), random() % records.size());
  }
  return {MicrosPerPair(matcher, records, pairs), MicrosPerPair(matcher, records, random_pairs)};
}

}  // namespace regulars::match
