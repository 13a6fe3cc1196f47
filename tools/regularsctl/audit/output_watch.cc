#include "tools/regularsctl/audit/output_watch.h"

#include <algorithm>

#include "libs/base/text.h"
#include "tools/regularsctl/audit/output_audit.h"

namespace regulars::ctl {

OutputWatch::OutputWatch(std::string service, int32_t shards, bool joined)
    : service_(std::move(service)), joined_(joined), chains_(static_cast<size_t>(shards)) {}

void OutputWatch::Anchor(int32_t shard, int64_t sequence) {
  Chain& chain = chains_[static_cast<size_t>(shard)];
  chain.anchor = sequence;
  chain.last = std::max(chain.last, sequence);
}

void OutputWatch::Reach(int32_t shard, int64_t sequence, bool at_end) {
  Chain& chain = chains_[static_cast<size_t>(shard)];
  chain.last = std::max(chain.last, sequence);
  chain.at_end = at_end;
}

int64_t OutputWatch::open(int32_t shard) const { return chains_[static_cast<size_t>(shard)].open; }

void OutputWatch::Promise(int32_t shard, const OutputPromise& promise) {
  Chain& chain = chains_[static_cast<size_t>(shard)];
  if (promise.sequence <= chain.anchor) return;
  const auto [it, fresh] =
      places_[{promise.topic, promise.partition}].open.try_emplace({shard, promise.sequence});
  it->second.missing += promise.records;
  if (fresh) ++chain.open;
}

void OutputWatch::Bound(const kafka::TopicPartition& place, int64_t high) {
  for (auto& [of, open] : places_[place].open) {
    if (open.due < 0) open.due = high;
  }
}

OutputWatch::Seen OutputWatch::See(const kafka::Record& record, bool again, Findings* findings) {
  const auto where = [&] { return Cat(record.topic, "/", record.partition, "@", record.offset); };
  const auto wrong = [&](const std::string& what) {
    findings->Count("output_records");
    findings->Wrong("output_mismatches", Cat(where(), what));
    return Seen::kTaken;
  };
  const auto producer = ProducerOf(record);
  if (!producer) return wrong(" names no transaction");
  const auto [shard, sequence] = *producer;
  if (shard < 0 || static_cast<size_t>(shard) >= chains_.size()) {
    return wrong(Cat(" names shard ", shard, ", which there is not"));
  }
  const Chain& chain = chains_[static_cast<size_t>(shard)];
  Place& place = places_[{std::string(record.topic), record.partition}];
  const auto open = place.open.find(*producer);
  if (open == place.open.end() && sequence > chain.last && !(again && chain.at_end)) {
    return Seen::kWait;
  }
  place.oldest_seen.try_emplace(shard, sequence);
  if (open != place.open.end()) {
    --open->second.missing;
  } else if (sequence <= chain.anchor) {
    findings->Count("outputs_unchecked");
  } else {
    return wrong(Cat(" is of sequence ", sequence, " of ", service_, "-", shard,
                     sequence > chain.last ? ", whose @shard is not there"
                                           : ", whose @shard does not count it"));
  }
  findings->Count("output_records");
  return Seen::kTaken;
}

bool OutputWatch::Excused(const Place& place, const Transaction& of, int64_t missing) const {
  if (missing < 0) return false;
  if (joined_ && of.second == chains_[static_cast<size_t>(of.first)].anchor + 1) return true;
  const auto oldest = place.oldest_seen.find(of.first);
  return place.removed && (oldest == place.oldest_seen.end() || of.second <= oldest->second);
}

void OutputWatch::Judge(const kafka::TopicPartition& place, int64_t position, Findings* findings) {
  Place& here = places_[place];
  for (auto it = here.open.begin(); it != here.open.end();) {
    const auto& [of, open] = *it;
    if (open.due < 0 || position < open.due) {
      ++it;
      continue;
    }
    if (open.missing != 0 && Excused(here, of, open.missing)) {
      findings->Count("outputs_unchecked");
    } else if (open.missing != 0) {
      findings->Wrong("output_mismatches",
                      MismatchText(service_, of.first, of.second, place, open.missing));
    }
    --chains_[static_cast<size_t>(of.first)].open;
    it = here.open.erase(it);
  }
}

void OutputWatch::Removed(const kafka::TopicPartition& place) {
  places_[place].removed = true;
  places_[place].oldest_seen.clear();
}

}  // namespace regulars::ctl
