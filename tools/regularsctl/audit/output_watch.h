// OutputAudit for a log that goes on: promises and records come in as they are written, and each
// pair is judged, and forgotten, as soon as the log proves that nothing can be added to it.
//
// The proof is a position, never a time. A promise arrives after its transaction was decided, so
// all its records lie below the high watermark that the output partition has then (Bound): once
// everything below is read (Judge), what lacks is missing. A record of a transaction that its chain
// has not shown yet stops the reading of its partition (kWait); when the chain was read up to a
// high watermark asked for later and still does not show it, nobody counts that record.
//
// Not judged, counted as outputs_unchecked: transactions up to the anchor of a chain, what
// retention removed before it was read, and, with `joined`, the one transaction that may have been
// ending when the watch began. Figures as output_audit.h. Memory: the open promises. One object per
// service. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_WATCH_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_WATCH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/port.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

class OutputWatch {
 public:
  enum class Seen : uint8_t { kTaken, kWait };

  // `joined`: the log was not read from its beginning.
  OutputWatch(std::string service, int32_t shards, bool joined);

  // The chain of a shard begins, or begins again, with this sequence.
  void Anchor(int32_t shard, int64_t sequence);
  // The chain was read: up to this sequence, to the changelog's end or not.
  void Reach(int32_t shard, int64_t sequence, bool at_end);
  void Promise(int32_t shard, const OutputPromise& promise);

  // Before a look at an output partition: its high watermark now.
  void Bound(const kafka::TopicPartition& place, int64_t high);
  // `again`: the record was answered kWait in an earlier round, before the chains were read anew.
  Seen See(const kafka::Record& record, bool again, Findings* findings);
  // After the look: everything below `position` was seen.
  void Judge(const kafka::TopicPartition& place, int64_t position, Findings* findings);
  // Records of this partition were removed before they were read.
  void Removed(const kafka::TopicPartition& place);

  [[nodiscard]] int64_t open(int32_t shard) const;

 private:
  struct Chain {
    int64_t anchor = -1, last = -1;
    int64_t open = 0;
    bool at_end = false;
  };
  struct Open {
    int64_t missing = 0;
    int64_t due = -1;  // judged at this position of the partition; -1: not bounded yet
  };
  using Transaction = std::pair<int32_t, int64_t>;  // shard, sequence
  struct Place {
    std::map<Transaction, Open> open;
    std::map<int32_t, int64_t> oldest_seen;  // shard -> sequence
    bool removed = false;
  };

  [[nodiscard]] bool Excused(const Place& place, const Transaction& of, int64_t missing) const;

  const std::string service_;
  const bool joined_;
  std::vector<Chain> chains_;
  std::map<kafka::TopicPartition, Place> places_;
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_WATCH_H_
