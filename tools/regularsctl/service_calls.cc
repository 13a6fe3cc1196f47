#include "tools/regularsctl/service_calls.h"

#include <cstdlib>
#include <filesystem>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "libs/rpc/channel.h"
#include "libs/service/process.h"

namespace regulars::ctl {

absl::StatusOr<std::unique_ptr<ServiceCalls>> ServiceCalls::Make(Context* context,
                                                                 const std::string& pool) {
  if (!model::IsValidPoolName(pool)) {
    return absl::InvalidArgumentError(Cat("'", pool, "' is no pool name"));
  }
  const auto& pools = context->settings().pools;
  bool known = pools.empty();
  for (const auto& one : pools) known = known || one.name == pool;
  if (!known) return absl::NotFoundError(Cat("pool ", pool, " is not in the configuration"));
  std::unique_ptr<ServiceCalls> calls(new ServiceCalls(context, pool));
  REGULARS_RETURN_IF_ERROR(calls->ReadKey());
  return calls;
}

absl::Status ServiceCalls::ReadKey() {
  std::string key;
  if (const auto path = context_->line().Last("api-key-file")) {
    REGULARS_ASSIGN_OR_RETURN(key, service::ReadSecret(*path));
  } else if (const char* given = std::getenv("REGULARS_API_KEY")) {  // NOLINT
    key = given;
  } else {
    for (const auto& pool : context_->settings().pools) {
      if (pool.name != pool_ || pool.api_keys_file.empty()) continue;
      const auto beside = std::filesystem::path(pool.api_keys_file).parent_path() / "api-key";
      const auto read = service::ReadSecret(beside.string());
      if (read.ok()) key = *read;
    }
  }
  if (key.empty()) {
    return absl::NotFoundError(
        Cat("no API key for pool ", pool_, ": --api-key-file=FILE or REGULARS_API_KEY"));
  }
  authorization_ = Cat("Bearer ", key);
  return absl::OkStatus();
}

absl::Status ServiceCalls::EnsureLog() {
  return context_->log() == nullptr ? context_->OpenLog() : absl::OkStatus();
}

std::optional<std::string> ServiceCalls::EndpointOf(const std::string& service) const {
  std::optional<std::string> of_all;
  for (const std::string& endpoint : context_->line().All("endpoint")) {
    const size_t equals = endpoint.find('=');
    if (equals == std::string::npos) {
      if (!of_all) of_all = endpoint;
    } else if (endpoint.substr(0, equals) == service) {
      return endpoint.substr(equals + 1);
    }
  }
  return of_all;
}

absl::StatusOr<std::string> ServiceCalls::AddressOfShard(const std::string& service,
                                                         int32_t shard) {
  if (auto endpoint = EndpointOf(service)) return *std::move(endpoint);
  REGULARS_RETURN_IF_ERROR(EnsureLog());
  REGULARS_ASSIGN_OR_RETURN(const auto owners, context_->reader()->Owners(service));
  const auto owner = owners.find(shard);
  if (owner != owners.end() && !owner->second.address().empty()) return owner->second.address();
  return absl::UnavailableError(Cat("nobody owns ", service, "-", shard));
}

absl::StatusOr<std::set<std::string>> ServiceCalls::AddressesOf(const std::string& service) {
  if (auto endpoint = EndpointOf(service)) return std::set{*std::move(endpoint)};
  REGULARS_RETURN_IF_ERROR(EnsureLog());
  REGULARS_ASSIGN_OR_RETURN(const auto owners, context_->reader()->Owners(service));
  std::set<std::string> addresses;
  for (const auto& [shard, owner] : owners) {
    if (!owner.address().empty()) addresses.insert(owner.address());
  }
  if (!addresses.empty()) return addresses;
  return absl::UnavailableError(Cat("nobody owns a shard of ", service));
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> ServiceCalls::ChannelTo(const std::string& service) {
  REGULARS_ASSIGN_OR_RETURN(const auto addresses, AddressesOf(service));
  return ChannelAt(*addresses.begin(), /*retry=*/true);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> ServiceCalls::ChannelAt(const std::string& address,
                                                                       bool retry) const {
  rpc::TlsFiles tls;
  tls.ca_file = context_->line().Last("tls-ca").value_or("");
  return rpc::MakeChannel(address, tls, retry);
}

absl::StatusOr<std::string> ServiceCalls::PointsProgram() {
  constexpr std::string_view kIssued = "/issued";
  if (context_->line().Has("endpoint") && context_->log() == nullptr) return std::string("loyalty");
  REGULARS_RETURN_IF_ERROR(EnsureLog());
  REGULARS_ASSIGN_OR_RETURN(const int32_t shards, context_->reader()->ShardsOf("points"));
  for (int32_t shard = 0; shard < shards; ++shard) {
    REGULARS_ASSIGN_OR_RETURN(const ShardHead head, context_->reader()->LastShard("points", shard));
    if (!head.record) continue;
    for (const auto& sum : head.record->sums()) {
      if (sum.pool() != pool_ || !sum.name().ends_with(kIssued)) continue;
      return sum.name().substr(0, sum.name().size() - kIssued.size());
    }
  }
  return std::string("loyalty");
}

}  // namespace regulars::ctl
