// gRPC of linking rules: authenticates, checks, and simulates on a thread of its own, one call at a
// time. It reads the log and writes nothing. Errors and their order: rule_service.proto.
// Thread-safety: gRPC calls it from many threads. Lifecycle: edge, log and logger outlive it; when
// it goes away, a simulation that runs ends with STOPPING within a second.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_RULE_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_RULE_SERVICE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/kafka/port.h"
#include "libs/log/log.h"
#include "libs/rpc/call.h"
#include "regulars/identity/v1/rule_service.grpc.pb.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/shell/simulation.h"
#include "services/identity/shell/simulation_stream.h"

namespace regulars::identity {

struct RuleServiceOptions {
  std::map<std::string, LinkRules> pools;  // the rules of now, of every pool that is configured
  std::string changelog;                   // topic of identity's changelog
  int32_t shards = 0;
  size_t memory_bytes_max = size_t{256} << 20;
  Micros time_us_max = 600 * kMicrosPerSecond;
};

class RuleService final : public v1::RuleService::CallbackService {
 public:
  RuleService(rpc::Edge* edge, kafka::Log* log, const log::Logger* logger,
              RuleServiceOptions options);
  ~RuleService() override;

  grpc::ServerWriteReactor<v1::SimulateRulesResponse>* SimulateRules(
      grpc::CallbackServerContext* context, const v1::SimulateRulesRequest* request) override;

 private:
  struct Task {
    Simulation what;
    std::string key_id;
    Micros started_us = 0;   // monotonic, as the next
    Micros deadline_us = 0;  // of the caller; 0 = none
  };
  absl::StatusOr<Task> TaskOf(const grpc::ServerContextBase& context,
                              const v1::SimulateRulesRequest& request) const;
  // RESOURCE_EXHAUSTED SIMULATION_RUNNING.
  absl::Status Begin(Task task, const std::shared_ptr<SimulationStream>& stream);
  void Run(const Task& task, const std::shared_ptr<SimulationStream>& stream);
  [[nodiscard]] absl::Status GoOn(const Task& task, SimulationStream* stream) const;

  rpc::Edge* const edge_;
  kafka::Log* const log_;
  const log::Logger* const logger_;
  const RuleServiceOptions options_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards running_ and thread_; at the end nobody calls any more
  bool running_ = false;
  std::thread thread_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_RULE_SERVICE_H_
