// RuntimeService on every process: how far the pool's clock is and what its books
// add up to. Thread-safe; answered from memory.
#ifndef REGULARS_LIBS_SERVICE_CLOCK_SERVICE_H_
#define REGULARS_LIBS_SERVICE_CLOCK_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/time.h"
#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::service {

struct ClockSources {
  int32_t shard_count = 0;  // 0: a stateless service
  // Owned shards of this process.
  std::function<std::vector<shard::ShardStatus>()> shards;
  // Of a stateless service: the last acknowledged AdvanceClock.
  std::function<std::optional<Micros>(const std::string& pool)> promised;
  std::function<bool(const std::string& pool)> knows_pool;
  // Control sums of the owned shards; empty in a stateless service.
  std::function<runtime::v1::Sums(const std::string& pool)> sums;
  Gateway* gateway = nullptr;  // null in a stateless service
};

// `edge` outlives the service.
[[nodiscard]] std::unique_ptr<grpc::Service> MakeClockService(rpc::Edge* edge,
                                                              ClockSources sources);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_CLOCK_SERVICE_H_
