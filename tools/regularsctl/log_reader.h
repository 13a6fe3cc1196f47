// What several subcommands ask of the log: topics of a generation, the last `@shard` of a shard,
// how far a service is behind. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_LOG_READER_H_
#define REGULARS_TOOLS_REGULARSCTL_LOG_READER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/events/types.h"
#include "libs/kafka/inspect.h"
#include "libs/kafka/port.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::ctl {

inline constexpr absl::Duration kCallTimeout = absl::Seconds(10);
inline constexpr absl::Duration kReadTimeout = absl::Minutes(30);
// Records behind are counted one by one up to here; above it, offsets are subtracted.
inline constexpr int64_t kLagCountedMax = 2'000;

// Kinds of topics that a service's transactions write beside its changelog. `reports` is written by
// the sender, `owners` is not counted by `@shard`.
inline constexpr std::string_view kOutputKinds[] = {
    events::kEventsKind, events::kLinksKind,    events::kHandoffKind,
    events::kSendsKind,  events::kCommandsKind, events::kDeadLettersKind};

struct ShardHead {
  std::optional<runtime::v1::ShardRecord> record;  // nullopt: the shard was never owned
  int64_t offset = -1;
  int64_t epoch = -1;
};

class LogReader {
 public:
  static absl::StatusOr<std::unique_ptr<LogReader>> Make(kafka::Log* log,
                                                         kafka::Inspector* inspector,
                                                         int32_t generation);

  // Topics of the generation with their partition counts, in order of name.
  absl::StatusOr<std::map<std::string, int32_t>> Topics();
  // The partition count of a service's changelog; NOT_FOUND names the topic.
  absl::StatusOr<int32_t> ShardsOf(const std::string& service);
  absl::StatusOr<kafka::PartitionEnds> Ends(const kafka::TopicPartition& partition);
  absl::Status Read(const kafka::TopicPartition& partition, int64_t from, int64_t to,
                    const std::function<bool(const kafka::Record&)>& fn,
                    absl::Duration timeout = kReadTimeout);
  absl::StatusOr<ShardHead> LastShard(const std::string& service, int32_t shard);
  // The newest owner of every shard, by the greatest epoch.
  absl::StatusOr<std::map<int32_t, runtime::v1::OwnerRecord>> Owners(const std::string& service);
  // Committed records in [from, end). Exact up to kLagCountedMax.
  absl::StatusOr<int64_t> RecordsBehind(const kafka::TopicPartition& partition, int64_t from,
                                        int64_t end);
  // What the service's group has committed; kafka::kNoOffset where nothing.
  absl::StatusOr<std::vector<kafka::TopicPartitionOffset>> GroupOffsets(
      const std::string& service, const std::vector<kafka::TopicPartition>& partitions);

  [[nodiscard]] std::string Topic(std::string_view domain, std::string_view kind) const;
  [[nodiscard]] int32_t generation() const { return generation_; }

 private:
  LogReader(kafka::Log* log, kafka::Inspector* inspector, std::unique_ptr<kafka::Reader> reader,
            int32_t generation)
      : log_(log), inspector_(inspector), reader_(std::move(reader)), generation_(generation) {}

  kafka::Log* const log_;
  kafka::Inspector* const inspector_;
  const std::unique_ptr<kafka::Reader> reader_;
  const int32_t generation_;
  std::map<std::string, std::unique_ptr<kafka::Consumer>> asking_;  // by service
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_LOG_READER_H_
