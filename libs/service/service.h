// The main of a service: settings, keys, Kafka, gRPC, shard worker, health port, SIGTERM. A service
// says what is its own in a Spec; the order of start and stop is here, once.
//
// Start: settings -> keys -> Kafka -> program -> gRPC services -> gRPC port -> worker -> `start` ->
// ready. SIGTERM or SIGINT: not ready -> gRPC drained -> `drain` -> worker's batch ended -> exit 0,
// within 5 s. A broken setting, key file or port ends the start with exit code 2 and the reason on
// stderr. A worker that was fenced by another process of its slot ends the process with 1: the
// supervisor starts it again.
#ifndef REGULARS_LIBS_SERVICE_SERVICE_H_
#define REGULARS_LIBS_SERVICE_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/options.h"
#include "libs/service/process.h"
#include "libs/service/settings.h"
#include "libs/shard/kernel.h"

namespace regulars::service {

using GrpcServices = std::vector<std::unique_ptr<grpc::Service>>;

struct Spec {
  std::string name;     // "points"
  std::string purpose;  // one sentence for --help
  // Own flat options. Optional.
  std::function<void(config::Options* options)> add_options;
  // Own keys of each pool: section->Child("<name>"). Optional.
  PoolReader read_pool;
  // Empty: a stateless service without worker.
  std::function<absl::StatusOr<std::unique_ptr<shard::Program>>(Process& process)> make_program;
  std::function<absl::StatusOr<GrpcServices>(Process& process)> make_services;
  // After the gRPC port is open; own threads begin here. Optional.
  std::function<absl::Status(Process& process)> start;
  // After the last call was answered, also when the start failed; own threads end here. Optional.
  std::function<void(Process& process)> drain;
  // "" = ready; in addition to the runtime's own checks. Optional.
  std::function<std::string()> ready;
  // Of a stateless service: what GetClock shows. Optional.
  std::function<std::optional<Micros>(const std::string& pool)> promised_clock;
};

// Returns the exit code.
[[nodiscard]] int Run(Spec spec, int argc, const char* const* argv);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_SERVICE_H_
