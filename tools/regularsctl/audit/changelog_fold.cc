#include "tools/regularsctl/audit/changelog_fold.h"

#include <map>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/placement.h"
#include "libs/base/text.h"
#include "libs/shard/keys.h"

namespace regulars::ctl {
namespace {

constexpr std::string_view kTogetherService = "identity";

}  // namespace

using runtime::v1::ShardRecord;

std::string Fold::Name() const { return Cat(service, "-", shard); }

bool SplitKey(std::string_view key, std::string_view* pool, std::string_view* entity,
              std::string_view* sub) {
  if (key.empty() || (key[0] != shard::kStateKind && key[0] != shard::kTimersKind)) return false;
  const std::string_view body = key.substr(1);
  const size_t first = body.find('\0');
  if (first == std::string_view::npos) return false;
  *pool = body.substr(0, first);
  *entity = body.substr(first + 1);
  *sub = {};
  if (key[0] == shard::kTimersKind) return entity->find('\0') == std::string_view::npos;
  const size_t second = entity->find('\0');
  if (second == std::string_view::npos) return false;
  *sub = entity->substr(second + 1);
  *entity = entity->substr(0, second);
  return sub->find('\0') == std::string_view::npos;
}

ChangelogFold::ChangelogFold(const std::string& service, int32_t shard, int32_t shard_count,
                             std::string topic, Findings* findings, Keep keep)
    : shard_count_(shard_count), topic_(std::move(topic)), findings_(findings), keep_(keep) {
  fold_.service = service;
  fold_.shard = shard;
  Report(findings);
}

void ChangelogFold::Report(Findings* findings) {
  findings_ = findings;
  for (const char* name : {"records_read", "transactions", "chain_breaks", "torn_transactions",
                           "keys_garbled", "keys_folded"}) {
    findings_->Count(name, 0);
  }
}

void ChangelogFold::Wrong(std::string_view figure, const std::string& what) {
  held_ = false;
  findings_->Wrong(figure, Cat(fold_.Name(), ": ", what));
}

void ChangelogFold::Add(const kafka::Record& record) {
  findings_->Count("records_read");
  ++in_transaction_;
  if (record.key == shard::kShardKey) {
    AddLink(record);
  } else {
    AddValue(record);
  }
}

bool ChangelogFold::WellFormed(std::string_view key) const {
  std::string_view pool, entity, sub;
  if (!SplitKey(key, &pool, &entity, &sub)) return false;
  if (ShardOf(Bucket(pool, entity), shard_count_) == fold_.shard) return true;
  // A pool with `link_scope: pool`; which pools have it stands in no log.
  return fold_.service == kTogetherService && ShardOfPool(pool, shard_count_) == fold_.shard;
}

void ChangelogFold::AddValue(const kafka::Record& record) {
  if (!WellFormed(record.key)) {
    return Wrong("keys_garbled", Cat("offset ", record.offset, ": ", Shown(record.key),
                                     " is no key of this shard"));
  }
  if (keep_ == Keep::kChain) return;
  if (record.has_value) {
    fold_.values[std::string(record.key)] = std::string(record.value);
  } else {
    fold_.values.erase(std::string(record.key));
  }
}

void ChangelogFold::AddLink(const kafka::Record& record) {
  ShardRecord now;
  if (!record.has_value ||
      !now.ParseFromArray(record.value.data(), static_cast<int>(record.value.size()))) {
    return Wrong("chain_breaks", Cat("offset ", record.offset, ": @shard does not parse"));
  }
  findings_->Count("transactions");
  const bool first = !fold_.last.has_value();
  if (first) fold_.first_sequence = now.sequence();
  if (!first) CheckLink(*fold_.last, now);
  CheckEpoch(now, record.offset);
  // What was before the oldest @shard may have been compacted away.
  int64_t counted = 0;
  for (const auto& output : now.outputs()) {
    if (output.topic() == topic_ && output.partition() == fold_.shard) counted = output.records();
  }
  if (!first && counted != in_transaction_) {
    Wrong("torn_transactions",
          Cat("sequence ", now.sequence(), ": @shard counts ", counted,
              " records of its own changelog, ", in_transaction_, " are there"));
  }
  CountOutputs(now);
  in_transaction_ = 0;
  fold_.last_offset = record.offset;
  fold_.last = std::move(now);
}

void ChangelogFold::CheckLink(const ShardRecord& before, const ShardRecord& now) {
  const auto broken = [&](const std::string& what) {
    Wrong("chain_breaks", Cat("sequence ", now.sequence(), ": ", what));
  };
  if (now.sequence() != before.sequence() + 1) {
    broken(Cat("follows sequence ", before.sequence()));
  }
  if (now.log_id() != before.log_id()) broken("the log id changed");
  std::map<std::string, int64_t> ends;
  for (const auto& input : before.inputs()) ends[input.topic()] = input.to();
  for (const auto& input : now.inputs()) {
    const auto end = ends.find(input.topic());
    if (end != ends.end() && input.from() != end->second) {
      broken(Cat("reads ", input.topic(), " from ", input.from(), ", the one before ended at ",
                 end->second));
    }
    if (input.to() < input.from()) {
      broken(Cat("reads ", input.topic(), " back from ", input.from(), " to ", input.to()));
    }
    if (end != ends.end()) ends.erase(end);
  }
  for (const auto& [topic, end] : ends) broken(Cat("the position of ", topic, " is gone"));
  std::map<std::string, int64_t> clocks;
  for (const auto& clock : before.pool_clocks()) clocks[clock.pool()] = clock.now_us();
  for (const auto& clock : now.pool_clocks()) {
    const auto was = clocks.find(clock.pool());
    if (was != clocks.end() && clock.now_us() < was->second) {
      broken(Cat("the clock of ", clock.pool(), " goes back"));
    }
  }
}

void ChangelogFold::CheckEpoch(const ShardRecord& now, int64_t offset) {
  if (now.ownership()) {
    if (now.epoch() != 0) {
      Wrong("chain_breaks",
            Cat("sequence ", now.sequence(), ": an ownership record names epoch ", now.epoch()));
    }
    fold_.epoch = offset;
    return;
  }
  // The ownership record of the oldest epoch may have been compacted away.
  const bool wrong =
      fold_.last ? now.epoch() != fold_.epoch : now.epoch() < 0 || now.epoch() >= offset;
  if (wrong) {
    Wrong("chain_breaks", Cat("sequence ", now.sequence(), ": written under epoch ", now.epoch(),
                              ", the owner's epoch is ", fold_.epoch));
  }
  fold_.epoch = now.epoch();
}

void ChangelogFold::CountOutputs(const ShardRecord& now) {
  for (const auto& output : now.outputs()) {
    if (output.topic() == topic_) {
      if (output.partition() != fold_.shard) {
        Wrong("chain_breaks", Cat("sequence ", now.sequence(), ": writes the changelog of shard ",
                                  output.partition()));
      }
      continue;
    }
    fold_.promises.push_back(
        {now.sequence(), output.topic(), output.partition(), output.records()});
  }
}

bool ChangelogFold::Finish() {
  findings_->Count("keys_folded", static_cast<int64_t>(fold_.values.size()));
  AtEnd();
  return held_;
}

void ChangelogFold::AtEnd() {
  if (fold_.last && in_transaction_ != 0) {
    Wrong("torn_transactions", Cat(in_transaction_, " records after the last @shard"));
  }
  if (!fold_.last && in_transaction_ != 0) {
    Wrong("torn_transactions", Cat(in_transaction_, " records and no @shard"));
  }
  in_transaction_ = 0;
}

}  // namespace regulars::ctl
