// The real Redis against the suite, behind a proxy that loses answers.
#include <utility>

#include "libs/redis/redis_view.h"
#include "tests/conformance/redis/lossy_proxy.h"
#include "tests/conformance/redis/redis_process.h"
#include "tests/conformance/redis/view_suite.h"

namespace regulars::redis {
namespace {

// One process for all tests: starting one per test would dominate their time.
RedisProcess& Redis() {
  static RedisProcess redis;
  return redis;
}

class RealServer final : public ViewServer {
 public:
  RealServer() : proxy_(Redis().port()) {
    Redis().Run({"FLUSHALL"});
    Redis().Run({"FUNCTION", "FLUSH"});
  }

  std::unique_ptr<View> NewView() override {
    RedisOptions options;
    options.addresses = {proxy_.address()};
    options.backoff_ms_min = 1;
    options.backoff_ms_max = 10;
    absl::StatusOr<std::unique_ptr<RedisView>> view = RedisView::Create(std::move(options));
    EXPECT_TRUE(view.ok()) << view.status();
    return *std::move(view);
  }
  void FlushAll() override { Redis().Run({"FLUSHALL"}); }
  void LoseFunctions() override { Redis().Run({"FUNCTION", "FLUSH"}); }
  void LoseNextAnswer() override { proxy_.LoseNextAnswer(); }
  void SetAway(bool away) override { proxy_.SetAway(away); }

  std::any TakeDump() override {
    Dump dump;
    for (const std::string& key : Redis().Run({"KEYS", "*"})) {
      dump.emplace_back(key, Redis().Run({"DUMP", key}).at(0));
    }
    return dump;
  }
  void RestoreDump(const std::any& dump) override {
    FlushAll();
    for (const auto& [key, bytes] : std::any_cast<const Dump&>(dump)) {
      Redis().Run({"RESTORE", key, "0", bytes});
    }
  }
  void Rot(const std::string& full_key, std::optional<std::string> value) override {
    if (value.has_value()) {
      Redis().Run({"SET", full_key, *value});
    } else {
      Redis().Run({"DEL", full_key});
    }
  }

 private:
  using Dump = std::vector<std::pair<std::string, std::string>>;
  LossyProxy proxy_;
};

INSTANTIATE_TEST_SUITE_P(Redis, ViewConformance,
                         testing::Values(+[]() -> std::unique_ptr<ViewServer> {
                           return std::make_unique<RealServer>();
                         }));

}  // namespace
}  // namespace regulars::redis
