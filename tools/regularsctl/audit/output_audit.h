// Do the other topics hold exactly what the `@shard` records say was written to them?
//
// Every record of a stateful service names its producing shard and transaction (headers
// ce_regularsshard and regulars_sequence). Promises come from the chains, records from the topics;
// per (producer, sequence, topic, partition) the counts must be equal. Not judged, but counted as
// outputs_unchecked: records of transactions older than the oldest `@shard`, and promises whose
// records were removed by retention. Figures: output_records, output_mismatches,
// outputs_unchecked. One object per service. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_AUDIT_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_AUDIT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/kafka/port.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

class OutputAudit {
 public:
  OutputAudit(std::string service, Findings* findings);

  // All folds first, then the records of all output topics, then Finish.
  void Promise(const Fold& fold);
  void See(const kafka::Record& record);
  // `low`: the low watermark of every partition that was read; above 0 retention was at work.
  void Finish(const std::map<kafka::TopicPartition, int64_t>& low);

 private:
  struct Key {
    int32_t producer = 0;
    int64_t sequence = 0;
    int32_t topic = 0;
    int32_t partition = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.producer, k.sequence, k.topic, k.partition);
    }
  };
  struct Chain {
    int64_t first = 0, last = 0;
  };
  int32_t TopicId(std::string_view topic);

  const std::string service_;
  Findings* const findings_;
  std::map<std::string, int32_t, std::less<>> topic_ids_;
  std::vector<std::string> topics_;
  std::map<int32_t, Chain> chains_;
  absl::flat_hash_map<Key, int64_t> missing_;  // promised less seen
  // The oldest transaction seen per (producer, topic, partition).
  std::map<std::tuple<int32_t, int32_t, int32_t>, int64_t> oldest_seen_;
};

// The shard and the sequence that a record names; nullopt when it names none.
[[nodiscard]] std::optional<std::pair<int32_t, int64_t>> ProducerOf(const kafka::Record& record);
// `missing`: promised less seen.
[[nodiscard]] std::string MismatchText(std::string_view service, int32_t shard, int64_t sequence,
                                       const kafka::TopicPartition& place, int64_t missing);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_OUTPUT_AUDIT_H_
