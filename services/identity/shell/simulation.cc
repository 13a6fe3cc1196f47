#include "services/identity/shell/simulation.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/service/link_scope.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"
#include "services/identity/shell/pool_section.h"
#include "services/identity/simulate/history.h"

namespace regulars::identity {
namespace {

// The broker is waited for in slices of this, so that a caller who goes away is noticed.
constexpr absl::Duration kSlice = absl::Milliseconds(500);
// As many silent slices in a row, and the log counts as away.
constexpr int kSilentSlicesMax = 30;
constexpr Micros kProgressEveryUs = kMicrosPerSecond;
constexpr Micros kRetryAfterUs = 5 * kMicrosPerSecond;
constexpr size_t kProblemBytesMax = 1'000;

// What a problem says may hold the name of a field, which is the caller's.
std::string Readable(std::string text) {
  if (text.size() > kProblemBytesMax) text.resize(kProblemBytesMax);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

absl::Status Away(const absl::Status& status) {
  return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "LOG_AWAY",
                                    Cat("the log cannot be read: ", StdView(status.message()))),
                        kRetryAfterUs);
}

absl::Status TooLarge(const std::string& pool, size_t bytes_max) {
  return DomainError(
      absl::StatusCode::kFailedPrecondition, "HISTORY_TOO_LARGE",
      Cat("the history of pool ", pool, " needs more memory than ", bytes_max >> 20, " MiB"));
}

struct Range {
  kafka::TopicPartition place;
  int64_t from = 0;
  int64_t to = 0;
};

// One pass over the changelog.
class Reading {
 public:
  Reading(const Simulation& what, const SimulationPorts& ports)
      : what_(what), ports_(ports), history_(what.pool, what.memory_bytes_max / kHistoryFactor) {}

  absl::StatusOr<simulate::History> Run() {
    absl::StatusOr<std::unique_ptr<kafka::Reader>> reader = ports_.log->NewReader();
    if (!reader.ok()) return Away(reader.status());
    reader_ = *std::move(reader);
    std::vector<Range> ranges;
    for (int32_t shard = 0; shard < what_.shards; ++shard) {
      REGULARS_ASSIGN_OR_RETURN(Range range, RangeOf({what_.changelog, shard}));
      total_ += range.to - range.from;
      ranges.push_back(std::move(range));
    }
    Tell();
    for (const Range& range : ranges) {
      REGULARS_RETURN_IF_ERROR(Read(range));
      REGULARS_RETURN_IF_ERROR(TakeIn(range));
    }
    REGULARS_RETURN_IF_ERROR(ports_.go_on());
    return history_.Finish(what_.now.contested_max, [this] { return !ports_.go_on().ok(); });
  }

 private:
  // What the newest values of a shard take beside their bytes, each.
  static constexpr size_t kEntryBytes = 128;
  // What a history and its two replays take for each byte of keys and values: 3.0 measured with
  // members of two identifiers and a link, 1.3 KB each.
  static constexpr size_t kHistoryFactor = 4;
  static size_t SizeInMemory(std::string_view key, std::string_view value) {
    return key.size() + value.size() + kEntryBytes;
  }

  absl::StatusOr<Range> RangeOf(const kafka::TopicPartition& place) {
    absl::Status last;
    for (int silent = 0; silent < kSilentSlicesMax; ++silent) {
      REGULARS_RETURN_IF_ERROR(ports_.go_on());
      const auto marks = reader_->QueryWatermarks(place, kSlice);
      if (marks.ok()) return Range{place, marks->low, marks->high};
      last = marks.status();
      if (!absl::IsDeadlineExceeded(last) && !absl::IsUnavailable(last)) break;
    }
    return Away(last);
  }

  absl::Status Read(const Range& range) {
    int64_t next = range.from;
    absl::Status ended;
    for (int silent = 0; silent < kSilentSlicesMax; ++silent) {
      REGULARS_RETURN_IF_ERROR(ports_.go_on());
      const absl::Status read = reader_->ReadRange(
          range.place, next, range.to,
          [&](const kafka::Record& record) {
            silent = 0;
            offsets_read_ += record.offset + 1 - next;
            next = record.offset + 1;
            ended = Keep(record);
            return ended.ok();
          },
          kSlice);
      REGULARS_RETURN_IF_ERROR(ended);
      if (read.ok()) {
        offsets_read_ += range.to - next;
        return absl::OkStatus();
      }
      if (!absl::IsDeadlineExceeded(read)) return Away(read);
    }
    return Away(absl::DeadlineExceededError("no record came"));
  }

  absl::Status Keep(const kafka::Record& record) {
    REGULARS_RETURN_IF_ERROR(ports_.go_on());
    if (MonotonicMicros() - told_us_ >= kProgressEveryUs) Tell();
    if (record.key.empty() || record.key.front() != shard::kStateKind) return absl::OkStatus();
    const shard::StateKeyParts key = shard::ParseStateKey(record.key);
    if (key.pool != what_.pool || !simulate::HistoryReader::Reads(key.sub)) {
      return absl::OkStatus();
    }
    if (const auto known = values_.find(record.key); known != values_.end()) {
      bytes_ -= SizeInMemory(known->first, known->second);
      values_.erase(known);
    }
    if (!record.has_value) return absl::OkStatus();
    values_.emplace(record.key, record.value);
    bytes_ += SizeInMemory(record.key, record.value);
    if (bytes_ + kHistoryFactor * taken_in_ <= what_.memory_bytes_max) return absl::OkStatus();
    return TooLarge(what_.pool, what_.memory_bytes_max);
  }

  // The shard's values become history.
  absl::Status TakeIn(const Range& range) {
    for (auto it = values_.begin(); it != values_.end(); it = values_.erase(it)) {
      REGULARS_RETURN_IF_ERROR(ports_.go_on());
      const shard::StateKeyParts key = shard::ParseStateKey(it->first);
      runtime::v1::StateValue value;
      if (!value.ParseFromString(it->second)) {
        return absl::DataLossError(Cat(range.place.topic, ": a state does not parse"));
      }
      const absl::Status added = history_.Add(key.entity, key.sub, value.value());
      if (ReasonOf(added) == "HISTORY_TOO_LARGE") {
        return TooLarge(what_.pool, what_.memory_bytes_max);
      }
      REGULARS_RETURN_IF_ERROR(added);
      taken_in_ += it->first.size() + it->second.size();
    }
    bytes_ = 0;
    return absl::OkStatus();
  }

  void Tell() {
    told_us_ = MonotonicMicros();
    ports_.progress(offsets_read_, total_);
  }

  const Simulation& what_;
  const SimulationPorts& ports_;
  simulate::HistoryReader history_;
  std::unique_ptr<kafka::Reader> reader_;
  std::map<std::string, std::string, std::less<>> values_;
  size_t bytes_ = 0;     // of values_
  size_t taken_in_ = 0;  // of history_
  int64_t offsets_read_ = 0, total_ = 0;
  Micros told_us_ = 0;
};

}  // namespace

LinkRules ReadRules(config::Section* identity) {
  (void)service::IsLinkScopePool(identity);  // its keys stand here, too
  ReadTouchRules(identity);
  identity->Skip("matching");  // it proposes, and joins nobody
  return ReadLinkRules(identity);
}

absl::StatusOr<LinkRules> ParseRules(std::string_view text) {
  const auto invalid = [](std::string why) {
    return DomainError(absl::StatusCode::kInvalidArgument, "RULES_INVALID",
                       Cat("rules: ", Readable(std::move(why))));
  };
  if (text.empty()) return invalid("must not be empty");
  if (text.size() > kRulesBytesMax) return invalid(Cat("larger than ", kRulesBytesMax, " bytes"));
  config::Problems problems;
  auto section = config::ParseYaml(text, &problems);
  LinkRules rules;
  if (section.has_value()) {
    rules = ReadRules(&*section);
    section->Finish();
  }
  if (!problems.empty()) return invalid(absl::StrJoin(problems, "; "));
  return rules;
}

void AddSimulationOptions(config::Options* options, int64_t* memory_mb, int64_t* s_max) {
  options->Add(
      config::IntOption{
          .name = "simulate_memory_mb",
          .group = "rules",
          .unit = "MiB",
          .fallback = 256,
          .min = 1,
          .max = 65'536,
          .sentence = "Memory that one SimulateRules may take, about 5 KiB for each member of two "
                      "identifiers; a pool that needs more is refused HISTORY_TOO_LARGE."},
      memory_mb);
  options->Add(config::IntOption{.name = "simulate_s_max",
                                 .group = "rules",
                                 .unit = "s",
                                 .fallback = 600,
                                 .min = 1,
                                 .max = 86'400,
                                 .sentence = "Time that one SimulateRules may take."},
               s_max);
}

absl::Status CheckSimulated(const LinkRules& now, const LinkRules& then) {
  if (!now.enabled) {
    return DomainError(absl::StatusCode::kFailedPrecondition, "LINKING_OFF",
                       "the pool does not link: there are no decisions to take again");
  }
  const auto not_simulated = [](const char* why) {
    return DomainError(absl::StatusCode::kInvalidArgument, "RULES_NOT_SIMULATED", why);
  };
  if (!then.enabled) {
    return not_simulated("linking: must be true; rules that join nobody take nothing apart");
  }
  if (then.recycle_after_us != now.recycle_after_us) {
    return not_simulated(
        "recycle_after_days: must be as it is now; how long an identifier was silent is not in the "
        "log");
  }
  return absl::OkStatus();
}

absl::StatusOr<simulate::Difference> Simulate(const Simulation& what,
                                              const SimulationPorts& ports) {
  REGULARS_RETURN_IF_ERROR(CheckSimulated(what.now, what.then));
  std::optional<simulate::History> history;
  {
    Reading reading(what, ports);
    REGULARS_ASSIGN_OR_RETURN(history, reading.Run());
  }
  REGULARS_RETURN_IF_ERROR(ports.go_on());
  simulate::Difference difference = simulate::Compare(
      *history, what.now, what.then, what.examples_max, [&] { return !ports.go_on().ok(); });
  REGULARS_RETURN_IF_ERROR(ports.go_on());
  return difference;
}

}  // namespace regulars::identity
