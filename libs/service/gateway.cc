#include "libs/service/gateway.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/seal/crypto.h"
#include "libs/shard/view_writer.h"
#include "regulars/runtime/v1/runtime_state.pb.h"

namespace regulars::service {
namespace {

shard::Reply ReplyOf(const absl::Status& status) {
  return {status.code(), ReasonOf(status), std::string(status.message()), ""};
}

// The entity of a query as the view knows it.
class ViewState : public shard::EntityState {
 public:
  ViewState(const std::vector<std::string>& subs, const ViewReader::Values& values)
      : subs_(subs), values_(values) {}

  std::optional<std::string> Get(std::string_view sub) const override {
    const auto found = std::find(subs_.begin(), subs_.end(), sub);
    REGULARS_ASSERT(found != subs_.end(), "a query reads a key that it did not declare");
    return values_[static_cast<std::size_t>(found - subs_.begin())];
  }
  std::optional<std::pair<std::string, std::string>> Next(std::string_view,
                                                          std::string_view) const override {
    REGULARS_ASSERT(false, "a query that scans cannot be answered from the view");
  }
  std::optional<int64_t> Timer(std::string_view) const override {
    REGULARS_ASSERT(false, "a query that asks for timers cannot be answered from the view");
  }

 private:
  const std::vector<std::string>& subs_;
  const ViewReader::Values& values_;
};

shard::Input QueryOf(const rpc::Caller& caller, const Work& work) {
  shard::Input input;
  input.kind = shard::InputKind::kQuery;
  input.pool = caller.pool;
  input.entity = work.entity;
  input.type = work.type;
  input.payload = work.payload;
  return input;
}

}  // namespace

absl::Status NotOwned(int32_t shard) {
  return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "SHARD_NOT_OWNED",
                                    "the shard changes its owner right now; nothing was changed",
                                    {{"shard", Cat(shard)}}),
                        rpc::kRetryAfterDefault);
}

std::string HashRequest(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  const auto* field = copy->GetDescriptor()->FindFieldByName("request_id");
  if (field != nullptr) copy->GetReflection()->ClearField(copy.get(), field);
  std::string bytes = copy->GetDescriptor()->full_name();
  bytes.push_back('\0');
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&coded);
  }
  return seal::Sha256(bytes);
}

absl::Status StatusOfReply(const shard::Reply& reply) {
  if (reply.code == absl::StatusCode::kOk) return absl::OkStatus();
  if (!IsValidReason(reply.reason)) return absl::Status(reply.code, reply.message);
  absl::Status status = DomainError(reply.code, reply.reason, reply.message);
  if (reply.code != absl::StatusCode::kUnavailable) return status;
  return WithRetryAfter(std::move(status), rpc::kRetryAfterDefault);
}

Gateway::Gateway(Placement placement, const Owners* owners, rpc::TlsFiles client_tls)
    : placement_(std::move(placement)), owners_(owners), channels_(std::move(client_tls)) {}

void Gateway::Attach(const std::string& instance, const std::string& address,
                     shard::Worker* worker) {
  const std::lock_guard<std::mutex> lock(mutex_);
  workers_[{instance, address}] = worker;
}

void Gateway::DetachAll() {
  const std::lock_guard<std::mutex> lock(mutex_);
  workers_.clear();
}

void Gateway::ReadFrom(const shard::Program* program, ViewReader* reader) {
  program_ = program;
  reader_ = reader;
}

bool Gateway::Redirect(const shard::Reply& reply, Work* work) {
  if (reply.survivor.empty() || work->redirects >= kRedirectsMax) return false;
  work->entity = reply.survivor;
  work->position_token.clear();
  ++work->redirects;
  return true;
}

bool Gateway::IsLocal(const Owner& owner) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return workers_.contains({owner.instance, owner.address});
}

bool Gateway::MayRead(const rpc::Caller& caller, const Work& work) const {
  return reader_ != nullptr && work.kind == shard::InputKind::kQuery && !work.view_subs.empty() &&
         !caller.forwarded;
}

absl::Status Gateway::Read(const rpc::Caller& caller, const Work& work, ViewAnswer answer) {
  ViewReader::Job job;
  job.shard = {program_->service(), placement_.ShardOf(caller.pool, work.entity),
               placement_.shard_count()};
  REGULARS_ASSIGN_OR_RETURN(job.token, ParsePositionToken(work.position_token, job.shard.shard));
  shard::Input input = QueryOf(caller, work);
  bool skip = false;
  REGULARS_RETURN_IF_ERROR(program_->Decode(&input, &skip));
  for (const std::string& sub : work.view_subs) {
    job.keys.push_back(shard::ViewKey(caller.pool, work.entity, sub));
  }
  job.done = [program = program_, input = std::move(input), subs = work.view_subs,
              answer = std::move(answer)](const std::optional<ViewReader::Values>& values) {
    if (!values.has_value()) return answer(std::nullopt);
    answer(program->Query(ViewState(subs, *values), input));
  };
  reader_->Read(std::move(job));
  return absl::OkStatus();
}

std::vector<shard::ShardStatus> Gateway::Shards() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<shard::ShardStatus> out;
  for (const auto& [name, worker] : workers_) {
    for (shard::ShardStatus& status : worker->Snapshot()) out.push_back(std::move(status));
  }
  return out;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Gateway::WayTo(const rpc::Caller& caller,
                                                              std::string_view entity) {
  const int32_t shard = placement_.ShardOf(caller.pool, entity);
  const std::optional<Owner> owner = owners_->Of(shard);
  if (!owner.has_value()) return NotOwned(shard);
  if (IsLocal(*owner)) return nullptr;
  if (caller.forwarded) return NotOwned(shard);
  return channels_.To(owner->address);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Gateway::Route(const rpc::Caller& caller,
                                                              Micros deadline_us, Work work,
                                                              Answer answer) {
  const int32_t shard = work.shard ? *work.shard : placement_.ShardOf(caller.pool, work.entity);
  REGULARS_ASSIGN_OR_RETURN(const std::optional<runtime::v1::PositionToken> wanted,
                            ParsePositionToken(work.position_token, shard));
  const int work_redirects = work.redirects;
  const std::optional<Owner> owner = owners_->Of(shard);
  if (!owner.has_value()) return NotOwned(shard);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto local = workers_.find({owner->instance, owner->address});
    if (local != workers_.end()) {
      shard::Command command;
      command.kind = work.kind;
      command.pool = caller.pool;
      command.shard = work.shard;
      command.entity = std::move(work.entity);
      command.type = std::move(work.type);
      command.payload = std::move(work.payload);
      command.request_id = std::move(work.request_id);
      command.request_hash = std::move(work.request_hash);
      command.caller = caller.key_id;
      command.deadline_us = deadline_us;
      command.refresh_subs = std::move(work.view_subs);
      command.done = [shard, wanted, answer = std::move(answer)](
                         const shard::Reply& reply, const runtime::v1::PositionToken& position) {
        // An owner without the write that the caller has seen is one no longer.
        if (!Reached(position, wanted)) return answer(ReplyOf(NotOwned(shard)), "");
        answer(reply, Base32Encode(position.SerializeAsString()));
      };
      if (local->second->Submit(std::move(command))) return nullptr;
      return WithRetryAfter(DomainError(absl::StatusCode::kResourceExhausted, "COMMANDS_QUEUED",
                                        "too many calls wait for this shard; nothing was changed"),
                            rpc::kRetryAfterDefault);
    }
  }
  // The owner changed since the other instance looked: the caller asks again, nothing circles.
  const bool from_alias = work_redirects > 0 && caller.entity.empty();
  if (caller.forwarded && !from_alias) return NotOwned(shard);
  return channels_.To(owner->address);
}

}  // namespace regulars::service
