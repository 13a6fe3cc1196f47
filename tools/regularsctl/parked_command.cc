// `regularsctl parked`: keys that are set aside because an input crashed their owner, and the call
// that applies what waits for them. `redrive` is the only command that changes anything.
#include <map>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "regulars/runtime/v1/runtime_service.grpc.pb.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/audit/findings.h"
#include "tools/regularsctl/json_text.h"
#include "tools/regularsctl/service_calls.h"

namespace regulars::ctl {
namespace {

using runtime::v1::RuntimeService;
using Stub = RuntimeService::Stub;

// Every instance answers for the shards it owns.
absl::StatusOr<std::map<std::string, runtime::v1::ListParkedKeysResponse>> ParkedAt(
    ServiceCalls* calls, const std::string& service, const std::string& pool) {
  std::map<std::string, runtime::v1::ListParkedKeysResponse> found;
  REGULARS_ASSIGN_OR_RETURN(const auto addresses, calls->AddressesOf(service));
  for (const std::string& address : addresses) {
    runtime::v1::ListParkedKeysRequest request;
    request.set_parent(Cat("pools/", pool));
    REGULARS_ASSIGN_OR_RETURN(const auto channel, calls->ChannelAt(address, /*retry=*/true));
    const auto stub = RuntimeService::NewStub(channel);
    REGULARS_RETURN_IF_ERROR(calls->Call(*stub, &Stub::ListParkedKeys, request, &found[address]));
  }
  return found;
}

absl::StatusOr<Answer> List(Context* context, const std::string& pool) {
  REGULARS_ASSIGN_OR_RETURN(const auto services, context->Services());
  REGULARS_ASSIGN_OR_RETURN(const auto calls, ServiceCalls::Make(context, pool));
  std::vector<std::vector<std::string>> rows = {
      {"SERVICE", "SHARD", "ENTITY", "PARKED", "WAITING", "CRASHED AT"}};
  Answer answer;
  answer.json["parked"] = nlohmann::json::array();
  for (const std::string& service : services) {
    REGULARS_ASSIGN_OR_RETURN(const auto found, ParkedAt(calls.get(), service, pool));
    for (const auto& [address, response] : found) {
      for (const auto& key : response.parked_keys()) {
        rows.push_back({service, Cat(key.shard()), Shown(key.entity()), TextOf(key.park_time()),
                        Grouped(key.waiting()), Shown(key.culprit())});
        nlohmann::json json = JsonOf(key);
        json["service"] = service;
        answer.json["parked"].push_back(std::move(json));
      }
    }
  }
  answer.text = Cat(rows.size() > 1 ? Table(rows) : "",
                    Grouped(static_cast<int64_t>(rows.size()) - 1), " parked keys\n");
  return answer;
}

absl::StatusOr<Answer> Redrive(Context* context, const std::string& pool,
                               const std::string& service, const std::string& entity) {
  REGULARS_ASSIGN_OR_RETURN(const auto calls, ServiceCalls::Make(context, pool));
  REGULARS_ASSIGN_OR_RETURN(const auto found, ParkedAt(calls.get(), service, pool));
  std::string owner;
  for (const auto& [address, response] : found) {
    for (const auto& key : response.parked_keys()) {
      if (key.entity() == entity) owner = address;
    }
  }
  if (owner.empty()) return absl::NotFoundError(Cat(service, " has not parked ", Shown(entity)));
  // Not tried again by itself: an input that still crashes takes the owner down.
  REGULARS_ASSIGN_OR_RETURN(const auto channel, calls->ChannelAt(owner, /*retry=*/false));
  const auto stub = RuntimeService::NewStub(channel);
  runtime::v1::RedriveKeyRequest request;
  request.set_parent(Cat("pools/", pool));
  request.set_entity(entity);
  runtime::v1::RedriveKeyResponse response;
  int64_t applied = 0;
  do {
    REGULARS_RETURN_IF_ERROR(calls->Call(*stub, &Stub::RedriveKey, request, &response));
    applied += response.applied();
  } while (response.waiting() > 0 && response.applied() > 0);
  Answer answer;
  answer.json = {{"applied", applied}, {"waiting", response.waiting()}};
  answer.text = Cat(Grouped(applied), " inputs applied, ", Grouped(response.waiting()), " wait\n");
  answer.exit_code = response.waiting() == 0 ? kExitOk : kExitWrong;
  return answer;
}

}  // namespace

absl::StatusOr<Answer> RunParked(Context* context) {
  const auto& words = context->line().words();
  const std::string verb = words.size() > 1 ? words[1] : "";
  if (verb == "list" && words.size() == 3) return List(context, words[2]);
  if (verb == "redrive" && words.size() == 4) {
    REGULARS_ASSIGN_OR_RETURN(const auto services, context->Services());
    if (services.size() == 1) return Redrive(context, words[2], services.front(), words[3]);
  }
  return absl::InvalidArgumentError("parked list POOL, or parked redrive POOL ENTITY --service=S");
}

}  // namespace regulars::ctl
