// The loop of one instance on the fake log, with a program that counts, for the tests of this
// library. One thread; the clock is the test's.
#ifndef REGULARS_LIBS_SHARD_TESTING_WORKER_FIXTURE_H_
#define REGULARS_LIBS_SHARD_TESTING_WORKER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/kafka/fake_log.h"
#include "libs/redis/fake_view.h"
#include "libs/shard/view_writer.h"
#include "libs/shard/worker.h"
#include "libs/store/memory_store.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
inline constexpr char kPool[] = "cofco";
inline constexpr char kReplayPool[] = "history";
inline constexpr int64_t kStart = 1'700'000'000'000'000;
inline constexpr int64_t kSecond = 1'000'000;
inline constexpr int32_t kShards = 2;

// Stands for an assertion that stops the process: the worker is destroyed after it.
struct Poisoned {};

// Counts records per entity; "poison" crashes while `poisonous`; what begins with `refused` does
// not decode; "late" sets a timer one hour on, whose firing counts 100.
class CounterProgram : public Program {
 public:
  std::string service() const override { return "points"; }
  std::vector<InputTopic> inputs() const override { return {{"identity", "events", 0}}; }
  absl::Status Decode(Input* input, bool*) const override {
    if (!refused.empty() && input->payload.starts_with(refused)) {
      return absl::InvalidArgumentError("bad");
    }
    return absl::OkStatus();
  }
  Effects Apply(const EntityState& state, const Input& input) const override {
    if (poisonous && (input.payload == "poison" || input.type == "poison")) throw Poisoned();
    int64_t count = 0;
    if (const auto bytes = state.Get("")) count = std::stoll(*bytes);
    count += input.kind == InputKind::kTimer ? 100 : 1;
    Effects effects;
    effects.puts.push_back({"", std::to_string(count), 0});
    effects.publishes.push_back({"events", input.entity, "io.regulars.points.v1.PointsEarned",
                                 Cat(input.entity, "/", count), std::to_string(count),
                                 input.now_us});
    // "publish:<n>": an event of n bytes, everything that counts included.
    if (input.payload.starts_with("publish:")) {
      Publish& event = effects.publishes.back();
      const size_t rest = event.entity.size() + event.type.size() + event.id.size();
      event.payload.assign(std::stoul(input.payload.substr(8)) - rest, 'e');
    }
    if (input.payload == "poison timer") {
      effects.set_timers.push_back({"poison", input.now_us + 60 * kSecond});
    }
    if (input.payload == "late") {
      effects.set_timers.push_back({"hour", input.now_us + 3600 * kSecond});
    }
    effects.sums.push_back({"count", input.kind == InputKind::kTimer ? 100 : 1});
    if (input.kind == InputKind::kCommand) {
      effects.reply = Reply{absl::StatusCode::kOk, "", "", std::to_string(count)};
    }
    return effects;
  }
  Reply Query(const EntityState& state, const Input&) const override {
    return Reply{absl::StatusCode::kOk, "", "", state.Get("").value_or("0")};
  }
  std::string CheckInvariants(const EntityState&) const override { return ""; }
  bool InView(std::string_view sub) const override { return sub.empty(); }
  bool poisonous = true;
  std::string refused = "bad";
};

class Probe : public WorkerProbe {
 public:
  void Event(std::string_view what, std::string_view detail) override {
    events.push_back(Cat(what, ": ", detail));
  }
  size_t CountOf(std::string_view prefix) const {
    size_t count = 0;
    for (const std::string& event : events) count += event.starts_with(prefix) ? 1 : 0;
    return count;
  }
  std::vector<std::string> events;
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest()
      : log_({.now_us = [this] { return now_us_; },
              .fault =
                  [this](const kafka::FakeCall& call) {
                    kafka::FakeFault fault;
                    if (call.op == kafka::FakeOp::kPoll) ++polls_;
                    if (call.op == kafka::FakeOp::kReadRange && reads_fail_) {
                      fault.kind = kafka::FakeFault::Kind::kRetriable;
                    }
                    if (call.op == kafka::FakeOp::kCommit && markers_late_us_ > 0) {
                      fault.kind = kafka::FakeFault::Kind::kHold;
                      fault.delay_us = markers_late_us_;
                    }
                    if (call.op == kafka::FakeOp::kSendOffsets && aborts_left_ > 0) {
                      --aborts_left_;
                      fault.kind = kafka::FakeFault::Kind::kAbort;
                    }
                    return fault;
                  }}) {
    for (const char* topic : {"identity.events", "points.events", "points.changelog",
                              "points.commands", "points.dlq"}) {
      EXPECT_TRUE(log_.CreateTopic(Cat("regulars.", topic, ".v1.g1"), kShards).ok());
    }
    EXPECT_TRUE(log_.CreateTopic("regulars.points.owners.v1.g1", 1).ok());
    producer_ = *log_.NewProducer();
  }

  void Start() {
    process_log_ = log_.ForProcess("points-0");
    view_writer_ =
        std::make_unique<ViewWriter>(std::make_unique<redis::FakeView>(&view_),
                                     ViewWriterOptions{.service = "points", .shard_count = kShards},
                                     [](std::string_view sub) { return sub.empty(); });
    WorkerOptions options = options_;
    options.shard_count = kShards;
    options.pools = pools_;
    WorkerPorts ports;
    ports.log = process_log_.get();
    ports.stores = stores_;
    ports.view = view_writer_.get();
    ports.probe = &probe_;
    ports.wall_us = [this] { return now_us_ + wall_ahead_us_; };
    ports.steady_us = [this] { return now_us_; };
    ports.pause = [this](absl::Duration pause) {
      now_us_ += absl::ToInt64Microseconds(pause);
      log_.Tick();
    };
    ports.new_log_id = [] { return std::string("log-1"); };
    ports.seal = [](std::string_view, std::string_view bytes) {
      EXPECT_LE(bytes.size(), kLetterPartBytes);
      types::v1::Sealed sealed;
      sealed.set_key_id("k");
      sealed.set_ciphertext(bytes.data(), bytes.size());
      return sealed;
    };
    ports.open = [this](std::string_view,
                        const types::v1::Sealed& sealed) -> absl::StatusOr<std::string> {
      if (sealed.key_id() == key_gone_) return absl::NotFoundError("no such key");
      return sealed.ciphertext();
    };
    ports.at_point = [this](std::string_view point) {
      if (point == exit_at_) std::_Exit(0);
      return point != crash_at_;
    };
    worker_ = std::make_unique<Worker>(used_program_, options, ports);
  }

  void Crash() {
    worker_.reset();
    view_writer_.reset();
    log_.KillProcess("points-0");
  }

  // Starts again after every crash; how often it crashed.
  int Restart(int crashes_max = 20) {
    for (int crashes = 0; crashes < crashes_max; ++crashes) {
      Start();
      if (Settle()) return crashes;
      Crash();
    }
    return crashes_max;
  }

  // Steps until nothing moves. False when the worker crashed.
  bool Settle() {
    for (int i = 0; i < 60; ++i) {
      try {
        if (absl::IsCancelled(worker_->Step(absl::ZeroDuration()))) return false;
      } catch (const Poisoned&) {
        return false;
      }
      while (view_writer_->Step(now_us_)) {
      }
      now_us_ += 200'000;
      log_.Tick();
    }
    return true;
  }

  void Send(const std::string& pool, const std::string& entity, const std::string& payload,
            int64_t time_us, std::string_view type = "io.regulars.identity.v1.MemberResolved",
            std::optional<int32_t> partition = {}) {
    kafka::OutRecord record;
    record.topic = "regulars.identity.events.v1.g1";
    record.partition = partition.value_or(ShardOf(Bucket(pool, entity), kShards));
    record.key = entity;
    record.value = payload;
    const std::string id = Cat("touch/", ++sent_);
    record.headers = events::ToHeaders({.type = type,
                                        .id = id,
                                        .source = "/regulars/identity",
                                        .subject = entity,
                                        .time_us = time_us,
                                        .pool = pool,
                                        .shard = "ingest",
                                        .traceparent = {}});
    ASSERT_TRUE(producer_->Produce(record, [](const auto&) {}).ok());
    ASSERT_TRUE(producer_->Flush(absl::Seconds(1)).ok());
  }

  void SendClock(int64_t at_us) {
    runtime::v1::ClockAdvanced clock;
    clock.set_pool(kReplayPool);
    clock.set_clock_us(at_us);
    clock.set_producing_shard("ingest");
    for (int32_t partition = 0; partition < kShards; ++partition) {
      Send(kReplayPool, kReplayPool, clock.SerializeAsString(), at_us, events::kClockAdvanced,
           partition);
    }
  }

  Reply Call(InputKind kind, const std::string& entity, const std::string& request_id,
             const std::string& hash, const std::string& pool = kPool,
             const std::string& payload = "x", const std::string& type = "Add") {
    std::optional<Reply> answer;
    Command command;
    command.kind = kind;
    command.pool = pool;
    command.entity = entity;
    command.type = type;
    command.payload = payload;
    command.request_id = request_id;
    command.request_hash = hash;
    command.done = [&](const Reply& reply, const runtime::v1::PositionToken&) { answer = reply; };
    EXPECT_TRUE(worker_->Submit(std::move(command)));
    for (int i = 0; i < 20 && !answer; ++i) {
      EXPECT_TRUE(worker_->Step(absl::ZeroDuration()).ok());
    }
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(Reply{});
  }
  std::string Count(const std::string& entity, const std::string& pool = kPool) {
    return Call(InputKind::kQuery, entity, "", "", pool).payload;
  }
  std::vector<runtime::v1::DeadLetter> Letters() {
    std::vector<runtime::v1::DeadLetter> letters;
    for (int32_t partition = 0; partition < kShards; ++partition) {
      for (const auto& record : log_.ReadCommitted({"regulars.points.dlq.v1.g1", partition})) {
        EXPECT_TRUE(letters.emplace_back().ParseFromString(std::string(record.value)));
      }
    }
    return letters;
  }
  size_t Published() {
    size_t count = 0;
    for (int32_t partition = 0; partition < kShards; ++partition) {
      for (const auto& record : log_.ReadCommitted({"regulars.points.events.v1.g1", partition})) {
        if (events::TypeOf(record.headers) != events::kClockAdvanced) ++count;
      }
    }
    return count;
  }

  int64_t now_us_ = kStart;
  int64_t wall_ahead_us_ = 0;  // of the broker's clock
  int64_t polls_ = 0;          // Consumer::Poll
  WorkerOptions options_;
  int sent_ = 0;
  std::string crash_at_;
  std::string exit_at_;  // for death tests: not dead by then
  int aborts_left_ = 0;
  bool reads_fail_ = false;      // Reader::ReadRange
  int64_t markers_late_us_ = 0;  // a commit is answered this long before it is visible
  std::string key_gone_;         // seal key that is destroyed
  std::map<std::string, PoolClock> pools_ = {{kPool, PoolClock::kLive},
                                             {kReplayPool, PoolClock::kEvent}};
  CounterProgram program_;
  const Program* used_program_ = &program_;
  Probe probe_;
  kafka::FakeLog log_;
  redis::FakeViewServer view_;
  store::MemoryStoreFactory disks_;
  store::StoreFactory* stores_ = &disks_;
  std::unique_ptr<kafka::Producer> producer_;
  std::unique_ptr<kafka::Log> process_log_;
  std::unique_ptr<ViewWriter> view_writer_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_TESTING_WORKER_FIXTURE_H_
