// The state behind a FakeLog: topics, groups and the transaction coordinator. Part of fake_log.h.
// Every method below `mu` needs the mutex held, except Consult, which needs it free.
#ifndef REGULARS_LIBS_KAFKA_FAKE_BROKER_H_
#define REGULARS_LIBS_KAFKA_FAKE_BROKER_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/kafka/fake_group.h"
#include "libs/kafka/fake_log.h"
#include "libs/kafka/fake_partition.h"

namespace regulars::kafka::fake {

class PlainQueue;

// Liveness of one client, shared with the log so that KillProcess reaches it.
struct Pulse {
  bool dead = false;
};

enum class Phase : uint8_t {
  kEmpty,
  kOngoing,
  kPrepareCommit,  // decided, markers not written yet
  kPrepareAbort,
  kCompleteCommit,
  kCompleteAbort,
};

// The coordinator's record of one transactional.id.
struct Transaction {
  int64_t producer_id = 0;
  int32_t epoch = -1;
  Phase phase = Phase::kEmpty;
  std::set<Partition*> partitions;
  std::set<Group*> groups;
  int64_t started_us = 0;
  int64_t markers_due_us = 0;
};

enum class Refusal : uint8_t { kNone, kFenced, kInvalidState };

class Broker {
 public:
  explicit Broker(FakeLogOptions opts);

  const FakeLogOptions options;
  std::mutex mu;
  std::condition_variable changed;

  FakeFault Consult(FakeOp op, std::string_view process, std::string_view client) const;
  int64_t Now() const;

  absl::Status CreateTopic(const std::string& topic, int32_t partitions);
  int32_t PartitionCount(const std::string& topic) const;  // 0 = unknown topic
  Partition* FindPartition(const std::string& topic, int32_t id);
  Group* FindGroup(const std::string& id);  // makes it
  Group::PartitionCounts Counts();

  // Transactions. A held (not yet marked) end is finished first where the client would have
  // retried.
  int32_t InitProducer(const std::string& id);
  Refusal AddPartition(const std::string& id, int32_t epoch, Partition* partition);
  Refusal AddGroup(const std::string& id, int32_t epoch, Group* group);
  // Partition verification (KIP-890 part 1): is the partition in the open transaction?
  Refusal Verify(const std::string& id, int32_t epoch, Partition* partition) const;
  Refusal EndTxn(const std::string& id, int32_t epoch, bool commit, int64_t hold_us);
  void DeliverEndTxnAgain(const std::string& id, int32_t epoch, bool commit, int64_t delay_us);
  const Transaction& TransactionOf(const std::string& id) const { return transactions_.at(id); }

  void Tick();
  void AddPulse(const std::string& process, std::shared_ptr<Pulse> pulse);
  void Kill(const std::string& process);
  void AddQueue(std::weak_ptr<PlainQueue> queue) { queues_.push_back(std::move(queue)); }
  std::vector<std::shared_ptr<PlainQueue>> Queues();

  const std::map<std::string, std::vector<std::unique_ptr<Partition>>>& topics() const {
    return topics_;
  }
  const std::map<std::string, Transaction>& transactions() const { return transactions_; }
  int64_t late_hits() const { return late_hits_; }

 private:
  struct LateEndTxn {
    std::string id;
    int32_t epoch = 0;
    bool commit = false;
    int64_t due_us = 0;
  };

  void Begin(Transaction* txn);
  void Finish(Transaction* txn, bool commit);
  void FinishHeld(Transaction* txn);

  std::map<std::string, std::vector<std::unique_ptr<Partition>>> topics_;
  absl::flat_hash_map<std::string, std::vector<std::unique_ptr<Partition>>*> by_name_;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::map<std::string, Transaction> transactions_;
  int64_t next_producer_id_ = 1000;
  std::vector<LateEndTxn> late_;
  int64_t late_hits_ = 0;
  std::vector<std::pair<std::string, std::weak_ptr<Pulse>>> pulses_;
  std::vector<std::weak_ptr<PlainQueue>> queues_;
};

}  // namespace regulars::kafka::fake

#endif  // REGULARS_LIBS_KAFKA_FAKE_BROKER_H_
