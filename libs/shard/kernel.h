// What a service gives to the shard runtime: a Program, i.e. a pure kernel behind a codec.
//
// An input addresses ONE entity (pool, entity). Everything it reads or writes belongs to that
// entity, so an entity has a single writer, and state can be moved by bucket when shards are
// re-cut. A program is a pure function: same states, same input, same now => same effects, byte for
// byte. It knows no clock, no I/O, no threads, no randomness, no log, no metrics; time, ids and
// nonces arrive in the input. Thread-safety: const and without mutable members; one object serves
// every shard of a process. Limits: kStateBytesMax per value, kTimersPerEntityMax timers,
// kPublishesPerInputMax records. A program that goes above them has a bug and the process crashes
// (law 13); kPublishBytesMax depends on what comes in and is refused. Units: times are microseconds
// since the Unix epoch, UTC.
#ifndef REGULARS_LIBS_SHARD_KERNEL_H_
#define REGULARS_LIBS_SHARD_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace regulars::shard {

inline constexpr size_t kStateBytesMax = 64 * 1024;
inline constexpr size_t kTimersPerEntityMax = 64;
inline constexpr size_t kPublishesPerInputMax = 256;
inline constexpr size_t kSubBytesMax = 512;
// Entity, type, id and payload of one published event together. An input that publishes more is set
// aside OUTPUT_TOO_LARGE, a command refused with that reason; nothing of it takes effect.
inline constexpr size_t kPublishBytesMax = 900'000;

enum class InputKind : uint8_t {
  kRecord,   // a record of an input topic
  kCommand,  // a gRPC write
  kQuery,    // a gRPC read at the owner: Program::Query, no effects
  kTimer,    // a timer of the entity that is due; `type` is its name
};

// What is to be applied. The runtime fills everything but `body`; Program::Decode fills `body` and
// may replace `entity`.
struct Input {
  InputKind kind = InputKind::kRecord;
  std::string pool;
  std::string entity;   // records: ce_subject; commands: the resource's last segment
  std::string type;     // ce_type, command name or timer name
  std::string id;       // ce_id, request id; empty for timers
  std::string payload;  // serialized proto; empty for timers
  int64_t time_us =
      0;  // the input's own time: ce_time, wall time of the command, due time of the timer
  int64_t now_us = 0;  // the pool's clock for this input (never before the shard's clock)
  // Position of a record: topic, partition, offset. Empty topic for commands and timers.
  std::string topic;
  int32_t partition = -1;
  int64_t offset = -1;
  std::shared_ptr<const void> body;  // the codec's parsed form
};

// Read access to the entity's own state. Sees every change of earlier inputs, also of the same
// batch.
class EntityState {
 public:
  virtual ~EntityState() = default;
  // The value of one state key. Cheap (cached).
  virtual std::optional<std::string> Get(std::string_view sub) const = 0;
  // The first state key of the program at or after `from` that starts with `prefix`, in byte order:
  // what the runtime keeps with the entity (subs that begin with '@') is passed over. A seek in the
  // local store: use it for what is rare (spending, expiry), not on every touch.
  virtual std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                                  std::string_view from) const = 0;
  // When the named timer is due, if it is set.
  virtual std::optional<int64_t> Timer(std::string_view name) const = 0;
};

struct Put {
  std::string sub;  // no zero byte; "" is the entity's root
  std::string value;
  int64_t expires_at_us = 0;  // > 0: deleted by the runtime when the pool's clock passes it
};

// An event for a topic of this service. `entity` decides the partition (and is key and ce_subject).
struct Publish {
  std::string kind = "events";  // topic regulars.<service>.<kind>.v1.g<N>
  std::string entity;
  std::string type;  // ce_type
  std::string id;    // ce_id: made of business facts, unique per source
  std::string payload;
  int64_t time_us = 0;  // ce_time
};

struct SetTimer {
  std::string name;  // setting it again moves it
  int64_t at_us = 0;
};

// The answer to a command or query. code OK: `payload` is the serialized response. Otherwise a
// refusal, which is an outcome of the domain: `reason` is the ErrorInfo reason.
struct Reply {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string reason;
  std::string message;
  std::string payload;
  // What only the caller may see: fields of the response beside those of `payload`. It is in no log
  // and no replay; a repeat of the request_id is answered without it.
  std::string unlogged{};
  // Set on a refusal of an entity that became part of another one: that one answers. The gateway
  // asks it, with the same payload.
  std::string survivor{};
};

// A change of an O(1) control sum of the shard, e.g. ("cofco", "loyalty/issued", +120).
struct AddSum {
  std::string name;
  int64_t delta = 0;
};

// A record that must be set aside: becomes a dead letter in the same transaction.
struct DeadLetterEffect {
  std::string reason;  // stable, upper snake case, e.g. TOO_OLD
  std::string detail;  // no personal data
};

// Effects are data; the runtime carries them out in one transaction. Order inside a vector counts.
struct Effects {
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // subs
  std::vector<Publish> publishes;
  std::vector<SetTimer> set_timers;
  std::vector<std::string> cancel_timers;
  std::vector<AddSum> sums;
  std::optional<Reply> reply;  // required for a command
  std::optional<DeadLetterEffect> dead_letter;
  std::string outcome;  // label of the metric regulars_<service>_outcomes_total{input,outcome}
};

struct InputTopic {
  std::string domain;  // the writing service
  std::string kind;    // "touches", "events", …
  // Who writes clock records into it: 0 = one channel named "ingest"; 1 = every shard of the
  // writer; -1 = nobody (it flows back to an earlier service, or is another part's); -2 = nobody,
  // and it is what the shards say to themselves: the clock waits for them (settling.h).
  int clock_channels = 1;
};

class Program {
 public:
  virtual ~Program() = default;
  virtual std::string service() const = 0;
  virtual std::vector<InputTopic> inputs() const = 0;
  // Kinds of output topics that carry clock records on to the next services.
  virtual std::vector<std::string> clock_outputs() const { return {"events"}; }

  // Parses and validates the payload of a record or command into `body`. INVALID_ARGUMENT with a
  // reason (regulars::DomainError) sends a record to the dead letters, and refuses a command. A
  // record this program has no use for: kOk with *skip = true.
  virtual absl::Status Decode(Input* input, bool* skip) const = 0;
  virtual Effects Apply(const EntityState& state, const Input& input) const = 0;
  virtual Reply Query(const EntityState& state, const Input& input) const = 0;
  // Empty when the entity's state is sound, else what is wrong.
  virtual std::string CheckInvariants(const EntityState& state) const = 0;
  // Which state keys are part of the view for readers.
  virtual bool InView(std::string_view sub) const = 0;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_KERNEL_H_
