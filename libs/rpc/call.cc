#include "libs/rpc/call.h"

#include <chrono>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/model/names.h"
#include "libs/rpc/status.h"

namespace regulars::rpc {
namespace {

std::string_view Header(const grpc::ServerContextBase& context, const char* name) {
  const auto& headers = context.client_metadata();
  const auto found = headers.find(name);
  if (found == headers.end()) return "";
  return std::string_view(found->second.data(), found->second.size());
}

}  // namespace

Edge::Edge(ApiKeys keys, metrics::Registry* metrics, const log::Logger* logger)
    : keys_(std::move(keys)), metrics_(metrics), logger_(logger) {}

absl::StatusOr<Caller> Edge::Identify(const grpc::ServerContextBase& context) const {
  REGULARS_ASSIGN_OR_RETURN(Caller caller, keys_.Check(Header(context, "authorization")));
  caller.forwarded = !Header(context, kForwardedHeader).empty();
  if (caller.forwarded) caller.entity = std::string(Header(context, kEntityHeader));
  return caller;
}

absl::Status Edge::PoolMatches(const Caller& caller, std::string_view resource_name) {
  REGULARS_ASSIGN_OR_RETURN(const model::PoolName pool, model::PoolOfName(resource_name));
  if (pool.value() == caller.pool) return absl::OkStatus();
  return DomainError(absl::StatusCode::kPermissionDenied, "POOL_MISMATCH",
                     "the API key belongs to another pool", {{"pool", pool.value()}});
}

absl::StatusOr<Caller> Edge::Authenticate(const grpc::ServerContextBase& context,
                                          std::string_view resource_name) const {
  REGULARS_ASSIGN_OR_RETURN(Caller caller, Identify(context));
  REGULARS_RETURN_IF_ERROR(PoolMatches(caller, resource_name));
  return caller;
}

void Edge::Observe(std::string_view method, const absl::Status& status, Micros took) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = series_.find(method);
    if (found == series_.end()) {
      Series fresh;
      fresh.latency = metrics_->MakeHistogram(
          "regulars_rpc_latency_seconds", "time from the call to its answer",
          {{"method", std::string(method)}}, metrics::LatencyBuckets());
      found = series_.emplace(std::string(method), std::move(fresh)).first;
    }
    auto counter = found->second.requests.find(status.code());
    if (counter == found->second.requests.end()) {
      counter =
          found->second.requests
              .emplace(status.code(),
                       metrics_->MakeCounter("regulars_rpc_requests_total", "answered calls",
                                             {{"method", std::string(method)},
                                              {"code", absl::StatusCodeToString(status.code())}}))
              .first;
    }
    counter->second.Add();
    found->second.latency.Observe(static_cast<double>(took) / kMicrosPerSecond);
  }
  if (status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
      status.code() == absl::StatusCode::kDataLoss) {
    logger_->Error(Cat("call failed: ", method), status);
  }
}

CallState::CallState(Edge* call_edge, std::string call_method,
                     grpc::CallbackServerContext* call_context)
    : edge(call_edge),
      method(std::move(call_method)),
      context(call_context),
      reactor(call_context->DefaultReactor()),
      started_us(MonotonicMicros()) {}

CallState::~CallState() {
  if (finished_) return;
  Finish(DomainError(absl::StatusCode::kInternal, "UNANSWERED", "the call was dropped"));
}

absl::Status CallState::Begin(std::string_view resource_name) {
  REGULARS_ASSIGN_OR_RETURN(caller, edge->Authenticate(*context, resource_name));
  const Micros deadline = DeadlineMicros(*context);
  if (deadline != 0 && deadline <= WallMicros()) {
    return DomainError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_OVER",
                       "the deadline had passed when the call arrived");
  }
  return absl::OkStatus();
}

void CallState::Finish(const absl::Status& status) {
  if (finished_.exchange(true)) return;
  edge->Observe(method, status, MonotonicMicros() - started_us);
  reactor->Finish(ToGrpc(status));  // the context may be gone from here on
}

Micros DeadlineMicros(const grpc::ServerContextBase& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return 0;
  return std::chrono::duration_cast<std::chrono::microseconds>(deadline.time_since_epoch()).count();
}

}  // namespace regulars::rpc
