// The independent fold of one changelog partition: the last value per key, and the chain of
// `@shard` records that proves nothing is missing between them.
//
// Changelogs are compacted. Kafka's cleaner works on a prefix of the log and keeps the last record
// of every key in it, so of the prefix one `@shard` is left and everything after it is complete.
// Hence the chain has no gap from the oldest `@shard` that is still there; the records of a
// transaction are counted from the second one on. A chain that starts with sequence 1 is whole.
//
// Checked per link: sequence + 1, the same log id, `from` = the `to` before it, no position and no
// clock goes back, the epoch is the offset of the last ownership record, and the changelog holds
// exactly the records that `@shard` counts. Figures: transactions, chain_breaks,
// torn_transactions, keys_garbled, records_read. Source: KIP-58 and the broker's LogCleaner.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_CHANGELOG_FOLD_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_CHANGELOG_FOLD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "libs/kafka/port.h"
#include "regulars/runtime/v1/runtime_state.pb.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

// How many records of a transaction must be visible in a partition of another topic.
struct OutputPromise {
  int64_t sequence = 0;
  std::string topic;
  int32_t partition = 0;
  int64_t records = 0;
};

struct Fold {
  std::string service;
  int32_t shard = 0;
  absl::btree_map<std::string, std::string> values;  // state and timer keys as in the changelog
  std::optional<runtime::v1::ShardRecord> last;
  int64_t last_offset = -1;     // of `last`
  int64_t epoch = -1;           // of `last`
  int64_t first_sequence = -1;  // of the oldest `@shard` that is still there
  std::vector<OutputPromise> promises;

  [[nodiscard]] std::string Name() const;  // "points-3"
};

// kChain: the values are checked and forgotten, so a fold may follow a log for ever.
enum class Keep : uint8_t { kValues, kChain };

// Copying a fold of the chain is cheap.
class ChangelogFold {
 public:
  // `findings` must outlive the object or its next Report. `shard_count` places the keys.
  ChangelogFold(const std::string& service, int32_t shard, int32_t shard_count, std::string topic,
                Findings* findings, Keep keep = Keep::kValues);

  // From now on findings go there.
  void Report(Findings* findings);

  // The committed records in order of offset.
  void Add(const kafka::Record& record);
  // After the last record. True when the chain and the counts held.
  bool Finish();
  // Every committed record was given, more may follow: what stands after the last `@shard` is torn.
  void AtEnd();

  [[nodiscard]] const Fold& fold() const { return fold_; }
  [[nodiscard]] Fold Take() { return std::move(fold_); }
  // What was announced since the last call.
  [[nodiscard]] std::vector<OutputPromise> TakePromises() {
    return std::exchange(fold_.promises, {});
  }

 private:
  void AddValue(const kafka::Record& record);
  void AddLink(const kafka::Record& record);
  void CheckLink(const runtime::v1::ShardRecord& before, const runtime::v1::ShardRecord& now);
  void CheckEpoch(const runtime::v1::ShardRecord& now, int64_t offset);
  void CountOutputs(const runtime::v1::ShardRecord& now);
  bool WellFormed(std::string_view key) const;
  void Wrong(std::string_view figure, const std::string& what);

  int32_t shard_count_;
  std::string topic_;
  Findings* findings_;
  Keep keep_;
  Fold fold_;
  int64_t in_transaction_ = 0;
  bool held_ = true;
};

// A key's parts without asserting: false when it is none of the runtime's.
[[nodiscard]] bool SplitKey(std::string_view key, std::string_view* pool, std::string_view* entity,
                            std::string_view* sub);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_CHANGELOG_FOLD_H_
