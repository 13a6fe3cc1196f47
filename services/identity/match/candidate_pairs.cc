#include "services/identity/match/candidate_pairs.h"

#include <algorithm>
#include <limits>

#include "libs/base/assert.h"
#include "services/identity/match/blocking.h"

namespace regulars::identity::match {
namespace {

struct Entry {
  BlockingKey key;
  uint32_t record;

  friend auto operator<=>(const Entry&, const Entry&) = default;
};

std::vector<Entry> Entries(const std::vector<Record>& records) {
  REGULARS_ASSERT(records.size() < std::numeric_limits<uint32_t>::max(), "too many records");
  std::vector<Entry> out;
  for (size_t i = 0; i < records.size(); ++i) {
    for (const BlockingKey& key : BlockingKeys(records[i])) {
      out.push_back({key, static_cast<uint32_t>(i)});
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

template <typename Wanted>
CandidatePairs Pairs(const std::vector<Record>& records, Wanted wanted) {
  const std::vector<Entry> entries = Entries(records);
  CandidatePairs out;
  for (size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    while (end < entries.size() && entries[end].key == entries[begin].key) ++end;
    if (end - begin > kBlockRecordsMax) {
      ++out.blocks_skipped;
      continue;
    }
    for (size_t i = begin; i < end; ++i) {
      for (size_t j = i + 1; j < end; ++j) {
        if (wanted(entries[i].record, entries[j].record)) {
          out.pairs.emplace_back(entries[i].record, entries[j].record);
        }
      }
    }
  }
  std::sort(out.pairs.begin(), out.pairs.end());
  out.pairs.erase(std::unique(out.pairs.begin(), out.pairs.end()), out.pairs.end());
  return out;
}

}  // namespace

CandidatePairs PairsWithin(const std::vector<Record>& records) {
  return Pairs(records, [](uint32_t, uint32_t) { return true; });
}

CandidatePairs PairsBetween(const std::vector<Record>& records, size_t split) {
  return Pairs(records, [split](uint32_t a, uint32_t b) { return a < split && b >= split; });
}

}  // namespace regulars::identity::match
