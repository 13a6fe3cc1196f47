// The answer of one SimulateRules: messages from the thread that simulates, written one at a time.
//
// Progress that comes while a message is on its way replaces what waits: a slow reader holds nobody
// up. Lifecycle: made by Make, keeps itself alive until gRPC is done with it; whoever has a
// reference must call End exactly once. Thread-safety: Show, End and gone from any thread; nothing
// is called under the lock.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_STREAM_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/rpc/call.h"
#include "regulars/identity/v1/rule_service.pb.h"

namespace regulars::identity {

class SimulationStream final : public grpc::ServerWriteReactor<v1::SimulateRulesResponse> {
 public:
  static std::shared_ptr<SimulationStream> Make(rpc::Edge* edge);

  void Show(int64_t read, int64_t total);
  // The last message, or why there is none.
  void End(absl::StatusOr<v1::RuleSimulation> result);
  // Nobody reads any more.
  [[nodiscard]] bool gone();

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  explicit SimulationStream(rpc::Edge* edge);
  // Starts what may be started now: a write, or the end.
  void Move();

  rpc::Edge* const edge_;
  const Micros started_us_;
  std::shared_ptr<SimulationStream> self_;  // shared: with the thread that simulates

  std::mutex mutex_;
  std::optional<v1::SimulateRulesResponse> next_;
  v1::SimulateRulesResponse outgoing_;
  absl::Status end_status_;
  bool writing_ = false;
  bool ended_ = false;
  bool gone_ = false;
  bool finished_ = false;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_SIMULATION_STREAM_H_
