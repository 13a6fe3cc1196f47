// gRPC calls to the services of a running system: where they are, the credential, one deadline.
// Thread-safety: none. Addresses come from --endpoint, else from the owners that the log names (any
// instance sends a call on to the owner of the member).
#ifndef REGULARS_TOOLS_REGULARSCTL_SERVICE_CALLS_H_
#define REGULARS_TOOLS_REGULARSCTL_SERVICE_CALLS_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/rpc/status.h"
#include "tools/regularsctl/context.h"

namespace regulars::ctl {

inline constexpr std::chrono::seconds kCallDeadline{10};

class ServiceCalls {
 public:
  // INVALID_ARGUMENT: a pool that is no pool name, or is not among the configured ones;
  // NOT_FOUND: no API key.
  static absl::StatusOr<std::unique_ptr<ServiceCalls>> Make(Context* context,
                                                            const std::string& pool);

  // A stub of `Service` at `service`, e.g. Stub<points::v1::PointsService>("points").
  template <typename Service>
  absl::StatusOr<std::unique_ptr<typename Service::Stub>> Stub(const std::string& service) {
    auto channel = ChannelTo(service);
    if (!channel.ok()) return channel.status();
    return Service::NewStub(*channel);
  }

  // Every address of the service: the one of --endpoint, else those of all owners. UNAVAILABLE when
  // there is none.
  absl::StatusOr<std::set<std::string>> AddressesOf(const std::string& service);
  // The owner of one shard, or the address of --endpoint. UNAVAILABLE when there is none.
  absl::StatusOr<std::string> AddressOfShard(const std::string& service, int32_t shard);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelAt(const std::string& address,
                                                           bool retry) const;

  // Calls `method` of the stub once. Errors are the service's, with its reason.
  template <typename StubT, typename Method, typename Request, typename Response>
  absl::Status Call(StubT& stub, Method method, const Request& request, Response* response) const {
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + kCallDeadline);
    call.AddMetadata("authorization", authorization_);
    return rpc::FromGrpc((stub.*method)(&call, request, response));
  }

  // The program of the pool's balances: --set is not needed, the control sums name it.
  absl::StatusOr<std::string> PointsProgram();

 private:
  ServiceCalls(Context* context, std::string pool) : context_(context), pool_(std::move(pool)) {}
  absl::Status ReadKey();
  [[nodiscard]] std::optional<std::string> EndpointOf(const std::string& service) const;
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(const std::string& service);
  absl::Status EnsureLog();

  Context* const context_;
  const std::string pool_;
  std::string authorization_;
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_SERVICE_CALLS_H_
