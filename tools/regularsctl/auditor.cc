#include "tools/regularsctl/auditor.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "libs/base/status.h"
#include "libs/shard/keys.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/output_watch.h"

namespace regulars::ctl {
namespace {

// Of one range; what could not be read by then is read in the next round.
constexpr absl::Duration kRangeTimeout = absl::Seconds(20);

// A round is given up after so many: the brokers are away, and every call waits for its time-out.
constexpr int kErrorsMax = 3;

}  // namespace

struct Auditor::Changelog {
  kafka::TopicPartition place;
  ChangelogFold fold;
  int64_t position = 0;
  int64_t high = 0;
};

struct Auditor::Output {
  kafka::TopicPartition place;
  int64_t position = 0;
  int64_t high = 0;
  int64_t waits_at = -1;  // the record that waits for its chain
};

struct Auditor::Service {
  std::string name;
  int32_t shards = 0;
  std::vector<Changelog> changelogs;
  std::vector<Output> outputs;
  std::unique_ptr<OutputWatch> watch;

  [[nodiscard]] ChangelogFold NewFold(const kafka::TopicPartition& place,
                                      Findings* findings) const {
    return ChangelogFold(name, place.partition, shards, place.topic, findings, Keep::kChain);
  }
};

Auditor::Auditor(LogReader* log, Options options) : log_(log), options_(std::move(options)) {}
Auditor::~Auditor() = default;

absl::Status Auditor::Start() {
  services_.clear();
  for (const std::string& name : options_.services) {
    auto service = std::make_unique<Service>();
    service->name = name;
    REGULARS_RETURN_IF_ERROR(StartService(service.get()));
    services_.push_back(std::move(service));
  }
  return absl::OkStatus();
}

// The outputs' ends first, the anchors after them: of the transactions behind an anchor only the
// one that is ending meanwhile, decided there and not here yet, can lie before the outputs' ends.
absl::Status Auditor::StartService(Service* service) {
  REGULARS_ASSIGN_OR_RETURN(service->shards, log_->ShardsOf(service->name));
  service->watch =
      std::make_unique<OutputWatch>(service->name, service->shards, !options_.from_start);
  REGULARS_ASSIGN_OR_RETURN(const auto topics, log_->Topics());
  for (const std::string_view kind : kOutputKinds) {
    const auto topic = topics.find(log_->Topic(service->name, kind));
    if (topic == topics.end()) continue;
    for (int32_t partition = 0; partition < topic->second; ++partition) {
      const kafka::TopicPartition place{topic->first, partition};
      REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(place));
      const int64_t position = options_.from_start ? ends.low : ends.stable;
      if (options_.from_start && ends.low > 0) service->watch->Removed(place);
      service->outputs.push_back({place, position, ends.high});
    }
  }
  Findings none;
  for (int32_t shard = 0; shard < service->shards; ++shard) {
    const kafka::TopicPartition place{log_->Topic(service->name, events::kChangelogKind), shard};
    REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(place));
    int64_t position = ends.low;
    if (!options_.from_start) {
      REGULARS_ASSIGN_OR_RETURN(const ShardHead head, log_->LastShard(service->name, shard));
      if (head.record) position = head.offset;
    }
    service->changelogs.push_back({place, service->NewFold(place, &none), position, ends.high});
  }
  return absl::OkStatus();
}

absl::Status Auditor::Look(Findings* findings) {
  absl::Status first;
  int errors = 0;
  const auto look = [&](Service* service, auto* at) {
    if (options_.stop()) return false;
    const absl::Status status = LookAt(service, at, findings);
    if (first.ok()) first = status;
    return status.ok() || ++errors < kErrorsMax;
  };
  for (const auto& service : services_) {
    for (Changelog& changelog : service->changelogs) {
      if (!look(service.get(), &changelog)) return first;
    }
    for (Output& output : service->outputs) {
      if (!look(service.get(), &output)) return first;
    }
  }
  return first;
}

int64_t Auditor::lag() const {
  int64_t lag = 0;
  for (const auto& service : services_) {
    for (const Changelog& c : service->changelogs) lag += std::max<int64_t>(0, c.high - c.position);
    for (const Output& o : service->outputs) lag += std::max<int64_t>(0, o.high - o.position);
  }
  return lag;
}

absl::Status Auditor::LookAt(Service* service, Changelog* changelog, Findings* findings) {
  const kafka::TopicPartition& place = changelog->place;
  OutputWatch* const watch = service->watch.get();
  const auto last = [](const ChangelogFold& fold) {
    return fold.fold().last ? fold.fold().last->sequence() : -1;
  };
  watch->Reach(place.partition, last(changelog->fold), false);
  if (watch->open(place.partition) >= kOpenPromisesMax) return absl::OkStatus();
  REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(place));
  changelog->high = ends.high;
  Findings seen;
  Changelog next = *changelog;
  if (ends.low > next.position) {
    next.fold = service->NewFold(place, &seen);
    next.position = ends.low;
  }
  next.fold.Report(&seen);
  bool at_end = true;
  int64_t records = 0, end = next.position;
  REGULARS_RETURN_IF_ERROR(log_->Read(
      place, next.position, ends.stable,
      [&](const kafka::Record& record) {
        next.fold.Add(record);
        end = record.offset + 1;
        at_end = ++records < options_.records_per_round || record.key != shard::kShardKey;
        return at_end;
      },
      kRangeTimeout));
  if (at_end) {
    end = std::max(end, ends.stable);
    next.fold.AtEnd();
  }
  if (!seen.ok()) {
    seen = Findings();
    REGULARS_RETURN_IF_ERROR(LookAgain(*service, *changelog, ends.low, end, at_end, &next, &seen));
  }
  next.position = end;
  // A new first link: of the first chain, or of one that begins anew.
  const Fold& fold = next.fold.fold();
  const int64_t was = changelog->fold.fold().first_sequence;
  if (fold.last && fold.first_sequence != was && fold.first_sequence != last(changelog->fold)) {
    watch->Anchor(place.partition, fold.first_sequence);
    if (was >= 0) seen.Count("chains_restarted");
  }
  for (const OutputPromise& promise : next.fold.TakePromises()) {
    if (promise.sequence > last(changelog->fold)) watch->Promise(place.partition, promise);
  }
  watch->Reach(place.partition, last(next.fold), at_end && ends.stable >= ends.high);
  *changelog = std::move(next);
  findings->Merge(seen);
  return absl::OkStatus();
}

// From the last `@shard` that was read, without what was judged since.
absl::Status Auditor::LookAgain(const Service& service, const Changelog& changelog, int64_t low,
                                int64_t end, bool at_end, Changelog* next, Findings* findings) {
  const int64_t link = changelog.fold.fold().last_offset;
  const int64_t from = std::max(low, link >= 0 ? link : changelog.position);
  Findings again;
  next->fold = service.NewFold(changelog.place, &again);
  REGULARS_RETURN_IF_ERROR(log_->Read(
      changelog.place, from, end,
      [&](const kafka::Record& record) {
        if (record.offset == link || record.offset >= changelog.position) next->fold.Add(record);
        return true;
      },
      kRangeTimeout));
  if (at_end) next->fold.AtEnd();
  // The link was counted when it was read first.
  if (next->fold.fold().last && link >= 0 && changelog.fold.fold().last &&
      next->fold.fold().first_sequence == changelog.fold.fold().last->sequence()) {
    again.Count("transactions", -1);
    again.Count("records_read", -1);
  }
  findings->Merge(again);
  return absl::OkStatus();
}

absl::Status Auditor::LookAt(Service* service, Output* output, Findings* findings) {
  OutputWatch* const watch = service->watch.get();
  REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(output->place));
  output->high = ends.high;
  if (ends.low > output->position) {
    output->position = ends.low;
    watch->Removed(output->place);
  }
  watch->Bound(output->place, ends.high);
  bool waits = false;
  REGULARS_RETURN_IF_ERROR(log_->Read(
      output->place, output->position, ends.stable,
      [&](const kafka::Record& record) {
        const bool again = record.offset == output->waits_at;
        waits = watch->See(record, again, findings) == OutputWatch::Seen::kWait;
        if (waits) output->waits_at = record.offset;
        output->position = record.offset + (waits ? 0 : 1);
        return !waits;
      },
      kRangeTimeout));
  if (!waits) output->position = std::max(output->position, ends.stable);
  watch->Judge(output->place, output->position, findings);
  return absl::OkStatus();
}

}  // namespace regulars::ctl
