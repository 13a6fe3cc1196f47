// Takes a call to the owner of its entity's shard: into the queue of a worker of this process, or
// to another instance, at most once. The answer comes after the commit, from the worker's thread.
// A read that says which state keys it needs is answered from the view by any instance; if the view
// does not have them all, it goes to the owner like any other call, and the owner publishes them
// again.
//
// Errors it adds: UNAVAILABLE SHARD_NOT_OWNED (nobody, or somebody who changed meanwhile) and
// OWNER_AWAY, RESOURCE_EXHAUSTED COMMANDS_QUEUED; each with RetryInfo, and nothing was changed. A
// time-out means "unknown": the same request_id may always be sent again. Thread-safety: every
// method from any thread. Lifecycle: outlives the gRPC server; workers are attached after it and
// detached before they go; ReadFrom comes before the server.
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
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/placement.h"
#include "libs/rpc/call.h"
#include "libs/rpc/channel.h"
#include "libs/service/owners.h"
#include "libs/service/view_reader.h"
#include "libs/shard/kernel.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::service {

// How often a call follows aliases before the caller is told (MEMBER_MERGED).
inline constexpr int kRedirectsMax = 4;

// What the worker gets. The pool is the caller's, the deadline the call's.
struct Work {
  shard::InputKind kind = shard::InputKind::kQuery;
  std::string entity;
  std::string type;
  std::string payload;
  std::string request_id;
  std::string request_hash;
  // A query that reads exactly these state keys of its entity by Get, all of them in the view
  // (Program::InView), and needs no clock. Empty: only the owner can answer.
  std::vector<std::string> view_subs{};
  // Of a query: the answer must include the write that answered with it. Empty: none.
  std::string position_token{};
  // Of what addresses a shard and no entity.
  std::optional<int32_t> shard{};
  // Aliases passed: the entity is no longer the one that the request names.
  int redirects = 0;
};

// SHA-256 of a request without its request_id: what "the same request" means.
[[nodiscard]] std::string HashRequest(const google::protobuf::Message& request);

// UNAVAILABLE SHARD_NOT_OWNED with RetryInfo.
[[nodiscard]] absl::Status NotOwned(int32_t shard);

// The error of a refusal, OK for an answer.
[[nodiscard]] absl::Status StatusOfReply(const shard::Reply& reply);

class Gateway {
 public:
  // Called with the position of the write, as an opaque text for the caller.
  using OnPosition = std::function<void(const std::string& token)>;

  // `owners` must outlive this object. `placement`: where this service keeps entities.
  Gateway(Placement placement, const Owners* owners, rpc::TlsFiles client_tls);

  // `instance` is the worker's name in the owners topic.
  void Attach(const std::string& instance, const std::string& address, shard::Worker* worker);
  void DetachAll();
  // Reads may be answered from the view from now on. Both must outlive the gRPC server.
  void ReadFrom(const shard::Program* program, ViewReader* reader);

  template <typename Request, typename Response>
  void Submit(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position = nullptr);

  // Where a call of this entity is answered: here (nullptr), or there. UNAVAILABLE SHARD_NOT_OWNED.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<grpc::Channel>> WayTo(const rpc::Caller& caller,
                                                                     std::string_view entity);
  // What a call has to know of another entity before it is submitted: the owner of work.entity
  // answers the query, here or, asked for by `method` with `question`, on another instance. Also a
  // call that was sent on may ask. `done` is called once, on any thread; errors as Submit.
  template <typename Told, typename Request, typename Response, typename Question>
  void AskFirst(const rpc::UnaryCall<Request, Response>& call, Work work, const std::string& method,
                const Question& question, std::function<void(absl::StatusOr<Told>)> done);

  // Shards owned by the workers of this process.
  [[nodiscard]] std::vector<shard::ShardStatus> Shards() const;

  // Control sums by name.
  using OnSums = std::function<void(absl::StatusOr<std::map<std::string, int64_t>>)>;
  // The sums of a pool in the shards of this process.
  [[nodiscard]] runtime::v1::Sums OwnSums(const std::string& pool) const;
  // The sums of the caller's pool over all shards; `done` is called once, on any thread. Errors as
  // Submit: all of the pool or nothing.
  void GatherSums(const rpc::Caller& caller, Micros deadline_us, OnSums done);

 private:
  using Answer = std::function<void(const shard::Reply&, const std::string& token)>;
  using ViewAnswer = std::function<void(std::optional<shard::Reply>)>;
  template <typename Request, typename Response>
  void AskOwner(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position);
  // Where a call goes: submitted already (nullptr), or on to the channel.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Route(const rpc::Caller& caller,
                                                       Micros deadline_us, Work work,
                                                       Answer answer);
  // Makes `work` the survivor's, if the reply names one and not too many were asked.
  static bool Redirect(const shard::Reply& reply, Work* work);
  [[nodiscard]] bool IsLocal(const Owner& owner) const;
  // Whether the view is asked: not for what another instance has asked it for already.
  [[nodiscard]] bool MayRead(const rpc::Caller& caller, const Work& work) const;
  // `answer` gets the reply, or nullopt when the owner must be asked.
  absl::Status Read(const rpc::Caller& caller, const Work& work, ViewAnswer answer);

  const Placement placement_;
  const Owners* const owners_;
  rpc::Channels channels_;
  const shard::Program* program_ = nullptr;
  ViewReader* reader_ = nullptr;
  mutable std::mutex mutex_;  // guards workers_ and the workers' lives
  std::map<std::pair<std::string, std::string>, shard::Worker*> workers_;  // instance, address
};

template <typename Response>
absl::Status FillResponse(const shard::Reply& reply, Response* response) {
  absl::Status status = StatusOfReply(reply);
  const bool parsed = !status.ok() || (response->ParseFromString(reply.payload) &&
                                       response->MergeFromString(reply.unlogged));
  if (!parsed) status = absl::InternalError("the reply of the kernel is garbled");
  return status;
}

// A member that became part of another one is answered for by that one (shard::Reply.survivor): the
// call goes there, with the request as it is. The position of such a write is not told: it is one
// of another shard than the name's.
template <typename Request, typename Response>
void Gateway::Submit(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position) {
  if (!call.caller().entity.empty() && work.redirects == 0) {
    work.entity = call.caller().entity;  // another instance followed the alias
    work.position_token.clear();
    work.redirects = kRedirectsMax;
  }
  if (!MayRead(call.caller(), work)) {
    return AskOwner(std::move(call), std::move(work), std::move(on_position));
  }
  auto kept = std::make_shared<Work>(std::move(work));  // shared: callbacks are copied
  const absl::Status asked =
      Read(call.caller(), *kept, [this, call, kept](const std::optional<shard::Reply>& reply) {
        if (!reply.has_value()) return AskOwner(call, std::move(*kept), nullptr);
        if (Redirect(*reply, kept.get())) return Submit(call, std::move(*kept));
        call.Finish(FillResponse(*reply, &call.response()));
      });
  if (!asked.ok()) call.Finish(asked);
}

template <typename Request, typename Response>
void Gateway::AskOwner(rpc::UnaryCall<Request, Response> call, Work work, OnPosition on_position) {
  const std::string alias_of = work.redirects > 0 ? work.entity : "";
  auto kept = std::make_shared<Work>(work);  // shared: callbacks are copied
  Answer answer = [this, call, kept, on_position = std::move(on_position)](
                      const shard::Reply& reply, const std::string& token) {
    if (Redirect(reply, kept.get())) return Submit(call, std::move(*kept), on_position);
    const absl::Status status = FillResponse(reply, &call.response());
    if (status.ok() && on_position) on_position(kept->redirects == 0 ? token : "");
    call.Finish(status);
  };
  auto route = Route(call.caller(), call.deadline_us(), std::move(work), std::move(answer));
  if (!route.ok()) {
    call.Finish(route.status());
  } else if (*route != nullptr) {
    rpc::Forward(*route, call, alias_of);
  }
}

template <typename Told, typename Request, typename Response, typename Question>
void Gateway::AskFirst(const rpc::UnaryCall<Request, Response>& call, Work work,
                       const std::string& method, const Question& question,
                       std::function<void(absl::StatusOr<Told>)> done) {
  rpc::Caller caller = call.caller();
  caller.forwarded = false;  // the question begins here
  caller.entity.clear();
  auto route = Route(caller, call.deadline_us(), std::move(work),
                     [done](const shard::Reply& reply, const std::string&) {
                       Told answer;
                       const absl::Status status = FillResponse(reply, &answer);
                       if (!status.ok()) return done(status);
                       done(std::move(answer));
                     });
  if (!route.ok()) return done(route.status());
  if (*route == nullptr) return;
  struct Flight {
    explicit Flight(const std::shared_ptr<grpc::Channel>& to) : stub(to) {}
    grpc::TemplatedGenericStub<Question, Told> stub;
    grpc::ClientContext context;
    Question question;
    Told answer;
  };
  auto flight = std::make_shared<Flight>(*route);  // shared: lives until the completion has run
  rpc::PrepareForward(caller, "", call.deadline_us(), &flight->context);
  flight->question = question;
  flight->stub.UnaryCall(&flight->context, method, grpc::StubOptions(), &flight->question,
                         &flight->answer,
                         [flight, done = std::move(done)](const grpc::Status& status) {
                           const absl::Status result = rpc::ForwardResult(status);
                           if (!result.ok()) return done(result);
                           done(std::move(flight->answer));
                         });
}

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_GATEWAY_H_
