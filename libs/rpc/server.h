// The gRPC server of a process: TLS, limits, health and reflection set explicitly, each with its
// reason in server.cc. Lifecycle: Start listens; SetServing(true) makes the health service say
// SERVING; Shutdown stops accepting, lets calls end until the deadline, then cuts them. The
// services and the Edge outlive it. Thread-safety: every method from every thread. Errors:
// INVALID_ARGUMENT for files that cannot be read, UNAVAILABLE when the address cannot be bound.
#ifndef REGULARS_LIBS_RPC_SERVER_H_
#define REGULARS_LIBS_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/time.h"

namespace regulars::rpc {

// Files in PEM. No certificate = plain text, for loopback and meshes; a client CA = mutual TLS.
struct TlsFiles {
  std::string cert_file;
  std::string key_file;
  std::string ca_file;  // server: whose client certificates are asked for; client: whom to trust
};

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  // host:port, 0 = any free port
  TlsFiles tls;
  bool reflection = true;
  int64_t memory_bytes_max = int64_t{128} << 20;  // of all connections together
};

class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const std::vector<grpc::Service*>& services);
  ~Server();

  [[nodiscard]] int port() const { return port_; }
  void SetServing(bool serving);
  void Shutdown(Micros grace);

 private:
  Server() = default;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

[[nodiscard]] absl::StatusOr<std::string> ReadPem(const std::string& path);

}  // namespace regulars::rpc

#endif  // REGULARS_LIBS_RPC_SERVER_H_
