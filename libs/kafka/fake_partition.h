// One partition of the fake log: records, markers, last stable offset. Part of fake_log.h.
// Not thread-safe; the broker's mutex guards it.
#ifndef REGULARS_LIBS_KAFKA_FAKE_PARTITION_H_
#define REGULARS_LIBS_KAFKA_FAKE_PARTITION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/fake_log.h"
#include "libs/kafka/port.h"

namespace regulars::kafka::fake {

struct Stored {
  std::string key;
  std::string value;
  bool has_value = false;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Entry {
  int64_t offset = 0;
  int64_t timestamp_us = 0;
  int64_t producer_id = -1;
  FakeEntry::Kind kind = FakeEntry::Kind::kCommitted;
  std::shared_ptr<const Stored> record;  // null for a marker
};

class Partition {
 public:
  Partition(std::shared_ptr<const std::string> topic, int32_t id);

  const std::string& topic() const { return *topic_; }
  int32_t id() const { return id_; }
  int64_t low() const { return low_; }
  int64_t end() const { return end_; }
  int64_t last_stable() const;

  // producer_id -1: not transactional, decided at once.
  int64_t Append(const OutRecord& record, int64_t producer_id, int64_t now_us);
  // Writes the marker that decides the producer's open records here.
  void Mark(int64_t producer_id, bool commit, int64_t now_us);
  // The first visible entry at or after `from`; null if there is none below the last stable offset.
  const Entry* NextVisible(int64_t from) const;
  Record ToRecord(const Entry& entry) const;

  void Compact(bool drop_tombstones);
  void DeleteBefore(int64_t offset);
  const std::deque<Entry>& entries() const { return entries_; }

 private:
  size_t IndexOf(int64_t offset) const;

  const std::shared_ptr<const std::string> topic_;
  const int32_t id_;
  int64_t low_ = 0;
  int64_t end_ = 0;
  std::deque<Entry> entries_;                      // by offset; gaps after compaction
  std::vector<std::pair<int64_t, int64_t>> open_;  // producer id, first offset
};

}  // namespace regulars::kafka::fake

#endif  // REGULARS_LIBS_KAFKA_FAKE_PARTITION_H_
