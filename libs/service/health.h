// The health port, HTTP, without credentials and apart from the gRPC port:
//   /healthz  liveness: 200 while the process makes progress, else 503. Never a dependency's
//   health. /readyz   readiness: 200 when it serves, else 503 with what is missing. /metrics
//   Prometheus text.
// Only GET and HEAD; every other path is 404. Lifecycle: serves from Start to destruction, which
// waits for running answers. Thread-safety: the callbacks are called from the server's two threads.
// Errors: UNAVAILABLE when the address cannot be bound. Limits: 16 KiB of request, 2 s per request.
#ifndef REGULARS_LIBS_SERVICE_HEALTH_H_
#define REGULARS_LIBS_SERVICE_HEALTH_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace regulars::service {

struct HealthChecks {
  // "" = fine, else one sentence without personal data.
  std::function<std::string()> live;
  std::function<std::string()> ready;
  std::function<std::string()> metrics;
};

class HealthServer {
 public:
  // `listen`: host:port, port 0 = any free one.
  static absl::StatusOr<std::unique_ptr<HealthServer>> Start(const std::string& listen,
                                                             HealthChecks checks);
  ~HealthServer();
  [[nodiscard]] int port() const;

  struct Impl;

 private:
  explicit HealthServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_HEALTH_H_
