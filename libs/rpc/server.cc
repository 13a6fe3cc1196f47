#include "libs/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <sstream>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::rpc {
namespace {

constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kPingIntervalMinMs = 10'000;
constexpr int kConnectionAgeMs = 30 * 60 * 1000;
constexpr int kConnectionAgeGraceMs = 30'000;

// gRPC keeps both as process-wide switches that must be thrown before the first builder.
void EnablePluginsOnce(bool reflection) {
  static std::once_flag health_once;
  static std::once_flag reflection_once;
  std::call_once(health_once, [] { grpc::EnableDefaultHealthCheckService(true); });
  if (reflection) {
    std::call_once(reflection_once,
                   [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
  }
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const TlsFiles& files) {
  if (files.cert_file.empty() && files.key_file.empty() && files.ca_file.empty()) {
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions tls;
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  REGULARS_ASSIGN_OR_RETURN(pair.cert_chain, ReadPem(files.cert_file));
  REGULARS_ASSIGN_OR_RETURN(pair.private_key, ReadPem(files.key_file));
  tls.pem_key_cert_pairs.push_back(std::move(pair));
  if (!files.ca_file.empty()) {
    REGULARS_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadPem(files.ca_file));
    tls.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(tls);
}

}  // namespace

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (text.str().empty()) return absl::InvalidArgumentError(Cat("cannot read PEM file ", path));
  return text.str();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const std::vector<grpc::Service*>& services) {
  EnablePluginsOnce(options.reflection);
  REGULARS_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                            Credentials(options.tls));
  auto server = std::unique_ptr<Server>(new Server());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, credentials, &server->port_);
  // Two processes on one port would share callers at random: the second must fail instead.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A request is at most this large; the largest touch fits many times.
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kRequestBytesMax));
  // Headers are buffered before any check of ours.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE,
                             static_cast<int>(limits::kMetadataBytesMax));
  // One connection must not hold unbounded calls.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(limits::kConcurrentStreamsMax));
  // Find dead peers behind a firewall that forgot the connection, and let clients do the same.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalMinMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Behind a headless service new pods get load only when clients reconnect now and then.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kConnectionAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
  // All connections together stay inside this memory; beyond it calls are refused.
  builder.SetResourceQuota(
      grpc::ResourceQuota("regulars").Resize(static_cast<std::size_t>(options.memory_bytes_max)));
  for (grpc::Service* service : services) builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return absl::UnavailableError(Cat("cannot listen on ", options.listen));
  }
  server->SetServing(false);
  return server;
}

Server::~Server() { Shutdown(0); }

void Server::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  if (health != nullptr) health->SetServingStatus(serving);
}

void Server::Shutdown(Micros grace) {
  if (server_ == nullptr) return;
  SetServing(false);
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::microseconds(grace));
  server_->Wait();
}

}  // namespace regulars::rpc
