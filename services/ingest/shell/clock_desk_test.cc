#include "services/ingest/shell/clock_desk.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "services/ingest/shell/intake_harness.h"

namespace regulars::ingest {
namespace {

const absl::Duration kTimeout = absl::Seconds(1);

TEST(ClockDesk, PassesThePromiseToEveryPartitionBehindTheTouches) {
  IntakeHarness h;
  const auto desk = h.Desk();
  const PoolRules& tea = h.intake->Find("tea")->rules;
  EXPECT_EQ(desk->Clock("tea"), std::nullopt);
  ASSERT_TRUE(h.Record("tea", GoodOrder()).ok());
  ASSERT_EQ(*desk->Advance(tea, 1000, kTimeout), 1000);
  EXPECT_EQ(desk->Clock("tea"), 1000);
  for (int32_t p = 0; p < kShards; ++p) {
    const auto records = h.log.ReadCommitted({kTouchesTopic, p});
    ASSERT_FALSE(records.empty());
    const auto headers = events::FromHeaders(records.back().headers);
    ASSERT_TRUE(headers.ok()) << headers.status();
    EXPECT_EQ(headers->type, events::kClockAdvanced);
    EXPECT_EQ(headers->shard, "ingest");
    runtime::v1::ClockAdvanced clock;
    ASSERT_TRUE(clock.ParseFromArray(records.back().value.data(),
                                     static_cast<int>(records.back().value.size())));
    EXPECT_EQ(clock.pool(), "tea");
    EXPECT_EQ(clock.clock_us(), 1000);
    EXPECT_EQ(clock.producing_shard(), "ingest");
  }
}

TEST(ClockDesk, RefusesToGoBackAndLetsATimeBeRepeated) {
  IntakeHarness h;
  const auto desk = h.Desk();
  const PoolRules& tea = h.intake->Find("tea")->rules;
  ASSERT_TRUE(desk->Advance(tea, 1000, kTimeout).ok());
  const size_t written = h.Written(kTouchesTopic).size();
  const absl::Status back = desk->Advance(tea, 999, kTimeout).status();
  EXPECT_EQ(back.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(back), "CLOCK_BACKWARDS");
  EXPECT_EQ(h.Written(kTouchesTopic).size(), written);
  EXPECT_EQ(desk->Clock("tea"), 1000);
  EXPECT_TRUE(desk->Advance(tea, 1000, kTimeout).ok());
}

TEST(ClockDesk, RemembersPromisesOfBeforeARestartAndOfOtherInstances) {
  IntakeHarness h;
  const PoolRules& tea = h.intake->Find("tea")->rules;
  const auto other = h.Desk();
  {
    const auto desk = h.Desk();
    ASSERT_TRUE(desk->Advance(tea, 1000, kTimeout).ok());
  }
  h.log.Compact(kClocksTopic);
  EXPECT_EQ(h.Desk()->Clock("tea"), 1000);
  EXPECT_EQ(ReasonOf(h.Desk()->Advance(tea, 999, kTimeout).status()), "CLOCK_BACKWARDS");
  EXPECT_EQ(ReasonOf(other->Advance(tea, 999, kTimeout).status()), "CLOCK_BACKWARDS");
}

TEST(ClockDesk, RefusesWhileTouchesOfThePoolAreUnanswered) {
  IntakeHarness h;
  const auto desk = h.Desk();
  const PoolRules& tea = h.intake->Find("tea")->rules;
  h.hold = true;
  h.intake->Record("tea", GoodOrder(), false, [](absl::StatusOr<Receipt>) {});
  h.hold = false;
  EXPECT_EQ(ReasonOf(desk->Advance(tea, 1000, kTimeout).status()), "TOUCHES_IN_FLIGHT");
  ASSERT_TRUE(h.intake->Drain(kTimeout).ok());
  EXPECT_TRUE(desk->Advance(tea, 1000, kTimeout).ok());
}

TEST(ClockDesk, RefusesPoolsOnTheWallClockAndTimesThatAreNone) {
  IntakeHarness h;
  const auto desk = h.Desk();
  EXPECT_EQ(ReasonOf(desk->Advance(h.intake->Find("cafe")->rules, 1000, kTimeout).status()),
            "CLOCK_IS_WALL");
  const PoolRules& tea = h.intake->Find("tea")->rules;
  EXPECT_EQ(ReasonOf(desk->Advance(tea, -1, kTimeout).status()), "TIME_INVALID");
  EXPECT_EQ(ReasonOf(desk->Advance(tea, kMicrosMax + 1, kTimeout).status()), "TIME_INVALID");
  EXPECT_TRUE(h.Written(kTouchesTopic).empty());
}

TEST(ClockDesk, DoesNotShowAPromiseThatTheLogDidNotConfirm) {
  IntakeHarness h;
  const auto desk = h.Desk();
  const PoolRules& tea = h.intake->Find("tea")->rules;
  h.away = true;
  EXPECT_EQ(ReasonOf(desk->Advance(tea, 1000, kTimeout).status()), "LOG_AWAY");
  EXPECT_EQ(desk->Clock("tea"), std::nullopt);
  h.away = false;
  EXPECT_TRUE(desk->Advance(tea, 1000, kTimeout).ok());
}

}  // namespace
}  // namespace regulars::ingest
