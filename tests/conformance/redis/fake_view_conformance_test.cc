// The memory fake against the suite, and what only the fake has: its hooks.
#include "libs/redis/fake_view.h"
#include "tests/conformance/redis/view_suite.h"

namespace regulars::redis {
namespace {

class FakeServer final : public ViewServer {
 public:
  std::unique_ptr<View> NewView() override { return std::make_unique<FakeView>(&server_); }
  void FlushAll() override { server_.FlushAll(); }
  std::any TakeDump() override { return server_.TakeDump(); }
  void RestoreDump(const std::any& dump) override {
    server_.RestoreDump(std::any_cast<FakeViewServer::Data>(dump));
  }
  void LoseFunctions() override { server_.LoseFunctions(); }
  void LoseNextAnswer() override { server_.LoseNextAnswer(); }
  void SetAway(bool away) override { server_.SetAway(away); }
  void Rot(const std::string& full_key, std::optional<std::string> value) override {
    server_.Rot(full_key, std::move(value));
  }

 private:
  FakeViewServer server_;
};

INSTANTIATE_TEST_SUITE_P(Fake, ViewConformance,
                         testing::Values(+[]() -> std::unique_ptr<ViewServer> {
                           return std::make_unique<FakeServer>();
                         }));

const ShardId kShard{"points", 0, 1};

ApplyRequest Move(int64_t epoch, int64_t from, int64_t to) {
  return {.epoch = epoch, .generation = 1, .from = from, .to = to, .ops = {{"k", "v"}}};
}

TEST(FakeView, FailApplyFailsTheRequestAndTheRestOfItsCall) {
  FakeViewServer server;
  FakeView view(&server);
  view.Claim(kShard, "log", 5, 1, 0);
  server.FailApply(1);
  EXPECT_EQ(view.Apply(kShard, {Move(5, 0, 1), Move(5, 1, 2), Move(5, 2, 3)}),
            (std::vector{ViewOutcome::kApplied, ViewOutcome::kAway, ViewOutcome::kAway}));
  EXPECT_EQ((*view.Meta(kShard))->applied, 1);
  EXPECT_EQ(view.Apply(kShard, {Move(5, 1, 2)}), (std::vector{ViewOutcome::kApplied}));
}

TEST(FakeView, EvictionTakesMemberKeysOnlyAndIsDrawnBySeed) {
  FakeViewServer a;
  FakeViewServer b;
  for (FakeViewServer* server : {&a, &b}) {
    FakeView view(server);
    view.Claim(kShard, "log", 5, 1, 0);
    ApplyRequest request = Move(5, 0, 1);
    for (int i = 0; i < 100; ++i) request.ops.push_back({"k" + std::to_string(i), "v"});
    view.Apply(kShard, {request});
    EXPECT_EQ(server->EvictRandom(7, 60), 60);
  }
  EXPECT_EQ(a.TakeDump().keys, b.TakeDump().keys);
  EXPECT_EQ(a.EvictRandom(7, 1000), 41);
  EXPECT_EQ(a.TakeDump().meta.size(), 1u);
}

TEST(FakeView, CountsWritesOfZombies) {
  FakeViewServer server;
  FakeView view(&server);
  view.Claim(kShard, "log", 6, 1, 0);
  view.Apply(kShard, {Move(5, 0, 1), Move(5, 1, 2)});
  view.Finish(kShard, 5, 1);
  EXPECT_EQ(server.fenced_writes(), 2);  // a pipeline counts once: its rest is not tried
}

// What the simulation's self-test must find: without the guard a zombie overwrites the view.
TEST(FakeView, WithoutTheFenceAZombieWrites) {
  FakeViewServer server({.break_fence = true});
  FakeView view(&server);
  view.Claim(kShard, "log", 6, 1, 10);
  EXPECT_EQ(view.Apply(kShard, {Move(5, 3, 4)}), (std::vector{ViewOutcome::kApplied}));
  EXPECT_EQ((*view.Meta(kShard))->applied, 4);
}

}  // namespace
}  // namespace regulars::redis
