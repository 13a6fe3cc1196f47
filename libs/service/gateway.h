// Takes a call to the owner of its entity's shard: into the queue of a worker of this process, or
// to another instance, at most once. The answer comes after the commit, from the worker's thread.
//
// Errors it adds: UNAVAILABLE SHARD_NOT_OWNED (nobody, or somebody who changed meanwhile) and
// OWNER_AWAY, RESOURCE_EXHAUSTED COMMANDS_QUEUED; each with RetryInfo, and nothing was changed. A
// time-out means "unknown": the same request_id may always be sent again. Thread-safety: every
// method from any thread. Lifecycle: outlives the gRPC server; workers are attached after it and
// detached before they go.
#ifndef REGULARS_LIBS_SERVICE_GATEWAY_H_
#define REGULARS_LIBS_SERVICE_GATEWAY_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/rpc/call.h"
#include "libs/rpc/channel.h"
#include "libs/service/owners.h"
#include "libs/shard/worker.h"

namespace regulars::service {

// What the worker gets. The pool is the caller's, the deadline the call's.
struct Work {
  shard::InputKind kind = shard::InputKind::kQuery;
  std::string entity;
  std::string type;
  std::string payload;
  std::string request_id;
  std::string request_hash;
};

// SHA-256 of a request without its request_id: what "the same request" means.
[[nodiscard]] std::string HashRequest(const google::protobuf::Message& request);

// The error of a refusal, OK for an answer.
[[nodiscard]] absl::Status StatusOfReply(const shard::Reply& reply);

class Gateway {
 public:
  // Called with the position of the write, as an opaque text for the caller.
  using OnPosition = std::function<void(const std::string& token)>;

  // `owners` must outlive this object.
  Gateway(int32_t shard_count, const Owners* owners, rpc::TlsFiles client_tls);

  // `instance` is the worker's name in the owners topic.
  void Attach(const std::string& instance, const std::string& address, shard::Worker* worker);
  void DetachAll();

  template <typename Request, typename Response>
  void Submit(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position = nullptr);

  // Shards owned by the workers of this process.
  [[nodiscard]] std::vector<shard::ShardStatus> Shards() const;

 private:
  using Answer = std::function<void(const shard::Reply&, const std::string& token)>;
  // Where a call goes: submitted already (nullptr), or on to the channel.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Route(const rpc::Caller& caller,
                                                       Micros deadline_us, Work work,
                                                       Answer answer);

  const int32_t shard_count_;
  const Owners* const owners_;
  rpc::Channels channels_;
  mutable std::mutex mutex_;  // guards workers_ and the workers' lives
  std::map<std::pair<std::string, std::string>, shard::Worker*> workers_;  // instance, address
};

template <typename Request, typename Response>
void Gateway::Submit(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position) {
  Answer answer = [call, on_position = std::move(on_position)](const shard::Reply& reply,
                                                               const std::string& token) {
    absl::Status status = StatusOfReply(reply);
    if (status.ok() && !call.response().ParseFromString(reply.payload)) {
      status = absl::InternalError("the reply of the kernel is garbled");
    }
    if (status.ok() && on_position) on_position(token);
    call.Finish(status);
  };
  auto route = Route(call.caller(), call.deadline_us(), std::move(work), std::move(answer));
  if (!route.ok()) {
    call.Finish(route.status());
  } else if (*route != nullptr) {
    rpc::Forward(*route, call);
  }
}

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_GATEWAY_H_
