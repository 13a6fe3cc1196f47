// What the test wrote and what of it is visible: the truth that the chain check is measured
// against. An attempt is one transaction; a sequence may take several attempts.
#ifndef REGULARS_TESTS_FAULTS_ENDTXN_BOOKS_H_
#define REGULARS_TESTS_FAULTS_ENDTXN_BOOKS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/kafka/port.h"

namespace regulars::endtxn {

// Two shards with a changelog partition each, and two event partitions that each of them writes to.
inline constexpr int32_t kShards = 2;
inline constexpr int32_t kEventPartitions = 4;
// Per shard: one record in each of its event partitions, one state and one `@shard`.
inline constexpr int64_t kRecordsPerAttempt = 8;
// Header that names the attempt; the chain check does not look at it.
inline constexpr std::string_view kAttemptHeader = "attempt";

enum class Outcome : uint8_t { kCommitted, kAborted, kUnknown };

struct Attempt {
  int64_t sequence = 0;
  Outcome outcome = Outcome::kUnknown;  // as the producer told
};

struct Topics {
  std::string changelog, events;
};

// All visible (read_committed) records of both topics, by partition, in order.
struct Visible {
  std::map<int32_t, std::vector<kafka::Record>> changelog, events;
};
absl::StatusOr<Visible> ReadVisible(kafka::Log* log, const Topics& topics);

struct Truth {
  std::set<int64_t> torn;       // sequences: some records of an attempt visible, others not
  int64_t lost = 0;             // attempts told as committed of which nothing is visible
  int64_t aborted_visible = 0;  // attempts told as aborted that are visible as a whole
};
// `attempts` by id, from 0.
Truth Compare(const std::vector<Attempt>& attempts, const Visible& visible);

// The sequences that an auditor finds wrong with the `@shard` records alone: a gap or a repeat in
// the chain, positions that do not continue, another number of records than announced.
std::set<int64_t> CheckChains(const Topics& topics, const Visible& visible);

}  // namespace regulars::endtxn

#endif  // REGULARS_TESTS_FAULTS_ENDTXN_BOOKS_H_
