// The log as Regulars sees it: one port with two implementations, librdkafka (`rdkafka_log.h`) and
// an in-memory transactional fake (`fake_log.h`) that passes the same conformance suite.
//
// Thread-safety: a Consumer, Reader or TransactionalProducer belongs to one thread, except where a
// method says otherwise. A Log may be shared. A Producer may be shared.
// Lifecycle: objects are created by a Log and must be destroyed before it.
// Errors: environment errors are absl::Status; transactional calls return TxnResult, whose class
// tells the loop what to do (retry the same call, abort, or give up this producer). No exceptions.
// Units: offsets are Kafka offsets (next record to read), times are microseconds since the Unix
// epoch. Sources: KIP-98 (transactions), KIP-447 (fencing by group metadata), KIP-345 (static
// membership).
#ifndef REGULARS_LIBS_KAFKA_PORT_H_
#define REGULARS_LIBS_KAFKA_PORT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace regulars::kafka {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
};

struct TopicPartitionOffset {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;  // >= 0: explicit. kNoOffset: nothing committed.
  friend bool operator==(const TopicPartitionOffset&, const TopicPartitionOffset&) = default;
};
inline constexpr int64_t kNoOffset = -1001;

// A record read. The views live as long as `backing` does; copying a Record keeps them alive.
struct Record {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_us = 0;  // LogAppendTime where the topic has it
  std::string_view key;
  std::string_view value;
  bool has_value = false;  // false = tombstone
  absl::InlinedVector<std::pair<std::string_view, std::string_view>, 10> headers;
  std::shared_ptr<const void> backing;
};

// A record to write. The partition is always explicit.
struct OutRecord {
  std::string topic;
  int32_t partition = 0;
  std::string key;
  std::optional<std::string> value;  // nullopt = tombstone
  std::vector<std::pair<std::string, std::string>> headers;
};

// The largest record: key, value, header names and values. One byte more is refused by Produce
// (kAbort, or INVALID_ARGUMENT of a plain producer). A broker's default batch limit is 1,048,588
// bytes.
inline constexpr size_t kRecordBytesMax = 1'000'000;
inline size_t RecordBytes(const OutRecord& record) {
  size_t bytes = record.key.size() + (record.value.has_value() ? record.value->size() : 0);
  for (const auto& [name, value] : record.headers) bytes += name.size() + value.size();
  return bytes;
}

// What a transactional call asks of its caller.
//   kRetriable: call the same method again with the same arguments after a small pause.
//   kAbort:     call Abort(), undo the batch, re-read the inputs.
//   kFatal:     destroy the producer; it is fenced or broken.
enum class TxnError : uint8_t { kNone, kRetriable, kAbort, kFatal };
struct [[nodiscard]] TxnResult {
  TxnError error = TxnError::kNone;
  std::string message;
  bool ok() const { return error == TxnError::kNone; }
};

// Opaque consumer-group metadata (group, generation, member). The worker takes it in OnAssigned and
// uses that copy for the whole assignment: fresh metadata would let a batch that was drained before
// a rebalance commit after it.
class GroupToken {
 public:
  virtual ~GroupToken() = default;
};

class RebalanceListener {
 public:
  virtual ~RebalanceListener() = default;
  // Called from inside Consumer::Poll. In OnAssigned nothing is fetched yet: call Assign() (now or
  // later) with the partitions and offsets to read. After OnRevoked the old assignment is gone.
  virtual void OnAssigned(const std::vector<TopicPartition>& partitions) = 0;
  virtual void OnRevoked(const std::vector<TopicPartition>& partitions) = 0;
};

struct Watermarks {
  int64_t low = 0;
  int64_t high = 0;  // last stable offset: every record before it is decided
};

// A member of a consumer group: eager `range` assignment, read_committed, no automatic commits.
class Consumer {
 public:
  virtual ~Consumer() = default;
  // The topics must exist (PartitionCount tells): one that does not is waited for in silence.
  // All instances of a group must subscribe to the same topics with equal partition counts, so that
  // the range assignor gives partition p of every topic to the same member.
  virtual absl::Status Subscribe(const std::vector<std::string>& topics,
                                 RebalanceListener* listener) = 0;
  // Replaces the set of fetched partitions; each starts at its explicit offset (>= 0).
  virtual absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) = 0;
  // One record, or nothing when the time is over or Wake() was called. Serves rebalance callbacks.
  // A fatal error (fenced static member, unknown offset) is returned as a status, and the consumer
  // is then only good for destruction.
  virtual absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) = 0;
  // Any thread: makes a blocked Poll return soon.
  virtual void Wake() = 0;
  // Group metadata as of now; null before the first assignment.
  virtual std::shared_ptr<const GroupToken> Group() = 0;
  // Waits for pending transactions on these partitions (require_stable). kNoOffset where none.
  virtual absl::StatusOr<std::vector<TopicPartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, absl::Duration timeout) = 0;
  virtual absl::StatusOr<Watermarks> QueryWatermarks(const TopicPartition& partition,
                                                     absl::Duration timeout) = 0;
};

// Reads partitions without a group, read_committed: changelog replay, tails, tools.
class Reader {
 public:
  virtual ~Reader() = default;
  // Calls fn for every committed record with from <= offset < to, in order; returns when every such
  // record was seen (transaction markers occupy offsets, so the last record may lie before to - 1).
  // fn returns false to stop early. DEADLINE_EXCEEDED when the time is over.
  virtual absl::Status ReadRange(const TopicPartition& partition, int64_t from, int64_t to,
                                 const std::function<bool(const Record&)>& fn,
                                 absl::Duration timeout) = 0;
  virtual absl::StatusOr<Watermarks> QueryWatermarks(const TopicPartition& partition,
                                                     absl::Duration timeout) = 0;
  // Tail: assign once, then poll for ever. Mixing with ReadRange ends the tail.
  virtual absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) = 0;
  virtual absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) = 0;
};

// Idempotent producer inside transactions. One transaction at a time.
class TransactionalProducer {
 public:
  virtual ~TransactionalProducer() = default;
  // Fences every older producer of the same transactional.id and aborts its open transaction.
  virtual TxnResult Init(absl::Duration timeout) = 0;
  virtual TxnResult Begin() = 0;
  // Copies the record into the bounded queue (kRetriable while it is full: Flush, then again). When
  // `offset` is not null it is set to the record's
  // offset before Flush() or Commit() returns ok; it must stay valid until then.
  virtual TxnResult Produce(const OutRecord& record, int64_t* offset = nullptr) = 0;
  // Waits until every record of the transaction is acknowledged by the brokers (acks=all).
  virtual TxnResult Flush(absl::Duration timeout) = 0;
  // The offsets must be real (>= 0): logical ones fence nothing.
  virtual TxnResult SendOffsets(const std::vector<TopicPartitionOffset>& offsets,
                                const GroupToken& group, absl::Duration timeout) = 0;
  virtual TxnResult Commit(absl::Duration timeout) = 0;
  virtual TxnResult Abort(absl::Duration timeout) = 0;
  // True once an EndTxn may still be in flight after it seemed to fail (dirty-producer rule: socket
  // closed, request timed out, a transactional call failed or took longer than half the socket
  // time-out). The owner of the producer must destroy it before the next Begin.
  virtual bool dirty() const = 0;
  // Broker time of the newest delivery report (LogAppendTime), 0 before the first.
  virtual int64_t broker_time_us() const = 0;
};

// Idempotent producer without transactions, acks=all. Thread-safe.
class Producer {
 public:
  virtual ~Producer() = default;
  // Calls done exactly once, from another thread or from inside this call or Flush:
  // OK with the offset, or why not. RESOURCE_EXHAUSTED at once when the bounded queue is full (done
  // is then not called).
  using Done = std::function<void(absl::StatusOr<int64_t>)>;
  virtual absl::Status Produce(const OutRecord& record, Done done) = 0;
  virtual absl::Status Flush(absl::Duration timeout) = 0;
};

struct ConsumerOptions {
  std::string group_id;
  std::string instance_id;  // static membership (KIP-345): one per slot; empty = dynamic
};
struct TransactionalProducerOptions {
  std::string transactional_id;  // stable per slot: a restarted slot fences its own corpse
};

class Log {
 public:
  virtual ~Log() = default;
  virtual absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<Producer>> NewProducer() = 0;
  virtual absl::StatusOr<std::unique_ptr<Reader>> NewReader() = 0;
  virtual absl::StatusOr<int32_t> PartitionCount(const std::string& topic,
                                                 absl::Duration timeout) = 0;
};

}  // namespace regulars::kafka

#endif  // REGULARS_LIBS_KAFKA_PORT_H_
