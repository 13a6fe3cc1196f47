#include "libs/service/clock_service.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "regulars/runtime/v1/runtime_service.grpc.pb.h"

namespace regulars::service {
namespace {

using google::protobuf::util::TimeUtil;
using runtime::v1::Clock;
using runtime::v1::GetClockRequest;
using Call = rpc::UnaryCall<GetClockRequest, Clock>;
using ParkedCall =
    rpc::UnaryCall<runtime::v1::ListParkedKeysRequest, runtime::v1::ListParkedKeysResponse>;
using RedriveCall = rpc::UnaryCall<runtime::v1::RedriveKeyRequest, runtime::v1::RedriveKeyResponse>;
using LetterCall =
    rpc::UnaryCall<runtime::v1::RedriveLetterRequest, runtime::v1::RedriveLetterResponse>;
using SumsCall = rpc::UnaryCall<runtime::v1::GetSumsRequest, runtime::v1::Sums>;

class ClockService final : public runtime::v1::RuntimeService::CallbackService {
 public:
  ClockService(rpc::Edge* edge, ClockSources sources) : edge_(edge), sources_(std::move(sources)) {}

  grpc::ServerUnaryReactor* GetClock(grpc::CallbackServerContext* context,
                                     const GetClockRequest* request, Clock* response) override {
    return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/GetClock", context, request,
                       request->name(), response,
                       [this](const Call& call) { call.Finish(Answer(call)); });
  }

  grpc::ServerUnaryReactor* GetSums(grpc::CallbackServerContext* context,
                                    const runtime::v1::GetSumsRequest* request,
                                    runtime::v1::Sums* response) override {
    return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/GetSums", context, request,
                       request->name(), response,
                       [this](const SumsCall& call) { call.Finish(AnswerSums(call)); });
  }

  grpc::ServerUnaryReactor* ListParkedKeys(grpc::CallbackServerContext* context,
                                           const runtime::v1::ListParkedKeysRequest* request,
                                           runtime::v1::ListParkedKeysResponse* response) override {
    return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/ListParkedKeys", context,
                       request, request->parent(), response,
                       [this](const ParkedCall& call) { call.Finish(AnswerParked(call)); });
  }

  grpc::ServerUnaryReactor* RedriveKey(grpc::CallbackServerContext* context,
                                       const runtime::v1::RedriveKeyRequest* request,
                                       runtime::v1::RedriveKeyResponse* response) override {
    return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/RedriveKey", context, request,
                       request->parent(), response,
                       [this](const RedriveCall& call) { Redrive(call); });
  }

  grpc::ServerUnaryReactor* RedriveLetter(grpc::CallbackServerContext* context,
                                          const runtime::v1::RedriveLetterRequest* request,
                                          runtime::v1::RedriveLetterResponse* response) override {
    return rpc::Handle(edge_, "/regulars.runtime.v1.RuntimeService/RedriveLetter", context, request,
                       request->parent(), response,
                       [this](const LetterCall& call) { RedriveOne(call); });
  }

 private:
  absl::Status CheckParent(const std::string& parent, const std::string& pool) const {
    REGULARS_RETURN_IF_ERROR(model::ParseName(parent, "pools/{pool}").status());
    return CheckPool(pool);
  }

  absl::Status AnswerParked(const ParkedCall& call) {
    const std::string& pool = call.caller().pool;
    REGULARS_RETURN_IF_ERROR(CheckParent(call.request().parent(), pool));
    if (sources_.gateway == nullptr) return absl::OkStatus();
    std::vector<shard::ShardStatus> shards = sources_.shards();
    std::sort(shards.begin(), shards.end(),
              [](const auto& a, const auto& b) { return a.shard < b.shard; });
    for (const shard::ShardStatus& status : shards) {
      for (const runtime::v1::ParkedKey& key : status.parked) {
        if (key.pool() == pool) FillParked(status.shard, key, call.response().add_parked_keys());
      }
    }
    return absl::OkStatus();
  }

  static void FillParked(int32_t shard, const runtime::v1::ParkedKey& key,
                         runtime::v1::ParkedEntity* row) {
    const runtime::v1::InputRef& culprit = key.culprit();
    row->set_entity(key.entity());
    row->set_shard(shard);
    *row->mutable_park_time() = TimeUtil::MicrosecondsToTimestamp(key.since_us());
    row->set_waiting(key.letters() - key.redriven());
    row->set_culprit(culprit.topic().starts_with('@')
                         ? Cat(culprit.topic(), "/", culprit.name())
                         : Cat(culprit.topic(), "/", culprit.partition(), "/", culprit.offset()));
  }

  void Redrive(const RedriveCall& call) {
    const runtime::v1::RedriveKeyRequest& request = call.request();
    absl::Status status = CheckParent(request.parent(), call.caller().pool);
    if (status.ok() && (sources_.gateway == nullptr || request.entity().empty())) {
      status =
          DomainError(absl::StatusCode::kNotFound, "KEY_NOT_PARKED", "nothing waits for this key");
    }
    if (!status.ok()) return call.Finish(status);
    Work work;
    work.kind = shard::InputKind::kCommand;
    work.entity = request.entity();
    work.type = std::string(shard::kRedriveCommand);
    sources_.gateway->Submit(call, std::move(work));
  }

  void RedriveOne(const LetterCall& call) {
    const runtime::v1::RedriveLetterRequest& request = call.request();
    absl::Status status = CheckParent(request.parent(), call.caller().pool);
    const bool is_shard = request.shard() >= 0 && request.shard() < sources_.shard_count;
    if (status.ok() && (sources_.gateway == nullptr || !is_shard)) {
      status = DomainError(absl::StatusCode::kNotFound, "LETTER_UNKNOWN",
                           "the service has no such dead-letter partition");
    }
    if (!status.ok()) return call.Finish(status);
    Work work;
    work.kind = shard::InputKind::kCommand;
    work.type = std::string(shard::kRedriveLetterCommand);
    work.payload = request.SerializeAsString();
    work.shard = request.shard();
    sources_.gateway->Submit(call, std::move(work));
  }

  absl::Status CheckPool(const std::string& pool) const {
    if (sources_.knows_pool(pool)) return absl::OkStatus();
    return DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN",
                       "the pool is not configured here");
  }

  absl::Status AnswerSums(const SumsCall& call) {
    REGULARS_RETURN_IF_ERROR(model::ParseName(call.request().name(), "pools/{pool}/sums").status());
    const std::string& pool = call.caller().pool;
    REGULARS_RETURN_IF_ERROR(CheckPool(pool));
    if (sources_.sums) call.response() = sources_.sums(pool);
    call.response().set_name(call.request().name());
    return absl::OkStatus();
  }

  absl::Status Answer(const Call& call) {
    REGULARS_RETURN_IF_ERROR(
        model::ParseName(call.request().name(), "pools/{pool}/clock").status());
    const std::string& pool = call.caller().pool;
    REGULARS_RETURN_IF_ERROR(CheckPool(pool));
    Clock& clock = call.response();
    clock.set_name(call.request().name());
    clock.set_shard_count(sources_.shard_count);
    if (sources_.shard_count == 0) {
      if (const auto promised = sources_.promised ? sources_.promised(pool) : std::nullopt) {
        *clock.mutable_clock_time() = TimeUtil::MicrosecondsToTimestamp(*promised);
      }
      return absl::OkStatus();
    }
    FillShards(pool, &clock);
    return absl::OkStatus();
  }

  void FillShards(const std::string& pool, Clock* clock) const {
    std::vector<shard::ShardStatus> shards = sources_.shards();
    std::sort(shards.begin(), shards.end(),
              [](const auto& a, const auto& b) { return a.shard < b.shard; });
    std::optional<Micros> least;
    bool all = !shards.empty();
    for (const shard::ShardStatus& status : shards) {
      runtime::v1::ShardClock* row = clock->add_shards();
      row->set_shard(status.shard);
      row->set_owned(true);
      const auto now = status.clocks.find(pool);
      if (now == status.clocks.end()) {
        all = false;
        continue;
      }
      *row->mutable_clock_time() = TimeUtil::MicrosecondsToTimestamp(now->second);
      least = std::min(least.value_or(now->second), now->second);
    }
    if (all && least.has_value()) {
      *clock->mutable_clock_time() = TimeUtil::MicrosecondsToTimestamp(*least);
    }
  }

  rpc::Edge* const edge_;
  const ClockSources sources_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeClockService(rpc::Edge* edge, ClockSources sources) {
  return std::make_unique<ClockService>(edge, std::move(sources));
}

}  // namespace regulars::service
