#include "tools/regularsctl/quiet.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"

namespace regulars::ctl {
namespace {

// Two equal looks this far apart are rest.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(500);

struct Look {
  std::map<kafka::TopicPartition, kafka::PartitionEnds> ends;
  std::map<kafka::TopicPartition, int64_t> behind;  // input partition of a service -> records
  std::vector<std::string> behind_whom;
};

// Remembers what did not change since the look before: reading costs more than asking.
class Looker {
 public:
  Looker(LogReader* log, const std::vector<std::string>& services)
      : log_(log), services_(services) {}

  absl::StatusOr<Look> Take() {
    Look look;
    REGULARS_ASSIGN_OR_RETURN(const auto topics, log_->Topics());
    for (const auto& [topic, partitions] : topics) {
      for (int32_t partition = 0; partition < partitions; ++partition) {
        const kafka::TopicPartition place{topic, partition};
        REGULARS_ASSIGN_OR_RETURN(look.ends[place], log_->Ends(place));
      }
    }
    for (const std::string& service : services_) {
      REGULARS_ASSIGN_OR_RETURN(const int32_t shards, log_->ShardsOf(service));
      for (int32_t shard = 0; shard < shards; ++shard) {
        REGULARS_RETURN_IF_ERROR(AddLag(service, shard, &look));
      }
    }
    return look;
  }

 private:
  absl::Status AddLag(const std::string& service, int32_t shard, Look* look) {
    const kafka::TopicPartition changelog{log_->Topic(service, events::kChangelogKind), shard};
    Head& head = heads_[changelog];
    if (const int64_t stable = look->ends[changelog].stable; head.stable != stable) {
      REGULARS_ASSIGN_OR_RETURN(head.shard, log_->LastShard(service, shard));
      head.stable = stable;
    }
    if (!head.shard.record) return absl::OkStatus();
    for (const auto& input : head.shard.record->inputs()) {
      const kafka::TopicPartition place{input.topic(), shard};
      const auto end = look->ends.find(place);
      if (end == look->ends.end()) {
        return absl::NotFoundError(Cat("there is no topic ", input.topic()));
      }
      Range& range = ranges_[{service, place}];
      if (range.from != input.to() || range.to != end->second.stable) {
        range = {input.to(), end->second.stable, 0};
        REGULARS_ASSIGN_OR_RETURN(range.records, log_->RecordsBehind(place, range.from, range.to));
      }
      if (range.records == 0) continue;
      look->behind[place] += range.records;
      look->behind_whom.push_back(
          Cat(service, "-", shard, " is ", range.records, " records behind in ", input.topic()));
    }
    return absl::OkStatus();
  }

  struct Head {
    int64_t stable = -1;
    ShardHead shard;
  };
  struct Range {
    int64_t from = -1, to = -1, records = 0;
  };
  LogReader* const log_;
  const std::vector<std::string>& services_;
  std::map<kafka::TopicPartition, Head> heads_;
  std::map<std::pair<std::string, kafka::TopicPartition>, Range> ranges_;
};

bool Grows(const Look& before, const Look& now, std::string* where) {
  for (const auto& [place, ends] : now.ends) {
    const auto was = before.ends.find(place);
    if (was != before.ends.end() && was->second.high == ends.high &&
        was->second.stable == ends.stable) {
      continue;
    }
    *where = Cat(place.topic, "/", place.partition);
    return true;
  }
  return false;
}

bool Open(const Look& look) {
  return std::any_of(look.ends.begin(), look.ends.end(),
                     [](const auto& end) { return end.second.stable < end.second.high; });
}

}  // namespace

absl::Status WaitQuiet(LogReader* log, const std::vector<std::string>& services,
                       absl::Duration wait, const std::function<absl::Time()>& now,
                       const std::function<void(absl::Duration)>& pause, Findings* findings) {
  findings->Count("hanging_partitions", 0);
  findings->Count("lag_records", 0);
  const absl::Time until = now() + wait;
  Looker looker(log, services);
  REGULARS_ASSIGN_OR_RETURN(Look before, looker.Take());
  std::string where;
  bool grows = true;
  while (true) {
    pause(kBetweenLooks);
    REGULARS_ASSIGN_OR_RETURN(Look look, looker.Take());
    grows = Grows(before, look, &where);
    before = std::move(look);
    if (!grows && before.behind.empty() && !Open(before)) return absl::OkStatus();
    if (now() >= until) break;
  }
  if (grows) return absl::UnavailableError(Cat("the log is not at rest: ", where, " still grows"));
  for (const auto& [place, ends] : before.ends) {
    if (ends.stable == ends.high) continue;
    findings->Wrong("hanging_partitions",
                    Cat(place.topic, "/", place.partition, " is stable up to ", ends.stable,
                        " and written up to ", ends.high));
  }
  for (const std::string& who : before.behind_whom) findings->Wrong("lag_records", who, 0);
  for (const auto& [place, records] : before.behind) findings->Count("lag_records", records);
  return absl::OkStatus();
}

}  // namespace regulars::ctl
