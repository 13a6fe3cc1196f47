#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"
#include "tests/sim/auditor.h"
#include "tests/sim/reader.h"

namespace regulars::sim {
namespace {

using runtime::v1::ShardRecord;

// One (producing shard, sequence) into one partition.
using OutputKey = std::tuple<int32_t, int64_t, std::string, int32_t>;

struct Fold {
  std::map<std::string, std::string> values;
  std::optional<ShardRecord> last;
  int64_t last_offset = -1;
};

class RuntimeAudit {
 public:
  RuntimeAudit(World* world, int service)
      : world_(*world), service_(service), name_(world->program(service).service()) {}

  void Run() {
    for (int32_t shard = 0; shard < world_.shards(); ++shard) ReadChangelog(shard);
    CompareOutputs();
    CompareGroup();
    for (int32_t shard = 0; shard < world_.shards(); ++shard) {
      CompareView(shard);
      CompareStore(shard);
    }
  }

 private:
  void Wrong(int32_t shard, const std::string& what) {
    world_.Violation(Cat(name_, "-", shard, ": ", what));
  }

  void ReadChangelog(int32_t shard) {
    Fold& fold = folds_[shard];
    const std::string topic = world_.Topic(name_, events::kChangelogKind);
    int64_t in_transaction = 0;
    int64_t epoch = -1;
    for (const kafka::Record& record : world_.changelogs().Read(world_.log(), {topic, shard})) {
      ++in_transaction;
      if (record.key != shard::kShardKey) {
        if (record.has_value) {
          fold.values[std::string(record.key)] = std::string(record.value);
        } else {
          fold.values.erase(std::string(record.key));
        }
        continue;
      }
      ShardRecord books;
      if (!books.ParseFromString(std::string(record.value))) return Wrong(shard, "@shard garbled");
      CheckLink(shard, fold.last, books, record.offset, &epoch);
      int64_t counted = -1;
      for (const auto& output : books.outputs()) {
        if (output.topic() == topic && output.partition() == shard) {
          counted = output.records();
        } else {
          promised_[{shard, books.sequence(), output.topic(), output.partition()}] +=
              output.records();
        }
      }
      if (counted != in_transaction) {
        Wrong(shard, Cat("sequence ", books.sequence(), ": ", in_transaction,
                         " records in the changelog, @shard says ", counted));
      }
      in_transaction = 0;
      fold.last = std::move(books);
      fold.last_offset = record.offset;
    }
    if (!fold.last) return Wrong(shard, "never owned");
    if (in_transaction != 0) Wrong(shard, "records after the last @shard");
  }

  void CheckLink(int32_t shard, const std::optional<ShardRecord>& before, const ShardRecord& books,
                 int64_t offset, int64_t* epoch) {
    const int64_t expected = before ? before->sequence() + 1 : 1;
    if (books.sequence() != expected) {
      Wrong(shard, Cat("sequence ", books.sequence(), " where ", expected, " was due"));
    }
    if (books.ownership()) {
      *epoch = offset;
    } else if (books.epoch() != *epoch) {
      Wrong(shard, Cat("sequence ", books.sequence(), " of epoch ", books.epoch(), " under epoch ",
                       *epoch));
    }
    if (before && before->log_id() != books.log_id()) Wrong(shard, "the log id changed");
    std::map<std::string, int64_t> positions;
    if (before) {
      for (const auto& input : before->inputs()) positions[input.topic()] = input.to();
    }
    for (const auto& input : books.inputs()) {
      const auto it = positions.find(input.topic());
      const int64_t from = it == positions.end() ? 0 : it->second;
      if (input.from() != from) {
        Wrong(shard, Cat("sequence ", books.sequence(), " reads ", input.topic(), " from ",
                         input.from(), ", the one before ended at ", from));
      }
      if (input.to() < input.from()) Wrong(shard, "a position goes back");
    }
  }

  void CompareOutputs() {
    std::map<OutputKey, int64_t> seen;
    for (const std::string& topic : world_.log().Topics()) {
      const auto parts = events::ParseTopicName(topic);
      if (!parts || parts->domain != name_ || parts->kind == events::kChangelogKind ||
          parts->kind == events::kOwnersKind) {
        continue;
      }
      for (int32_t partition = 0; partition < world_.shards(); ++partition) {
        for (const kafka::Record& record : world_.log().ReadCommitted({topic, partition})) {
          std::string producer, sequence;
          for (const auto& [key, value] : record.headers) {
            if (key == "ce_regularsshard") producer = std::string(value);
            if (key == "regulars_sequence") sequence = std::string(value);
          }
          ++seen[{std::stoi(producer), std::stoll(sequence), topic, partition}];
        }
      }
    }
    for (const auto& [key, count] : promised_) {
      const auto it = seen.find(key);
      const int64_t there = it == seen.end() ? 0 : it->second;
      if (there != count) {
        Wrong(std::get<0>(key),
              Cat("sequence ", std::get<1>(key), ": ", there, " records in ", std::get<2>(key), "/",
                  std::get<3>(key), ", @shard says ", count));
      }
    }
    for (const auto& [key, count] : seen) {
      if (!promised_.contains(key)) {
        Wrong(std::get<0>(key), Cat("sequence ", std::get<1>(key), " has ", count, " records in ",
                                    std::get<2>(key), " that no @shard counts"));
      }
    }
  }

  void CompareGroup() {
    std::map<std::pair<std::string, int32_t>, int64_t> committed;
    for (const auto& offset : world_.log().GroupOffsets(Cat("regulars.", name_, ".g1"))) {
      committed[{offset.topic, offset.partition}] = offset.offset;
    }
    for (const auto& [shard, fold] : folds_) {
      if (!fold.last) continue;
      for (const auto& input : fold.last->inputs()) {
        const auto it = committed.find({input.topic(), shard});
        const int64_t group = it == committed.end() ? -1 : it->second;
        if (group != input.to()) {
          Wrong(shard,
                Cat("group is at ", group, " of ", input.topic(), ", @shard at ", input.to()));
        }
        // Everything that is visible was read.
        const auto records = world_.log().ReadCommitted({input.topic(), shard});
        if (!records.empty() && records.back().offset >= input.to()) {
          Wrong(shard, Cat("reads ", input.topic(), " only to ", input.to()));
        }
      }
    }
  }

  void CompareView(int32_t shard) {
    const Fold& fold = folds_[shard];
    if (!fold.last) return;
    redis::FakeView view(&world_.views());
    const redis::ShardId id{name_, shard, world_.shards()};
    const auto meta = view.Meta(id);
    if (!meta.ok() || !*meta) return Wrong(shard, "the view has no meta");
    if (!(*meta)->whole || (*meta)->log_id != fold.last->log_id() ||
        (*meta)->applied != fold.last->sequence()) {
      Wrong(shard, Cat("the view is at ", (*meta)->applied, (*meta)->whole ? "" : " not whole",
                       ", the log at ", fold.last->sequence()));
    }
    const std::string wrong =
        sim::CompareView(&world_, world_.program(service_), id, **meta, fold.values, /*all=*/true);
    if (!wrong.empty()) Wrong(shard, Cat("the view ", wrong));
  }

  void CompareStore(int32_t shard) {
    const Fold& fold = folds_[shard];
    if (!fold.last) return;
    Instance* owner = nullptr;
    for (Instance* instance : world_.Up()) {
      if (instance->service != service_) continue;
      for (const shard::ShardStatus& status : instance->worker->Snapshot()) {
        if (status.shard != shard) continue;
        if (owner != nullptr) Wrong(shard, "two owners");
        owner = instance;
      }
    }
    if (owner == nullptr) return Wrong(shard, "no owner");
    owners_.push_back({shard, owner});
  }

 public:
  // The processes are down by now.
  void RunStores() {
    for (const auto& [shard, owner] : owners_) {
      const Fold& fold = folds_[shard];
      auto store = owner->disks.Open(Cat(name_, "-", shard));
      if (!store.ok()) {
        Wrong(shard, "the store cannot be opened");
        continue;
      }
      std::map<std::string, std::string> expected, found;
      for (const auto& [key, value] : fold.values) {
        expected[key] = value;
        if (key[0] == shard::kTimersKind) {
          const auto parts = shard::ParseTimersKey(key);
          runtime::v1::EntityTimers timers;
          if (!timers.ParseFromString(value)) Wrong(shard, "timers are garbled");
          for (const auto& timer : timers.timers()) {
            expected[shard::DueKey(parts.pool, timer.at_us(), parts.entity, timer.name())] = "";
          }
        } else {
          runtime::v1::StateValue state;
          if (!state.ParseFromString(value)) Wrong(shard, "a state value is garbled");
          if (state.expires_at_us() > 0) {
            const auto parts = shard::ParseStateKey(key);
            expected[shard::ExpiryKey(parts.pool, state.expires_at_us(), key)] = "";
          }
        }
      }
      expected[std::string(shard::kPositionKey)] = Cat(fold.last_offset + 1);
      std::string sequence;
      (void)(*store)->Scan("", "", [&](std::string_view key, std::string_view value) {
        if (key == shard::kShardKey) {
          ShardRecord books;
          if (books.ParseFromString(std::string(value))) sequence = Cat(books.sequence());
          return true;
        }
        if (key[0] == '@' && key != shard::kPositionKey) return true;  // the runtime's own
        if (key == shard::kBrokerTimeKey) return true;
        // An index entry may outlive the value that it was made for.
        if (key[0] == shard::kExpiryKind && !expected.contains(std::string(key))) return true;
        found[std::string(key)] = std::string(value);
        return true;
      });
      if (sequence != Cat(fold.last->sequence())) Wrong(shard, "the store is at another sequence");
      Compare(shard, "the store", expected, found);
    }
  }

 private:
  void Compare(int32_t shard, std::string_view what,
               const std::map<std::string, std::string>& expected,
               const std::map<std::string, std::string>& found) {
    for (const auto& [key, value] : expected) {
      const auto it = found.find(key);
      if (it == found.end()) return Wrong(shard, Cat(what, " lacks ", key));
      if (it->second != value) return Wrong(shard, Cat(what, " differs at ", key));
    }
    for (const auto& [key, value] : found) {
      if (!expected.contains(key)) return Wrong(shard, Cat(what, " has ", key, " too much"));
    }
  }

  World& world_;
  const int service_;
  const std::string name_;
  std::map<int32_t, Fold> folds_;
  std::map<OutputKey, int64_t> promised_;
  std::vector<std::pair<int32_t, Instance*>> owners_;
};

}  // namespace

void AuditRuntime(World* world) {
  for (const std::string& id : world->log().OpenTransactions()) {
    world->Violation(Cat("transaction of ", id, " is open"));
  }
  std::vector<std::unique_ptr<RuntimeAudit>> audits;
  for (int service = 0; service < kServices; ++service) {
    audits.push_back(std::make_unique<RuntimeAudit>(world, service));
    audits.back()->Run();
  }
  for (auto& instance : world->instances()) {
    instance->worker.reset();
    instance->view.reset();
  }
  for (const auto& audit : audits) audit->RunStores();
}

}  // namespace regulars::sim
