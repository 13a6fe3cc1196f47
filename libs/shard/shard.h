// One owned shard inside a worker: its store and its bookkeeping, as committed and as the open
// batch would leave it. Thread-safety: the worker's thread only.
#ifndef REGULARS_LIBS_SHARD_SHARD_H_
#define REGULARS_LIBS_SHARD_SHARD_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/redis/view.h"
#include "libs/shard/kernel.h"
#include "libs/shard/settling.h"
#include "libs/shard/shard_store.h"

namespace regulars::shard {

// What `@shard` says, in a form that is quick to change. Copied at the start of every batch.
struct ShardBooks {
  int64_t sequence = 0;
  std::map<std::string, int64_t> positions;  // input topic -> next offset
  std::map<std::string, int64_t> pool_now;
  struct Channel {
    std::string pool, topic, producer;
    friend auto operator<=>(const Channel&, const Channel&) = default;
  };
  std::map<Channel, int64_t> channels;
  std::map<std::string, Settling> settlings;                                     // pool
  std::map<std::pair<std::string, std::string>, int64_t> sums;                   // (pool, name)
  std::map<std::pair<std::string, std::string>, runtime::v1::ParkedKey> parked;  // (pool, entity)
  int64_t own_on_the_way = 0;  // messages of the shard to itself that are in the log, not read yet
  int64_t local_messages = 0;  // those that were applied without going there
};

// A message of a shard to itself. `depth`: how many led to each other.
struct LocalMessage {
  std::string pool, topic;
  Publish publish;
  int depth = 1;
};

struct Shard {
  int32_t id = 0;
  std::string log_id;
  int64_t epoch = 0;             // offset of our ownership record
  int64_t claimed_sequence = 0;  // sequence before the ownership record
  uint32_t owners_without_progress = 0;
  // Trial mode: one input per transaction, announced by a transaction of its own.
  bool trial = false;
  int64_t trial_since_us = 0, trial_busy_us = 0;  // steady clock
  int trial_inputs = 0;
  std::optional<runtime::v1::InputRef> suspect;  // what an earlier life of this instance died of
  std::optional<runtime::v1::InputRef> trying;   // goes into the next @shard
  std::unique_ptr<ShardStore> store;
  ShardBooks committed;
  ShardBooks open;
  bool touched = false;                                           // in the open batch
  std::map<std::pair<std::string, int32_t>, int64_t> out_counts;  // of the open batch
  int64_t record_offset = -1;                                     // of the open batch's @shard
  std::deque<LocalMessage> local;                                 // of the open input
  int local_depth = 0;                                            // of the message being applied

  void Discard() {
    store->Discard();
    open = committed;
    touched = false;
    out_counts.clear();
    local.clear();
  }
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_SHARD_H_
