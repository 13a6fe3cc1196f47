#include "tools/regularsctl/audit/output_audit.h"

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/text.h"

namespace regulars::ctl {
namespace {

constexpr std::string_view kShardHeader = "ce_regularsshard";
constexpr std::string_view kSequenceHeader = "regulars_sequence";

std::optional<int64_t> NumberOf(const kafka::Record& record, std::string_view header) {
  for (const auto& [name, value] : record.headers) {
    int64_t number = 0;
    if (name == header && absl::SimpleAtoi(AbslView(value), &number)) return number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::pair<int32_t, int64_t>> ProducerOf(const kafka::Record& record) {
  const auto shard = NumberOf(record, kShardHeader);
  const auto sequence = NumberOf(record, kSequenceHeader);
  if (!shard || !sequence) return std::nullopt;
  return std::pair{static_cast<int32_t>(*shard), *sequence};
}

std::string MismatchText(std::string_view service, int32_t shard, int64_t sequence,
                         const kafka::TopicPartition& place, int64_t missing) {
  return Cat(
      service, "-", shard, ": sequence ", sequence, ": ", place.topic, "/", place.partition,
      missing > 0 ? " lacks " : " has ", missing > 0 ? missing : -missing,
      missing > 0 ? " of the records that @shard counts" : " records more than @shard counts");
}

OutputAudit::OutputAudit(std::string service, Findings* findings)
    : service_(std::move(service)), findings_(findings) {
  for (const char* name : {"output_records", "output_mismatches", "outputs_unchecked"}) {
    findings_->Count(name, 0);
  }
}

int32_t OutputAudit::TopicId(std::string_view topic) {
  const auto found = topic_ids_.find(topic);
  if (found != topic_ids_.end()) return found->second;
  const auto id = static_cast<int32_t>(topics_.size());
  topics_.emplace_back(topic);
  topic_ids_.emplace(topic, id);
  return id;
}

void OutputAudit::Promise(const Fold& fold) {
  if (!fold.last) return;
  chains_[fold.shard] = {fold.first_sequence, fold.last->sequence()};
  for (const OutputPromise& promise : fold.promises) {
    missing_[{fold.shard, promise.sequence, TopicId(promise.topic), promise.partition}] +=
        promise.records;
  }
}

void OutputAudit::See(const kafka::Record& record) {
  findings_->Count("output_records");
  const auto producer = ProducerOf(record);
  const auto place = [&] { return Cat(record.topic, "/", record.partition, "@", record.offset); };
  if (!producer) {
    return findings_->Wrong("output_mismatches", Cat(place(), " names no transaction"));
  }
  const auto [shard, sequence] = *producer;
  const auto chain = chains_.find(shard);
  if (chain == chains_.end()) {
    return findings_->Wrong("output_mismatches",
                            Cat(place(), " names shard ", shard, ", which has no chain"));
  }
  const int32_t topic = TopicId(record.topic);
  oldest_seen_.try_emplace({shard, topic, record.partition}, sequence);
  if (sequence < chain->second.first) return findings_->Count("outputs_unchecked");
  const auto found = missing_.find(Key{shard, sequence, topic, record.partition});
  if (found == missing_.end()) {
    return findings_->Wrong("output_mismatches",
                            Cat(place(), " is of sequence ", sequence, " of ", service_, "-", shard,
                                ", whose @shard does not count it"));
  }
  --found->second;
}

void OutputAudit::Finish(const std::map<kafka::TopicPartition, int64_t>& low) {
  for (const auto& [key, missing] : missing_) {
    if (missing == 0) continue;
    const std::string& topic = topics_[static_cast<size_t>(key.topic)];
    const auto low_mark = low.find({topic, key.partition});
    const auto oldest = oldest_seen_.find({key.producer, key.topic, key.partition});
    const bool removed = missing > 0 && low_mark != low.end() && low_mark->second > 0 &&
                         (oldest == oldest_seen_.end() || key.sequence <= oldest->second);
    if (removed) {
      findings_->Count("outputs_unchecked");
      continue;
    }
    findings_->Wrong("output_mismatches", MismatchText(service_, key.producer, key.sequence,
                                                       {topic, key.partition}, missing));
  }
}

}  // namespace regulars::ctl
