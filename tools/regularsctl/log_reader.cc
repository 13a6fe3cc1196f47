#include "tools/regularsctl/log_reader.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"

namespace regulars::ctl {
namespace {

// First window read back from a changelog's end in search of `@shard`; grows until it is found.
constexpr int64_t kReadBackFirst = 64;
constexpr int64_t kReadBackGrowth = 8;

}  // namespace

absl::StatusOr<std::unique_ptr<LogReader>> LogReader::Make(kafka::Log* log,
                                                           kafka::Inspector* inspector,
                                                           int32_t generation) {
  REGULARS_ASSIGN_OR_RETURN(std::unique_ptr<kafka::Reader> reader, log->NewReader());
  return std::unique_ptr<LogReader>(new LogReader(log, inspector, std::move(reader), generation));
}

std::string LogReader::Topic(std::string_view domain, std::string_view kind) const {
  return events::TopicName(domain, kind, generation_);
}

absl::StatusOr<std::map<std::string, int32_t>> LogReader::Topics() {
  REGULARS_ASSIGN_OR_RETURN(auto topics, inspector_->Topics(kCallTimeout));
  std::erase_if(topics, [this](const auto& topic) {
    const auto parts = events::ParseTopicName(topic.first);
    return !parts || parts->generation != generation_;
  });
  return topics;
}

absl::StatusOr<int32_t> LogReader::ShardsOf(const std::string& service) {
  const std::string topic = Topic(service, events::kChangelogKind);
  REGULARS_ASSIGN_OR_RETURN(const auto topics, Topics());
  const auto found = topics.find(topic);
  if (found == topics.end() || found->second < 1) {
    return absl::NotFoundError(Cat("there is no topic ", topic));
  }
  return found->second;
}

absl::StatusOr<kafka::PartitionEnds> LogReader::Ends(const kafka::TopicPartition& partition) {
  return inspector_->Ends(partition, kCallTimeout);
}

absl::Status LogReader::Read(const kafka::TopicPartition& partition, int64_t from, int64_t to,
                             const std::function<bool(const kafka::Record&)>& fn,
                             absl::Duration timeout) {
  return reader_->ReadRange(partition, from, to, fn, timeout);
}

absl::StatusOr<ShardHead> LogReader::LastShard(const std::string& service, int32_t shard) {
  const kafka::TopicPartition changelog{Topic(service, events::kChangelogKind), shard};
  REGULARS_ASSIGN_OR_RETURN(const auto ends, Ends(changelog));
  ShardHead head;
  bool garbled = false;
  for (int64_t window = kReadBackFirst; !head.record; window *= kReadBackGrowth) {
    const int64_t from = std::max(ends.low, ends.stable - window);
    REGULARS_RETURN_IF_ERROR(Read(changelog, from, ends.stable, [&](const kafka::Record& record) {
      if (record.key != shard::kShardKey) return true;
      head.record.emplace();
      head.offset = record.offset;
      garbled =
          !head.record->ParseFromArray(record.value.data(), static_cast<int>(record.value.size()));
      head.epoch = head.record->ownership() ? record.offset : head.record->epoch();
      return true;
    }));
    if (from <= ends.low) break;
  }
  if (garbled) {
    return absl::DataLossError(Cat(changelog.topic, "/", shard, ": the last @shard is garbled"));
  }
  return head;
}

absl::StatusOr<std::map<int32_t, runtime::v1::OwnerRecord>> LogReader::Owners(
    const std::string& service) {
  const kafka::TopicPartition place{Topic(service, events::kOwnersKind), 0};
  REGULARS_ASSIGN_OR_RETURN(const auto ends, Ends(place));
  std::map<int32_t, runtime::v1::OwnerRecord> owners;
  REGULARS_RETURN_IF_ERROR(Read(place, ends.low, ends.stable, [&](const kafka::Record& record) {
    runtime::v1::OwnerRecord owner;
    if (!owner.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
      return true;
    }
    runtime::v1::OwnerRecord& known = owners[owner.shard()];
    if (owner.epoch() >= known.epoch()) known = std::move(owner);
    return true;
  }));
  return owners;
}

absl::StatusOr<int64_t> LogReader::RecordsBehind(const kafka::TopicPartition& partition,
                                                 int64_t from, int64_t end) {
  if (end <= from) return 0;
  if (end - from > kLagCountedMax) return end - from;
  int64_t count = 0;
  REGULARS_RETURN_IF_ERROR(Read(partition, from, end, [&](const kafka::Record&) {
    ++count;
    return true;
  }));
  return count;
}

absl::StatusOr<std::vector<kafka::TopicPartitionOffset>> LogReader::GroupOffsets(
    const std::string& service, const std::vector<kafka::TopicPartition>& partitions) {
  // A consumer that never subscribes: it asks, and is no member.
  std::unique_ptr<kafka::Consumer>& asking = asking_[service];
  if (asking == nullptr) {
    REGULARS_ASSIGN_OR_RETURN(
        asking, log_->NewConsumer(
                    {.group_id = Cat("regulars.", service, ".g", generation_), .instance_id = ""}));
  }
  return asking->Committed(partitions, kCallTimeout);
}

}  // namespace regulars::ctl
