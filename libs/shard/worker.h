// The loop of a stateful service: one thread = one consumer + one transactional producer + its
// shards.
//
//   gather   records, commands and due timers, each with what it says to its own shard, in order
//   commit   events + command records + changelog + `@shard` per touched shard, then the offsets,
//   in ONE
//            Kafka transaction
//   after    the overlay goes into the local store -> callers are answered -> the view is fed
//
// Group commit is adaptive: a batch ends when the local queue is drained, at batch_inputs_max
// inputs or after batch_time_max. An abort forgets the overlay and reads the inputs again; a fatal
// error drops everything and rejoins the group. Start positions come from `@shard`, never from the
// group alone.
//
// Thread-safety: Submit, Wake and Snapshot from any thread; everything else from the worker's
// thread. Simulation runs the same object: ports are fakes, Step(0) never blocks, `at_point`
// injects crashes. Sources: KIP-98, KIP-447, KIP-345; measured traps of librdkafka 2.0.2 in
// docs/ARCHITECTURE.md.
#ifndef REGULARS_LIBS_SHARD_WORKER_H_
#define REGULARS_LIBS_SHARD_WORKER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/placement.h"
#include "libs/kafka/port.h"
#include "libs/shard/kernel.h"
#include "libs/shard/letter.h"
#include "libs/shard/shard.h"
#include "libs/shard/view_sink.h"
#include "libs/store/store.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "regulars/types/v1/sealed.pb.h"

namespace regulars::shard {

inline constexpr size_t kCommandsQueuedMax = 10'000;
// A dead letter holds at most this much of the original; a larger one has several parts.
inline constexpr size_t kLetterPartBytes = 60 * 1024;
// In a letter and in the books, where the input named no pool that was configured then.
inline constexpr std::string_view kNoPool = "unknown";
inline constexpr std::string_view kOutputTooLarge = "OUTPUT_TOO_LARGE";
// Ownership records without an input between them, after which the next owner takes one input per
// transaction.
inline constexpr uint32_t kOwnersWithoutProgressMax = 3;
// Parked keys of a shard; above it the process stops: it is the code that is bad, not the inputs.
inline constexpr size_t kParkedKeysMax = 256;
// Letters of a parked key that one redrive applies.
inline constexpr size_t kRedriveMax = 1000;
// Sum of a pool: letters that took effect again. A letter that it set aside is in "dead_letters".
inline constexpr std::string_view kLettersRedriven = "letters_redriven";
// The command of the runtime itself: its entity is the parked key, its reply a RedriveKeyResponse.
inline constexpr std::string_view kRedriveCommand = "@redrive";
// The other one: addressed by its shard, without an entity; payload a RedriveLetterRequest, reply a
// RedriveLetterResponse.
inline constexpr std::string_view kRedriveLetterCommand = "@redrive_letter";
// A record whose entity is not of the shard that it came in: written with other settings than ours.
inline constexpr std::string_view kWrongShard = "WRONG_SHARD";
// Entities per pool that are looked at when a shard is taken over.
inline constexpr int kPlacementSample = 64;
// Messages of a shard to itself that are applied with the input that led to them, and how many may
// lead to each other; what is more goes through the log.
inline constexpr int kLocalMessagesMax = 2000;
inline constexpr int kLocalDepthMax = 24;
// Input::offset of such a message: this and the number of those before it in the shard, ever.
inline constexpr int64_t kLocalOffsets = int64_t{1} << 62;
// In the place of a topic where the input is no record.
inline constexpr std::string_view kTimerTopic = "@timer";
inline constexpr std::string_view kCommandTopic = "@command";

enum class PoolClock : uint8_t {
  kLive,   // now = the wall clock, monotone per shard
  kEvent,  // now = the input's own time; timers move by AdvanceClock records
};

// Guards that the simulation's self-test takes out one by one. All false in production.
struct Breaks {
  bool undo_log = false;
  bool offsets_in_txn = false;
  bool generation = false;
  bool watermark = false;
  bool own_timers_first = false;
  bool store_position = false;
  bool shard_chain = false;
};

struct WorkerOptions {
  int32_t generation = 1;
  int32_t shard_count = 4;
  PoolNames together;   // pools whose entities are all in one shard
  int32_t slot = 0;     // StatefulSet ordinal: static member id and transactional.id
  std::string address;  // gRPC address that gateways forward commands to
  std::map<std::string, PoolClock> pools;
  size_t batch_inputs_max = 4000;
  absl::Duration batch_time_max = absl::Milliseconds(50);
  size_t cache_keys_max = 300'000;
  absl::Duration kafka_timeout = absl::Seconds(10);
  // A local store that is behind the changelog for longer is discarded; below the changelog's
  // delete.retention.ms. 0 = never.
  int64_t store_age_us_max = int64_t{3} * 24 * 3600 * 1'000'000;
  size_t restore_records_max = 10'000;  // between two writes of the store in a restore
  size_t restore_bytes_max = size_t{16} << 20;
  int64_t request_replay_us = int64_t{7} * 24 * 3600 * 1'000'000;  // how long an answer is replayed
  int check_invariants_every = 0;                                  // 0 = never, 1 = every input
  int64_t clock_skew_us_max = int64_t{60} * 1'000'000;
  bool local_messages = true;  // false: what a shard says to itself goes through the log, too
  std::string code_version = "0.1.0";
  Breaks breaks;
};

// What the worker reports. Implementations must be cheap; called on the worker's thread.
class WorkerProbe {
 public:
  virtual ~WorkerProbe() = default;
  virtual void Input(std::string_view /*type*/, std::string_view /*outcome*/) {}
  virtual void Committed(int64_t /*inputs*/, absl::Duration /*transaction*/) {}
  virtual void Aborted(std::string_view /*why*/) {}
  virtual void Alarm(std::string_view /*what*/, std::string_view /*detail*/) {}
  virtual void Event(std::string_view /*what*/, std::string_view /*detail*/) {}
};

// The world outside the worker.
struct WorkerPorts {
  kafka::Log* log = nullptr;
  store::StoreFactory* stores = nullptr;
  ViewSink* view = nullptr;  // may be null: no view
  WorkerProbe* probe = nullptr;
  std::function<int64_t()> wall_us;           // wall clock
  std::function<int64_t()> steady_us;         // for durations
  std::function<void(absl::Duration)> pause;  // between retries
  std::function<std::string()> new_log_id;    // random
  // At most kLetterPartBytes; never empty in production: what is set aside must not be lost.
  std::function<types::v1::Sealed(std::string_view pool, std::string_view bytes)> seal;
  // What `seal` made. NOT_FOUND when the key is destroyed.
  std::function<absl::StatusOr<std::string>(std::string_view pool, const types::v1::Sealed&)> open;
  // Test hook: false = this process dies here (Step returns CANCELLED and the object is destroyed).
  std::function<bool(std::string_view point)> at_point;
};

// Done is called exactly once, on the worker's thread, after the commit that contains the command.
struct Command {
  InputKind kind = InputKind::kCommand;
  std::string pool, entity, type, payload;
  std::optional<int32_t> shard{};  // of a command without an entity
  std::string request_id;          // empty: no replay
  std::string request_hash;        // of the request without its request_id
  std::string caller;              // key id of the credential
  int64_t deadline_us = 0;         // wall clock; 0 = none
  // Of a query: state keys that a reader missed in the view; published again with the answer.
  std::vector<std::string> refresh_subs{};
  std::function<void(const Reply&, const runtime::v1::PositionToken&)> done;
};

struct ShardStatus {
  int32_t shard = 0;
  int64_t epoch = 0;
  int64_t sequence = 0;
  std::map<std::string, int64_t> clocks;  // pool -> now
  std::map<std::pair<std::string, std::string>, int64_t> sums;
  std::vector<runtime::v1::ParkedKey> parked;
};

class Worker : private kafka::RebalanceListener {
 public:
  Worker(const Program* program, WorkerOptions options, WorkerPorts ports);
  ~Worker() override;

  // One turn: take over what was assigned, gather for at most max_wait, commit. An error means that
  // the worker has dropped everything and will rejoin at the next Step; PERMISSION_DENIED (fenced
  // static member, entities of other shards) and CANCELLED (crash hook) mean that the process must
  // end.
  absl::Status Step(absl::Duration max_wait);
  // Any thread. False when the queue is full; done is then not called.
  [[nodiscard]] bool Submit(Command command);
  void Wake();
  // Owned shards as of the last commit. Any thread.
  std::vector<ShardStatus> Snapshot() const;
  // Input topics are assigned and every assigned shard is restored. Any thread.
  bool ready() const;
  // When the loop last came round or a long takeover moved on; steady clock. Any thread.
  int64_t alive_us() const { return alive_us_; }
  // Age of the oldest record of the last batch when it was committed; 0 when there was none. Any
  // thread.
  int64_t input_age_us() const { return input_age_us_; }
  // Wall clock less the broker's time at the last commit. Any thread.
  int64_t clock_skew_us() const { return clock_skew_us_; }
  // Answers what is queued with UNAVAILABLE and leaves. The worker's thread.
  void Stop();

 private:
  struct Answer {
    Command command;
    Reply reply;
    int32_t shard = -1;
  };

  // kafka::RebalanceListener
  void OnAssigned(const std::vector<kafka::TopicPartition>& partitions) override;
  void OnRevoked(const std::vector<kafka::TopicPartition>& partitions) override;

  // worker.cc
  absl::Status Connect();
  void BeginBatch();
  absl::StatusOr<std::optional<kafka::Record>> PollRecord(absl::Duration wait);
  absl::Status StoresStatus() const;
  absl::Status Gather(absl::Duration max_wait);
  absl::Duration WaitBound(absl::Duration max_wait);
  void DropBatch(std::string_view why, bool outcome_known);
  void ResetAll(std::string_view why);
  void PublishStatus();
  bool At(std::string_view point);

  // worker_records.cc
  void ApplyRecord(const kafka::Record& record);
  // The reason for which the input was set aside; empty when it was not.
  std::string ApplyEvent(Shard* shard, const kafka::Record& record);
  void ApplyClock(Shard* shard, const kafka::Record& record, std::string_view producer);
  bool IsChannel(std::string_view topic, std::string_view producer) const;

  // dead_letters.cc
  // Returns the reason that the letter bears.
  std::string SetAside(Shard* shard, const kafka::Record& record, std::string_view pool,
                       int error_class, std::string_view reason, std::string_view detail,
                       std::string_view entity = "");
  void OutputLetter(Shard* shard, const runtime::v1::DeadLetter& letter);

  // trial.cc
  [[nodiscard]] bool InTrial() const;
  absl::Status GatherOne(absl::Duration max_wait);
  absl::Status TakeOne(absl::Duration wait, bool* worked);
  absl::StatusOr<bool> Announce(Shard* shard, const runtime::v1::InputRef& ref);
  absl::Status Mark(const Shard& shard, const runtime::v1::InputRef* ref);
  absl::StatusOr<bool> DiedOf(const Shard& shard, const runtime::v1::InputRef& ref);
  absl::StatusOr<store::Store*> Marks();
  absl::StatusOr<bool> FireOneTimer();
  absl::StatusOr<bool> TryTimer(Shard* shard, const std::string& pool, int64_t until_us);
  absl::Status Condemn(Shard* shard);
  void EndTrial(Shard* shard);

  // parking.cc
  runtime::v1::ParkedKey* ParkedKeyOf(Shard* shard, std::string_view pool, std::string_view entity);
  absl::Status Park(Shard* shard, const runtime::v1::InputRef& culprit);
  std::string SetAsideParked(Shard* shard, const kafka::Record& record,
                             runtime::v1::ParkedKey* key);
  Reply Redrive(Shard* shard, const Command& command);
  absl::Status ReadLetters(const Shard& shard, const runtime::v1::ParkedKey& key,
                           std::vector<Letter>* letters, bool* removed);

  // redrive.cc
  Reply RedriveLetter(Shard* shard, const Command& command);
  absl::Status ReadLetter(Shard* shard, int64_t offset, const std::string& pool, Letter* letter);
  absl::Status CheckLetter(Shard* shard, const runtime::v1::DeadLetter& head, int64_t offset,
                           const std::string& pool);

  // worker_commands.cc
  [[nodiscard]] int32_t ShardOfCommand(const Command& command) const;
  void ApplyCommands();
  void ApplyCommand(Command command);
  void ApplyWrite(Shard* shard, const Command& command, const Input& input, Reply* reply);

  // worker_timers.cc
  int64_t NowFor(Shard* shard, const std::string& pool, int64_t own_time_us);
  void AdvanceEventClocks();
  // The instant that every clock channel of the pool has promised; INT64_MAX without channels.
  int64_t PromisedClock(const Shard& shard, const std::string& pool) const;
  void PublishClock(Shard* shard, const std::string& pool, int64_t clock_us);
  void OutputClock(Shard* shard, const runtime::v1::ClockAdvanced& clock, const std::string& kind,
                   const std::string& id);
  // How far the pool's clock may go now: what was promised, and no message of the service to itself
  // is on its way that could still say something of the time before.
  int64_t ClockTarget(const Shard& shard, const std::string& pool) const;
  void FireLiveTimers();
  void FireOwnTimers(Shard* shard, const std::string& pool, const std::string& entity,
                     int64_t now_us);
  void FireTimer(Shard* shard, const std::string& pool, const ShardStore::DueTimer& due,
                 int64_t now_us);

  // worker_rounds.cc
  bool IsLoop(std::string_view topic) const;
  void NoteLoopMessage(Shard* shard, std::string_view pool, int64_t time_us);
  void ApplyMarker(Shard* shard, const runtime::v1::ClockAdvanced& marker, std::string_view topic,
                   std::string_view producer);
  void AdvanceRounds(Shard* shard, const std::string& pool);

  // worker_apply.cc
  static bool FitsLog(const Effects& effects);
  void CarryOut(Shard* shard, const Input& input, Effects effects);
  void PublishEvent(Shard* shard, const std::string& pool, Publish publish);
  void OutputEvent(Shard* shard, const std::string& pool, std::string topic, int32_t partition,
                   Publish publish);
  void Output(Shard* shard, kafka::OutRecord record);

  // worker_local.cc
  [[nodiscard]] bool StaysHere(const Shard& shard) const;
  void NoteOwnRead(Shard* shard, const kafka::Record& record);
  // After every input: what it said to its own shard, and what that led to.
  void ApplyLocal(Shard* shard);
  bool ApplyLocalMessage(Shard* shard, const LocalMessage& message);

  // worker_commit.cc
  absl::Status CommitBatch();
  kafka::TxnResult WriteTransaction(std::vector<Shard*>* touched);
  kafka::TxnResult Retry(const std::function<kafka::TxnResult()>& call);
  absl::Status EnsureProducer();
  absl::Status AfterAbort(const kafka::TxnResult& result);
  absl::Status AfterCommit(const std::vector<Shard*>& touched);
  void AnswerAll(const std::vector<Answer>& answers);
  void Refresh(const Shard& shard, const Command& query);
  void CheckClock();
  runtime::v1::ShardRecord MakeShardRecord(const Shard& shard) const;

  // takeover.cc
  absl::Status TakeOver();
  absl::Status OpenShard(int32_t shard_id);
  absl::StatusOr<std::optional<ShardRecord>> LastShardRecord(int32_t shard_id);
  absl::Status CommitOwnership(const std::vector<Shard*>& shards);
  bool WaitStable(const Shard* shard);
  absl::Status CheckPlacement(const Shard& shard) const;
  std::string_view FlawOf(const Shard& shard, bool log_has_books) const;
  absl::Status AssignOwned();

  // restore.cc
  struct RestoreRun;
  absl::Status RestoreShard(Shard* shard);
  bool RestoreRecord(Shard* shard, const kafka::Record& record, RestoreRun* run);
  absl::Status FlushRestored(Shard* shard, const RestoreRun& run);
  absl::Status ServeGroup();

  std::string Topic(std::string_view domain, std::string_view kind) const;

  const Program* const program_;
  const WorkerOptions options_;
  const WorkerPorts ports_;
  const std::string service_;
  const Placement placement_;
  std::vector<std::string> input_topics_;
  struct Loop {
    std::string topic, kind;
  };
  std::vector<Loop> loops_;                // those of them that the service writes itself
  std::vector<Settling::From> everybody_;  // whose markers there are in them

  std::unique_ptr<kafka::Consumer> consumer_;
  std::unique_ptr<kafka::TransactionalProducer> producer_;
  std::unique_ptr<kafka::Reader> reader_;
  std::shared_ptr<const kafka::GroupToken> token_;  // of this assignment, unchanged while it lasts
  std::set<int32_t> to_take_over_;
  bool rebalanced_ = false;   // a revoke ended the drain
  bool more_timers_ = false;  // an event clock has more to fire: do not wait
  std::map<int32_t, std::unique_ptr<Shard>> shards_;
  std::unique_ptr<store::Store> marks_;  // open in trial mode only

  // The open batch.
  std::vector<kafka::OutRecord> outputs_;
  std::vector<Answer> answers_;
  int64_t batch_inputs_ = 0;
  int64_t batch_wall_us_ = 0;
  int64_t batch_oldest_us_ = 0;  // broker time of its oldest record; 0 = none
  uint32_t batch_commands_ = 0;
  int64_t applied_total_ = 0;

  std::atomic<int64_t> alive_us_{0}, input_age_us_{0}, clock_skew_us_{0};
  mutable std::mutex mutex_;  // guards what other threads see
  std::deque<Command> queue_;
  std::vector<ShardStatus> status_;
  bool ready_ = false;
  bool stopped_ = false;
  std::mutex consumer_mutex_;  // Wake against the consumer's destruction
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_WORKER_H_
