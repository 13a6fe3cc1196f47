// Every changelog as it was committed, read while the run goes on, so that compaction takes nothing
// from the auditor. Plain value, not thread-safe.
#ifndef REGULARS_TESTS_SIM_CHANGELOGS_H_
#define REGULARS_TESTS_SIM_CHANGELOGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/kafka/fake_log.h"

namespace regulars::sim {

class Changelogs {
 public:
  // All committed records, in order, up to now. The log must not be compacted before a call of
  // Read for every partition.
  const std::vector<kafka::Record>& Read(const kafka::FakeLog& log,
                                         const kafka::TopicPartition& changelog);
  // State keys and values as of the transaction with this sequence; nullopt when it cannot be read
  // yet.
  std::optional<std::map<std::string, std::string>> FoldAt(const kafka::FakeLog& log,
                                                           const kafka::TopicPartition& changelog,
                                                           int64_t sequence);

 private:
  std::map<kafka::TopicPartition, std::vector<kafka::Record>> records_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_CHANGELOGS_H_
