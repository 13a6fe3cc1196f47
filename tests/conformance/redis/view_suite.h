// The conformance suite of libs/redis/view.h: what the memory fake and the real Redis must do
// alike. A test program provides a ViewServer per test and instantiates ViewConformance with it.
#ifndef REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_SUITE_H_
#define REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_SUITE_H_

#include <any>
#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "libs/redis/view.h"

namespace regulars::redis {

// One empty Redis, or what plays it, and the faults that happen to it.
class ViewServer {
 public:
  virtual ~ViewServer() = default;
  virtual std::unique_ptr<View> NewView() = 0;
  virtual void FlushAll() = 0;
  virtual std::any TakeDump() = 0;
  virtual void RestoreDump(const std::any& dump) = 0;
  virtual void LoseFunctions() = 0;
  // The next write is executed but its answer does not arrive.
  virtual void LoseNextAnswer() = 0;
  virtual void SetAway(bool away) = 0;
  // A key changed behind the owner's back; nullopt deletes.
  virtual void Rot(const std::string& full_key, std::optional<std::string> value) = 0;
};

using MakeViewServer = std::unique_ptr<ViewServer> (*)();

class ViewConformance : public testing::TestWithParam<MakeViewServer> {
 protected:
  ViewConformance() : server_(GetParam()()), view_(server_->NewView()) {}

  const std::unique_ptr<ViewServer> server_;
  const std::unique_ptr<View> view_;
  const ShardId shard_{"points", 3, 4};
};

}  // namespace regulars::redis

#endif  // REGULARS_TESTS_CONFORMANCE_REDIS_VIEW_SUITE_H_
