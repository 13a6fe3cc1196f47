// The log in memory: topics, transactions, groups and the ways they fail, for simulation and unit
// tests. It passes the same conformance suite as the real log (tests/conformance/kafka).
//
// What is modelled: offsets (commit and abort markers occupy one each), last stable offset and
// read_committed, producer epochs and fencing per transactional.id, transaction time-outs, the
// group coordinator (eager range, generations, static members, session time-outs), refusal of
// offsets sent with a stale GroupToken (KIP-447), LogAppendTime, tombstones, compaction and record
// deletion. Time passes only through `now_us` and has effect only in Tick(): nothing expires by
// itself.
//
// Determinism: with one thread the same calls give the same answers, byte for byte. There is no
// randomness inside; the fault hook and the chooser are the only sources of disorder.
// Thread-safety: everything is guarded by one mutex; hooks and listeners are called without it.
// Lifecycle: clients share the state with the log and may outlive it. A destroyed transactional
// producer leaves its transaction open, as a crash would; a destroyed dynamic consumer leaves its
// group, a destroyed static one stays a member until its session times out.
#ifndef REGULARS_LIBS_KAFKA_FAKE_LOG_H_
#define REGULARS_LIBS_KAFKA_FAKE_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kafka/port.h"

namespace regulars::kafka {

namespace fake {
class Broker;
}

enum class FakeOp : uint8_t {
  kInit,  // TransactionalProducer, in the order of its methods
  kBegin,
  kProduce,
  kFlush,
  kSendOffsets,
  kCommit,
  kAbort,
  kPoll,       // Consumer::Poll, before anything else
  kHeartbeat,  // inside Consumer::Poll, before the group is served
  kCommitted,
  kWatermarks,  // Consumer and Reader
  kReadRange,
  kTail,  // Reader::Poll
  kPlainProduce,
  kPlainFlush,
};

// A call about to happen. `process` is the name given to FakeLog::ForProcess, else empty. `client`
// is the transactional.id, "group/instance" of a consumer, empty for readers and plain producers.
struct FakeCall {
  FakeOp op = FakeOp::kPoll;
  std::string_view process;
  std::string_view client;
};

// What the fault hook wants to happen to a call.
struct FakeFault {
  enum class Kind : uint8_t {
    kNone,
    // The call is not made. Transactional calls answer with that class; the others with
    // UNAVAILABLE, ABORTED or (then for ever) FAILED_PRECONDITION. kHeartbeat + kRetriable: the
    // member does not hear of a rebalance in this Poll, keeps reading, and its session gets older.
    // kRetriable marks a transactional producer dirty, since the request may still be in flight.
    kRetriable,
    kAbort,
    kFatal,
    // The call is made, then answered with `answer` (kRetriable or kFatal) all the same. A plain
    // produce is appended and reported UNAVAILABLE. kProduce: appended, answered kAbort.
    kLostAnswer,
    // The client is dead from here on: every call fails at once, its transaction stays open until
    // it is fenced or times out, its group membership until the session times out.
    kKill,
    // kCommit, kAbort: answered ok, but markers (and group offsets) are written only `delay_us`
    // later by Tick(), or earlier when the same transactional.id goes on. kPlainProduce: kept in
    // the bounded queue until a later Flush or Tick() is not held.
    kHold,
    // kCommit, kAbort: made as usual, and a copy of the request arrives again `delay_us` later in
    // Tick(): if the epoch is still the same it ends whatever transaction is open then (the flaw of
    // the protocol before KIP-890 part 2). Marks the producer dirty.
    kLateEndTxn,
  };
  Kind kind = Kind::kNone;
  TxnError answer = TxnError::kRetriable;
  int64_t delay_us = 0;
};

struct FakeLogOptions {
  // Microseconds since the epoch; null = the wall clock.
  std::function<int64_t()> now_us = nullptr;
  // Called before every operation; null = no faults. Must not call the client it is asked about.
  std::function<FakeFault(const FakeCall&)> fault = nullptr;
  // Which of n > 1 partitions with a readable record the next Poll serves (0..n-1); null = in turn.
  std::function<size_t(size_t n)> choose = nullptr;
  // True: Poll, Committed and ReadRange wait for their time-out in real time (tests with threads).
  // False: they answer at once, and "not yet" is an empty Poll, UNAVAILABLE or DEADLINE_EXCEEDED.
  bool blocking = false;
  // False switches the dirty-producer rule off: dirty() is always false.
  bool dirty_rule = true;
  int64_t transaction_timeout_us = 10'000'000;
  int64_t session_timeout_us = 10'000'000;
  size_t producer_queue_bytes = size_t{32} << 20;  // plain producers
};

// For auditors: what really is in a partition.
struct FakeEntry {
  enum class Kind : uint8_t { kCommitted, kAborted, kOpen, kMarker };
  Kind kind = Kind::kCommitted;
  int64_t producer_id = -1;  // -1: not transactional
  Record record;             // a marker has only offset and time
};

class FakeLog : public Log {
 public:
  explicit FakeLog(FakeLogOptions options);
  ~FakeLog() override;

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override;
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override;
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer() override;
  absl::StatusOr<std::unique_ptr<Reader>> NewReader() override;
  absl::StatusOr<int32_t> PartitionCount(const std::string& topic, absl::Duration timeout) override;

  // The same log seen by one process: its clients carry the name and die together in KillProcess. A
  // restarted process may use the same Log or a new one of the same name.
  std::unique_ptr<Log> ForProcess(const std::string& process);
  // kill -9: every client of the process made so far becomes a corpse (see FakeFault::kKill).
  void KillProcess(const std::string& process);

  // Idempotent if the partition count is the same; otherwise ALREADY_EXISTS.
  absl::Status CreateTopic(const std::string& topic, int32_t partitions);
  // Lets time pass: aborts transactions that are too old (and fences their producers), evicts
  // members that have not polled for the session time-out, writes delayed markers, delivers late
  // EndTxn requests and held plain records. Call it whenever the clock was moved.
  void Tick();
  // Keeps the last committed value per key below the last stable offset; offsets do not change.
  void Compact(const std::string& topic, bool drop_tombstones = false);
  // Raises the low watermark.
  void DeleteRecordsBefore(const TopicPartition& partition, int64_t offset);
  // Forgets a group's committed offsets, as the broker does with a group unused for too long.
  void ExpireGroupOffsets(const std::string& group);

  // Inspection, for auditors.
  std::vector<std::string> Topics() const;
  std::vector<FakeEntry> Dump(const TopicPartition& partition) const;
  // Visible records: committed and below the last stable offset.
  std::vector<Record> ReadCommitted(const TopicPartition& partition) const;
  int64_t EndOffset(const TopicPartition& partition) const;
  Watermarks WatermarksOf(const TopicPartition& partition) const;
  std::vector<TopicPartitionOffset> GroupOffsets(const std::string& group) const;
  // transactional.ids with an open (or not yet marked) transaction.
  std::vector<std::string> OpenTransactions() const;
  // Late EndTxn requests that hit a transaction which was not theirs.
  int64_t late_end_txn_hits() const;

 private:
  std::shared_ptr<fake::Broker> broker_;
};

}  // namespace regulars::kafka

#endif  // REGULARS_LIBS_KAFKA_FAKE_LOG_H_
