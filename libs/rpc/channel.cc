#include "libs/rpc/channel.h"

#include <grpcpp/create_channel.h>

#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"

namespace regulars::rpc {

const char kRetryServiceConfig[] = R"({"methodConfig": [{"name": [{}], "retryPolicy": {
  "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
  "retryableStatusCodes": ["UNAVAILABLE"]}}]})";

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const std::string& address,
                                                           const TlsFiles& tls, bool retry) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!tls.ca_file.empty() || !tls.cert_file.empty()) {
    grpc::SslCredentialsOptions options;
    // Without a CA of its own: those of the machine.
    if (!tls.ca_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(options.pem_root_certs, ReadPem(tls.ca_file));
    }
    if (!tls.cert_file.empty()) {
      REGULARS_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadPem(tls.cert_file));
      REGULARS_ASSIGN_OR_RETURN(options.pem_private_key, ReadPem(tls.key_file));
    }
    credentials = grpc::SslCredentials(options);
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(limits::kRequestBytesMax));
  // The other side may have been replaced: look again soon, not after two minutes.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, retry ? 1 : 0);
  if (retry) {
    arguments.SetServiceConfigJSON(kRetryServiceConfig);
    arguments.SetLoadBalancingPolicyName("round_robin");
  }
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Channels::To(const std::string& address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [known, channel] : channels_) {
    if (known == address) return channel;
  }
  REGULARS_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                            MakeChannel(address, tls_, false));
  if (channels_.size() == kChannelsMax) channels_.pop_front();
  channels_.emplace_back(address, channel);
  return channel;
}

void PrepareForward(const Caller& caller, const std::string& entity, Micros deadline_us,
                    grpc::ClientContext* context) {
  REGULARS_ASSERT(entity.empty() ? !caller.forwarded : caller.entity.empty(),
                  "a call is sent on at most once, and once more from an alias");
  if (!entity.empty()) context->AddMetadata(kEntityHeader, entity);
  context->AddMetadata("authorization", caller.authorization);
  context->AddMetadata(kForwardedHeader, "1");
  const Micros deadline = deadline_us == 0 ? WallMicros() + kForwardTimeout : deadline_us;
  context->set_deadline(std::chrono::system_clock::time_point(std::chrono::microseconds(deadline)));
}

absl::Status ForwardResult(const grpc::Status& status) {
  absl::Status result = FromGrpc(status);
  if (result.ok() || !ReasonOf(result).empty()) return result;
  if (result.code() == absl::StatusCode::kUnavailable) {
    return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "OWNER_AWAY",
                                      "the owner of the shard cannot be reached right now"),
                          kRetryAfterDefault);
  }
  return result;
}

}  // namespace regulars::rpc
