// Calls to other processes: one channel per address, kept, and sending a call on to the owner of
// its shard. Thread-safety: every method from every thread. Limits: kChannelsMax addresses; beyond
// it the oldest channel is let go (calls on it go on).
#ifndef REGULARS_LIBS_RPC_CHANNEL_H_
#define REGULARS_LIBS_RPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/status.h"
#include "libs/rpc/call.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status.h"

namespace regulars::rpc {

inline constexpr std::size_t kChannelsMax = 1024;
// Of a call without a deadline that is sent on.
inline constexpr Micros kForwardTimeout = 10 * kMicrosPerSecond;

// Clients in any language: UNAVAILABLE only, at most four attempts, and only because every call of
// ours may be repeated with the same id (AIP-194).
extern const char kRetryServiceConfig[];

// A channel for clients and tools. `retry` switches kRetryServiceConfig on.
[[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                                         const TlsFiles& tls,
                                                                         bool retry);

class Channels {
 public:
  explicit Channels(TlsFiles tls) : tls_(std::move(tls)) {}

  // Without retry: a call that is sent on is tried once.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> To(const std::string& address);

 private:
  const TlsFiles tls_;
  std::mutex mutex_;  // guards channels_
  std::deque<std::pair<std::string, std::shared_ptr<grpc::Channel>>> channels_;
};

// Makes `context` carry the caller's credential and deadline and the mark that it was sent on.
// `entity`: who answers, if the request names an alias.
void PrepareForward(const Caller& caller, const std::string& entity, Micros deadline_us,
                    grpc::ClientContext* context);

// Sends the call on and answers it with what comes back. UNAVAILABLE OWNER_AWAY when the other
// process cannot be reached. A call that was sent on already, and one that was sent on for an
// entity, must not get here (asserted).
template <typename Request, typename Response>
void Forward(const std::shared_ptr<grpc::Channel>& channel, UnaryCall<Request, Response> call,
             const std::string& entity = "");

[[nodiscard]] absl::Status ForwardResult(const grpc::Status& status);

template <typename Request, typename Response>
void Forward(const std::shared_ptr<grpc::Channel>& channel, UnaryCall<Request, Response> call,
             const std::string& entity) {
  struct Flight {
    explicit Flight(const std::shared_ptr<grpc::Channel>& to) : stub(to) {}
    grpc::TemplatedGenericStub<Request, Response> stub;
    grpc::ClientContext context;
    Response response;
  };
  auto flight = std::make_shared<Flight>(channel);  // shared: lives until the completion has run
  PrepareForward(call.caller(), entity, call.deadline_us(), &flight->context);
  const Request* request = &call.request();  // valid until call.Finish
  flight->stub.UnaryCall(&flight->context, call.method(), grpc::StubOptions(), request,
                         &flight->response, [flight, call](grpc::Status status) {
                           if (status.ok()) call.response().Swap(&flight->response);
                           call.Finish(ForwardResult(status));
                         });
}

}  // namespace regulars::rpc

#endif  // REGULARS_LIBS_RPC_CHANNEL_H_
