// The control sums of a pool over all shards: those of this process and, asked for in parallel,
// those of the owners of the others.
#include <grpcpp/generic/generic_stub.h>

#include <set>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/service/gateway.h"
#include "regulars/runtime/v1/runtime_service.grpc.pb.h"

namespace regulars::service {
namespace {

using runtime::v1::GetSumsRequest;
using runtime::v1::ShardSums;

constexpr char kGetSums[] = "/regulars.runtime.v1.RuntimeService/GetSums";

// What has come in so far. Thread-safe; ends with the last answer.
class Gathering {
 public:
  Gathering(int32_t shard_count, std::size_t open, Gateway::OnSums done)
      : shard_count_(shard_count), open_(open), done_(std::move(done)) {}

  void Add(const absl::Status& status, const runtime::v1::Sums& sums) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      status_.Update(status);
      for (const ShardSums& shard : sums.shards()) {
        const auto [known, fresh] = shards_.emplace(shard.shard(), shard);
        // Two say they own it: the newer owner is the one.
        if (!fresh && known->second.epoch() < shard.epoch()) known->second = shard;
      }
      if (--open_ > 0) return;
    }
    End();
  }

 private:
  void End() {
    if (!status_.ok()) return done_(status_);
    std::map<std::string, int64_t> all;
    for (int32_t shard = 0; shard < shard_count_; ++shard) {
      const auto found = shards_.find(shard);
      // A part of the pool would be a wrong answer.
      if (found == shards_.end()) return done_(NotOwned(shard));
      for (const auto& [name, value] : found->second.sums()) all[name] += value;
    }
    done_(std::move(all));
  }

  const int32_t shard_count_;
  std::mutex mutex_;
  std::size_t open_;
  const Gateway::OnSums done_;
  absl::Status status_;
  std::map<int32_t, ShardSums> shards_;
};

void Ask(const std::shared_ptr<grpc::Channel>& channel, const rpc::Caller& caller,
         Micros deadline_us, std::shared_ptr<Gathering> gathering) {
  struct Flight {
    explicit Flight(const std::shared_ptr<grpc::Channel>& to) : stub(to) {}
    grpc::TemplatedGenericStub<GetSumsRequest, runtime::v1::Sums> stub;
    grpc::ClientContext context;
    GetSumsRequest request;
    runtime::v1::Sums response;
  };
  auto flight = std::make_shared<Flight>(channel);  // shared: lives until the completion has run
  rpc::PrepareForward(caller, "", deadline_us, &flight->context);
  flight->request.set_name(Cat("pools/", caller.pool, "/sums"));
  flight->stub.UnaryCall(&flight->context, kGetSums, grpc::StubOptions(), &flight->request,
                         &flight->response,
                         [flight, gathering = std::move(gathering)](const grpc::Status& status) {
                           gathering->Add(rpc::ForwardResult(status), flight->response);
                         });
}

}  // namespace

runtime::v1::Sums Gateway::OwnSums(const std::string& pool) const {
  runtime::v1::Sums own;
  own.set_name(Cat("pools/", pool, "/sums"));
  for (const shard::ShardStatus& status : Shards()) {
    ShardSums* shard = own.add_shards();
    shard->set_shard(status.shard);
    shard->set_epoch(status.epoch);
    for (const auto& [name, value] : status.sums) {
      if (name.first == pool) (*shard->mutable_sums())[name.second] = value;
    }
  }
  return own;
}

void Gateway::GatherSums(const rpc::Caller& caller, Micros deadline_us, OnSums done) {
  const runtime::v1::Sums own = OwnSums(caller.pool);
  std::set<int32_t> open;
  for (int32_t shard = 0; shard < placement_.shard_count(); ++shard) open.insert(shard);
  for (const ShardSums& shard : own.shards()) open.erase(shard.shard());
  std::map<std::string, std::shared_ptr<grpc::Channel>> peers;
  for (const int32_t shard : open) {
    const std::optional<Owner> owner = owners_->Of(shard);
    // Nobody, or this process until a moment ago; and what was sent on is not sent on again.
    if (!owner.has_value() || IsLocal(*owner) || caller.forwarded) return done(NotOwned(shard));
    auto channel = channels_.To(owner->address);
    if (!channel.ok()) return done(channel.status());
    peers[owner->address] = *std::move(channel);
  }
  const auto gathering = std::make_shared<Gathering>(placement_.shard_count(), peers.size() + 1,
                                                     std::move(done));  // shared: peers
  for (const auto& [address, channel] : peers) Ask(channel, caller, deadline_us, gathering);
  gathering->Add(absl::OkStatus(), own);
}

}  // namespace regulars::service
