#include "libs/kafka/fake_partition.h"

#include <algorithm>
#include <string_view>

#include "absl/container/flat_hash_map.h"

namespace regulars::kafka::fake {

using Kind = FakeEntry::Kind;

Partition::Partition(std::shared_ptr<const std::string> topic, int32_t id)
    : topic_(std::move(topic)), id_(id) {}

int64_t Partition::last_stable() const {
  int64_t stable = end_;
  for (const auto& [producer_id, first] : open_) stable = std::min(stable, first);
  return stable;
}

int64_t Partition::Append(const OutRecord& record, int64_t producer_id, int64_t now_us) {
  auto stored = std::make_shared<Stored>();
  stored->key = record.key;
  stored->has_value = record.value.has_value();
  if (record.value.has_value()) stored->value = *record.value;
  stored->headers = record.headers;
  Entry entry;
  entry.offset = end_++;
  entry.timestamp_us = now_us;
  entry.producer_id = producer_id;
  entry.record = std::move(stored);
  if (producer_id >= 0) {
    entry.kind = Kind::kOpen;
    const bool known = std::any_of(open_.begin(), open_.end(),
                                   [&](const auto& o) { return o.first == producer_id; });
    if (!known) open_.emplace_back(producer_id, entry.offset);
  }
  entries_.push_back(std::move(entry));
  return entries_.back().offset;
}

void Partition::Mark(int64_t producer_id, bool commit, int64_t now_us) {
  auto it = std::find_if(open_.begin(), open_.end(),
                         [&](const auto& o) { return o.first == producer_id; });
  if (it != open_.end()) {
    for (size_t i = IndexOf(it->second); i < entries_.size(); ++i) {
      Entry& entry = entries_[i];
      if (entry.producer_id == producer_id && entry.kind == Kind::kOpen) {
        entry.kind = commit ? Kind::kCommitted : Kind::kAborted;
      }
    }
    open_.erase(it);
  }
  Entry marker;
  marker.offset = end_++;
  marker.timestamp_us = now_us;
  marker.producer_id = producer_id;
  marker.kind = Kind::kMarker;
  entries_.push_back(std::move(marker));
}

size_t Partition::IndexOf(int64_t offset) const {
  if (entries_.empty() || offset <= entries_.front().offset) return 0;
  const size_t guess = static_cast<size_t>(offset - entries_.front().offset);
  if (guess < entries_.size() && entries_[guess].offset == offset) return guess;
  auto it = std::lower_bound(entries_.begin(), entries_.end(), offset,
                             [](const Entry& e, int64_t o) { return e.offset < o; });
  return static_cast<size_t>(it - entries_.begin());
}

const Entry* Partition::NextVisible(int64_t from) const {
  const int64_t stable = last_stable();
  if (from >= stable) return nullptr;
  for (size_t i = IndexOf(from); i < entries_.size() && entries_[i].offset < stable; ++i) {
    if (entries_[i].kind == Kind::kCommitted) return &entries_[i];
  }
  return nullptr;
}

Record Partition::ToRecord(const Entry& entry) const {
  Record record;
  record.topic = *topic_;
  record.partition = id_;
  record.offset = entry.offset;
  record.timestamp_us = entry.timestamp_us;
  if (entry.record != nullptr) {
    record.key = entry.record->key;
    record.value = entry.record->value;
    record.has_value = entry.record->has_value;
    for (const auto& [name, value] : entry.record->headers)
      record.headers.emplace_back(name, value);
    record.backing = entry.record;
  }
  return record;
}

void Partition::Compact(bool drop_tombstones) {
  const int64_t stable = last_stable();
  absl::flat_hash_map<std::string_view, int64_t> last;
  for (const Entry& entry : entries_) {
    if (entry.offset < stable && entry.kind == Kind::kCommitted) {
      last[entry.record->key] = entry.offset;
    }
  }
  std::deque<Entry> kept;
  for (Entry& entry : entries_) {
    if (entry.offset >= stable) {
      kept.push_back(entry);
      continue;
    }
    if (entry.kind != Kind::kCommitted || last.at(entry.record->key) != entry.offset) continue;
    if (drop_tombstones && !entry.record->has_value) continue;
    kept.push_back(entry);
  }
  entries_ = std::move(kept);
}

void Partition::DeleteBefore(int64_t offset) {
  low_ = std::max(low_, std::min(offset, last_stable()));
  while (!entries_.empty() && entries_.front().offset < low_) entries_.pop_front();
}

}  // namespace regulars::kafka::fake
