// Writes sequences through the real transactional producer and lives by the dirty-producer rule, as
// a worker does (libs/shard/worker_commit.cc): a dirty producer is destroyed before the next begin,
// an aborted sequence is written again, a fatal error is followed by a new producer.
#ifndef REGULARS_TESTS_FAULTS_ENDTXN_WRITER_H_
#define REGULARS_TESTS_FAULTS_ENDTXN_WRITER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "tests/faults/endtxn/books.h"

namespace regulars::endtxn {

// Which records stand in the first part of a transaction; the others are the second part. No
// partition is in both: the broker itself refuses that one (partition verification, KIP-890 part
// 1).
enum class Layout : uint8_t { kShardThenShard, kEventsThenChangelogs, kChangelogsThenEvents };
inline constexpr int kLayouts = 3;

class Writer {
 public:
  Writer(kafka::Log* log, Topics topics, std::string transactional_id);

  // What is to happen inside a transaction: `between` the two parts (all records of the first are
  // acknowledged), `ending` before commit or abort. Null = nothing.
  struct Hooks {
    std::function<void()> between, ending;
  };
  // One attempt at the current sequence; moves on to the next one if it is committed.
  Outcome Write(Layout layout, bool commit, const Hooks& hooks);
  // Writes the current sequence until it is committed.
  void WriteUntilCommitted(Layout layout);
  // A new producer; what an older one left open is decided when this returns.
  void Renew();

  const std::vector<Attempt>& attempts() const { return attempts_; }
  int64_t sequence() const { return sequence_; }
  int64_t producers() const { return producers_; }
  // Of those, made because the one before was dirty.
  int64_t recreated() const { return recreated_; }
  int64_t unknown() const { return unknown_; }

 private:
  std::vector<kafka::OutRecord> Records(Layout layout, bool second) const;
  kafka::TxnResult Retry(const std::function<kafka::TxnResult()>& call) const;
  kafka::TxnResult Part(Layout layout, bool second);
  kafka::TxnResult Run(Layout layout, bool commit, const Hooks& hooks);

  kafka::Log* const log_;
  const Topics topics_;
  const std::string transactional_id_;
  std::unique_ptr<kafka::TransactionalProducer> producer_;
  std::vector<Attempt> attempts_;
  int64_t sequence_ = 1;
  int64_t producers_ = 0, recreated_ = 0, unknown_ = 0;
};

}  // namespace regulars::endtxn

#endif  // REGULARS_TESTS_FAULTS_ENDTXN_WRITER_H_
