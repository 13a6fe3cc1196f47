// A small history for tests: the records of one shard's changelog as its owner would write them,
// to be damaged in one place. Not for production code.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_HISTORY_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_HISTORY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/kafka/port.h"
#include "libs/shard/keys.h"
#include "regulars/points/v1/points_state.pb.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::ctl {

inline constexpr char kHistoryPool[] = "cofco";
inline constexpr char kHistoryChangelog[] = "regulars.points.changelog.v1.g1";
inline constexpr char kHistoryEvents[] = "regulars.points.events.v1.g1";
inline constexpr char kHistoryInput[] = "regulars.identity.events.v1.g1";
inline constexpr int32_t kHistoryShards = 4;

// One record with its bytes.
struct HistoryRecord {
  int64_t offset = 0;
  std::string topic, key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;

  kafka::Record View() const {
    kafka::Record record;
    record.topic = topic;
    record.offset = offset;
    record.key = key;
    record.has_value = value.has_value();
    if (value) record.value = *value;
    for (const auto& [name, text] : headers) record.headers.emplace_back(name, text);
    return record;
  }
};

struct History {
  std::deque<HistoryRecord> changelog;
  std::deque<HistoryRecord> events;

  HistoryRecord& Shard(int64_t sequence) {
    for (HistoryRecord& record : changelog) {
      if (record.key == shard::kShardKey && Books(record).sequence() == sequence) return record;
    }
    return changelog.back();
  }
  static runtime::v1::ShardRecord Books(const HistoryRecord& record) {
    runtime::v1::ShardRecord books;
    (void)books.ParseFromString(record.value.value_or(""));
    return books;
  }
  void Change(int64_t sequence, const std::function<void(runtime::v1::ShardRecord*)>& change) {
    HistoryRecord& record = Shard(sequence);
    runtime::v1::ShardRecord books = Books(record);
    change(&books);
    record.value = books.SerializeAsString();
  }
  HistoryRecord& Root(const std::string& member) {
    HistoryRecord* found = nullptr;
    for (HistoryRecord& record : changelog) {
      if (record.key == shard::StateKey(kHistoryPool, member, "")) found = &record;
    }
    return *found;
  }
};

// A member of shard 0.
inline std::string HistoryMember(int number) {
  for (int i = 0;; ++i) {
    std::string id = Cat("m_", number, "x", i);
    if (ShardOf(Bucket(kHistoryPool, id), kHistoryShards) == 0) return id;
  }
}

inline std::string StoredRoot(int64_t issued) {
  points::v1::PointsRoot root;
  root.set_next_entry_sequence(1);
  root.set_issued(issued);
  root.set_balance(issued);
  runtime::v1::StateValue value;
  value.set_value(root.SerializeAsString());
  return value.SerializeAsString();
}

// Sequence 1: ownership. Sequence 2, 3, ...: member n has `n * 10` points issued; each transaction
// reads one input and writes one event.
inline History MakeHistory(int transactions) {
  History history;
  int64_t offset = 0, issued = 0;
  const auto write = [&](std::string key, std::string value) {
    history.changelog.push_back(
        {offset++, kHistoryChangelog, std::move(key), std::move(value), {}});
  };
  const auto books = [&](int64_t sequence, int64_t from, int64_t to, int64_t own) {
    runtime::v1::ShardRecord record;
    record.set_log_id("log");
    record.set_sequence(sequence);
    record.set_ownership(sequence == 1);
    auto* clock = record.add_pool_clocks();
    clock->set_pool(kHistoryPool);
    clock->set_now_us(1000 + sequence);
    auto* input = record.add_inputs();
    input->set_topic(kHistoryInput);
    input->set_from(from);
    input->set_to(to);
    auto* output = record.add_outputs();
    output->set_topic(kHistoryChangelog);
    output->set_records(own);
    if (sequence > 1) {
      output = record.add_outputs();
      output->set_topic(kHistoryEvents);
      output->set_records(1);
    }
    for (const char* name : {"loyalty/issued", "loyalty/outstanding"}) {
      auto* sum = record.add_sums();
      sum->set_pool(kHistoryPool);
      sum->set_name(name);
      sum->set_value(issued);
    }
    write(std::string(shard::kShardKey), record.SerializeAsString());
    ++offset;  // the marker
  };
  books(1, 0, 0, 1);
  for (int i = 2; i <= transactions; ++i) {
    issued += i * 10;
    write(shard::StateKey(kHistoryPool, HistoryMember(i), ""), StoredRoot(i * 10));
    books(i, i - 2, i - 1, 2);
    history.events.push_back({i,
                              kHistoryEvents,
                              HistoryMember(i),
                              "event",
                              {{"ce_regularsshard", "0"}, {"regulars_sequence", Cat(i)}}});
  }
  return history;
}

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_HISTORY_H_
