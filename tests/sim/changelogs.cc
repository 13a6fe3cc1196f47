#include "tests/sim/changelogs.h"

#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::sim {

const std::vector<kafka::Record>& Changelogs::Read(const kafka::FakeLog& log,
                                                   const kafka::TopicPartition& changelog) {
  std::vector<kafka::Record>& all = records_[changelog];
  const int64_t next = all.empty() ? 0 : all.back().offset + 1;
  for (kafka::Record& record : log.ReadCommitted(changelog)) {
    if (record.offset >= next) all.push_back(std::move(record));
  }
  return all;
}

std::optional<std::map<std::string, std::string>> Changelogs::FoldAt(
    const kafka::FakeLog& log, const kafka::TopicPartition& changelog, int64_t sequence) {
  std::map<std::string, std::string> state;
  for (const kafka::Record& record : Read(log, changelog)) {
    if (record.key == shard::kShardKey) {
      runtime::v1::ShardRecord books;
      if (!books.ParseFromString(std::string(record.value))) return std::nullopt;
      if (books.sequence() == sequence) return state;
      continue;
    }
    if (record.key[0] != shard::kStateKind) continue;
    if (record.has_value) {
      state.insert_or_assign(std::string(record.key), std::string(record.value));
    } else {
      state.erase(std::string(record.key));
    }
  }
  return std::nullopt;
}

}  // namespace regulars::sim
