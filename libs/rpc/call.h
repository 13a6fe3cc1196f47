// One unary gRPC call of the callback API whose answer comes later, from another thread.
//
//   grpc::ServerUnaryReactor* GetClock(grpc::CallbackServerContext* context, const GetClockRequest*
//   request,
//                                      Clock* response) override {
//     return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/GetClock", context, request,
//                        request->name(), response, [this](UnaryCall<GetClockRequest, Clock> call)
//                        {
//                          call.response().set_name(call.request().name());
//                          call.Finish(absl::OkStatus());
//                        });
//   }
//
// Handle authenticates first: the pool comes from the API key, and the pool in the resource name
// must be the same. Errors before the handler runs: UNAUTHENTICATED
// API_KEY_MISSING/API_KEY_INVALID, INVALID_ARGUMENT NAME_MALFORMED, PERMISSION_DENIED
// POOL_MISMATCH, DEADLINE_EXCEEDED DEADLINE_OVER. Thread-safety: a call is a handle that may be
// copied and moved to any thread; Finish counts once, and request, response and context must not be
// touched after it. If the last handle goes away unanswered, the caller gets INTERNAL UNANSWERED:
// nobody waits for ever. Lifecycle: an Edge outlives the server.
#ifndef REGULARS_LIBS_RPC_CALL_H_
#define REGULARS_LIBS_RPC_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "libs/base/time.h"
#include "libs/log/log.h"
#include "libs/metrics/metrics.h"
#include "libs/rpc/api_keys.h"

namespace regulars::rpc {

// Set by a process that sends a call on to the owner; such a call is not sent on again.
inline constexpr char kForwardedHeader[] = "x-regulars-forwarded";
// Set beside it when the request names an alias: the entity that answers for it. Such a call may
// have been sent on before, to the owner of the alias.
inline constexpr char kEntityHeader[] = "x-regulars-entity";

// What all calls of a process share: keys, metrics, log. Thread-safe.
class Edge {
 public:
  // `metrics` and `logger` must outlive the edge.
  Edge(ApiKeys keys, metrics::Registry* metrics, const log::Logger* logger);

  // The caller of a request that names a resource or parent of a pool.
  [[nodiscard]] absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context,
                                                    std::string_view resource_name) const;
  // The caller alone, for streams whose messages name the resources. PoolMatches checks those.
  [[nodiscard]] absl::StatusOr<Caller> Identify(const grpc::ServerContextBase& context) const;
  [[nodiscard]] static absl::Status PoolMatches(const Caller& caller,
                                                std::string_view resource_name);

  // Counts an answered call; logs it when it is the service's fault.
  void Observe(std::string_view method, const absl::Status& status, Micros took);

 private:
  struct Series {
    std::map<absl::StatusCode, metrics::Counter> requests;
    metrics::Histogram latency;
  };
  const ApiKeys keys_;
  metrics::Registry* const metrics_;
  const log::Logger* const logger_;
  std::mutex mutex_;  // guards series_
  std::map<std::string, Series, std::less<>> series_;
};

// The untyped half of UnaryCall.
class CallState {
 public:
  CallState(Edge* edge, std::string method, grpc::CallbackServerContext* context);
  ~CallState();
  CallState(const CallState&) = delete;
  CallState& operator=(const CallState&) = delete;

  absl::Status Begin(std::string_view resource_name);
  void Finish(const absl::Status& status);

  Edge* const edge;
  const std::string method;
  grpc::CallbackServerContext* const context;
  grpc::ServerUnaryReactor* const reactor;
  const Micros started_us;
  Caller caller;

 private:
  std::atomic<bool> finished_{false};
};

template <typename Request, typename Response>
class UnaryCall {
 public:
  UnaryCall(std::shared_ptr<CallState> state, const Request* request, Response* response)
      : state_(std::move(state)), request_(request), response_(response) {}

  [[nodiscard]] const Request& request() const { return *request_; }
  [[nodiscard]] Response& response() const { return *response_; }
  [[nodiscard]] const Caller& caller() const { return state_->caller; }
  [[nodiscard]] const std::string& method() const { return state_->method; }
  // Wall clock; 0 = the caller set none.
  [[nodiscard]] Micros deadline_us() const;
  [[nodiscard]] bool cancelled() const { return state_->context->IsCancelled(); }

  void Finish(const absl::Status& status) const { state_->Finish(status); }

 private:
  std::shared_ptr<CallState> state_;  // shared: a handle lives in callbacks of several threads
  const Request* request_;
  Response* response_;
};

[[nodiscard]] Micros DeadlineMicros(const grpc::ServerContextBase& context);

template <typename Request, typename Response>
Micros UnaryCall<Request, Response>::deadline_us() const {
  return DeadlineMicros(*state_->context);
}

template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* Handle(Edge* edge, std::string_view method,
                                 grpc::CallbackServerContext* context, const Request* request,
                                 std::string_view resource_name, Response* response,
                                 Handler&& handler) {
  auto state = std::make_shared<CallState>(edge, std::string(method), context);
  grpc::ServerUnaryReactor* const reactor = state->reactor;
  const absl::Status begun = state->Begin(resource_name);
  if (begun.ok()) {
    std::forward<Handler>(handler)(
        UnaryCall<Request, Response>(std::move(state), request, response));
  } else {
    state->Finish(begun);
  }
  return reactor;
}

}  // namespace regulars::rpc

#endif  // REGULARS_LIBS_RPC_CALL_H_
