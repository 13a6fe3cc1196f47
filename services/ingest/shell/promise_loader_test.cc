#include "services/ingest/shell/promise_loader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "services/ingest/shell/intake_harness.h"

namespace regulars::ingest {
namespace {

const LoaderPauses kQuick{absl::Milliseconds(1), absl::Milliseconds(2), absl::Seconds(1)};

bool Await(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(PromiseLoader, TriesUntilThePartitionHasALeader) {
  IntakeHarness h;
  ASSERT_TRUE(h.Desk()->Advance(h.intake->Find("tea")->rules, 1000, absl::Seconds(1)).ok());
  std::atomic<int> left{3}, failures{0};
  ClockDesk desk(
      Records(1, Placement(kShards)),
      [&]() -> absl::StatusOr<std::unique_ptr<kafka::Reader>> {
        if (left-- > 0) return absl::UnavailableError("no leader");
        return h.log.NewReader();
      },
      h.producer.get(), &h.counts);
  const PromiseLoader loader(&desk, kQuick, [&](const absl::Status&) { ++failures; });
  ASSERT_TRUE(Await([&] { return loader.loaded(); }));
  EXPECT_EQ(failures, 3);
  EXPECT_EQ(desk.Clock("tea"), 1000);
}

TEST(PromiseLoader, EndsWithoutHavingLoaded) {
  IntakeHarness h;
  std::atomic<int> failures{0};
  ClockDesk desk(
      Records(1, Placement(kShards)),
      [] { return absl::StatusOr<std::unique_ptr<kafka::Reader>>(absl::UnavailableError("away")); },
      h.producer.get(), &h.counts);
  {
    const PromiseLoader loader(&desk, {absl::Hours(1), absl::Hours(1), absl::Seconds(1)},
                               [&](const absl::Status&) { ++failures; });
    ASSERT_TRUE(Await([&] { return failures == 1; }));
    EXPECT_FALSE(loader.loaded());
  }
  EXPECT_EQ(desk.Clock("tea"), std::nullopt);
}

}  // namespace
}  // namespace regulars::ingest
