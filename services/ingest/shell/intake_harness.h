// Ingest over the log in memory, for tests: one pool `tea` of event time, one pool `cafe` of wall
// time.
#ifndef REGULARS_SERVICES_INGEST_SHELL_INTAKE_HARNESS_H_
#define REGULARS_SERVICES_INGEST_SHELL_INTAKE_HARNESS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/fake_log.h"
#include "libs/model/hashed_id.h"
#include "services/ingest/kernel/good_touches.h"
#include "services/ingest/shell/clock_desk.h"
#include "services/ingest/shell/intake.h"

namespace regulars::ingest {

inline constexpr int32_t kShards = 4;
inline constexpr char kTouchesTopic[] = "regulars.ingest.touches.v1.g1";
inline constexpr char kQuarantineTopic[] = "regulars.ingest.quarantine.v1.g1";
inline constexpr char kClocksTopic[] = "regulars.ingest.clocks.v1.g1";

struct IntakeHarness {
  explicit IntakeHarness(IntakeLimits limits = {}) : counts(limits, nullptr) {
    EXPECT_TRUE(log.CreateTopic(kTouchesTopic, kShards).ok());
    EXPECT_TRUE(log.CreateTopic(kQuarantineTopic, kShards).ok());
    EXPECT_TRUE(log.CreateTopic(kClocksTopic, 1).ok());
    producer = *log.NewProducer();
    intake = std::make_unique<Intake>(
        std::vector<PoolDoor>{Door("tea", true), Door("cafe", false)},
        Records(1, Placement(kShards)), [] { return kGoodSeconds * kMicrosPerSecond; }, "test",
        producer.get(), &counts);
  }

  // Seals by turning every byte around, so that a test sees that it is not clear.
  static PoolDoor Door(const std::string& pool, bool event_clock) {
    PoolDoor door;
    door.rules.pool = pool;
    door.rules.event_clock = event_clock;
    door.hasher = [](std::string_view type, std::string_view scope, std::string_view normal) {
      return model::HashedId({type, scope, normal}) + std::string(32 - model::kHashedIdBytes, '.');
    };
    door.seal = [](std::string_view clear, std::string_view) -> absl::StatusOr<types::v1::Sealed> {
      types::v1::Sealed sealed;
      sealed.set_key_id("transport/test");
      for (const char c : clear) sealed.mutable_ciphertext()->push_back(static_cast<char>(~c));
      return sealed;
    };
    return door;
  }

  static std::string Open(const types::v1::Sealed& sealed) {
    std::string clear = sealed.ciphertext();
    for (char& c : clear) c = static_cast<char>(~c);
    return clear;
  }

  // The answer; fails the test if there is none yet.
  absl::StatusOr<Receipt> Record(const std::string& pool, const v1::TouchInput& touch,
                                 bool quarantine_on_error = false) {
    absl::StatusOr<Receipt> answer = absl::UnknownError("not answered");
    int answers = 0;
    intake->Record(pool, touch, quarantine_on_error, [&](absl::StatusOr<Receipt> result) {
      answer = std::move(result);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return answer;
  }

  std::vector<kafka::Record> Written(const std::string& topic, int32_t partitions = kShards) {
    std::vector<kafka::Record> all;
    for (int32_t p = 0; p < partitions; ++p) {
      for (kafka::Record& record : log.ReadCommitted({topic, p})) all.push_back(std::move(record));
    }
    return all;
  }

  std::unique_ptr<ClockDesk> Desk() {
    auto desk = std::make_unique<ClockDesk>(
        Records(1, Placement(kShards)), [this] { return log.NewReader(); }, producer.get(),
        &counts);
    EXPECT_TRUE(desk->Load(absl::Seconds(1)).ok());
    return desk;
  }

  bool hold = false;  // the log keeps what is produced
  bool away = false;  // the log refuses
  kafka::FakeLog log{kafka::FakeLogOptions{.now_us = [] { return int64_t{1}; },
                                           .fault =
                                               [this](const kafka::FakeCall& call) {
                                                 kafka::FakeFault fault;
                                                 if (call.op != kafka::FakeOp::kPlainProduce) {
                                                   return fault;
                                                 }
                                                 using Kind = kafka::FakeFault::Kind;
                                                 if (hold) fault.kind = Kind::kHold;
                                                 if (away) fault.kind = Kind::kLostAnswer;
                                                 return fault;
                                               }}};
  TouchCounts counts;
  std::unique_ptr<kafka::Producer> producer;
  std::unique_ptr<Intake> intake;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_INTAKE_HARNESS_H_
