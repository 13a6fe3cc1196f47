#include "libs/service/service.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/base32.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/seal/crypto.h"
#include "libs/service/clock_service.h"
#include "libs/service/health.h"
#include "libs/service/shard_metrics.h"
#include "libs/service/view_parts.h"
#include "libs/service/worker_probe.h"
#include "libs/service/worker_thread.h"
#include "libs/store/rocksdb_store.h"

namespace regulars::service {
namespace {

constexpr int kExitBadStart = 2;
constexpr int kExitFatal = 1;
constexpr Micros kDrainGrace = 2 * kMicrosPerSecond;
constexpr std::size_t kLogIdBytes = 16;

// SIGTERM and SIGINT arrive only where they are waited for; a closed socket is an error, not a
// signal.
sigset_t TakeSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

// host:port that peers can reach when nothing else is said: the listening host with the real port.
std::string DefaultAddress(const std::string& listen, int port) {
  return Cat(listen.substr(0, listen.rfind(':')), ":", port);
}

class Runner {
 public:
  Runner(Spec spec, Settings settings, log::Logger logger)
      : spec_(std::move(spec)), process_(spec_.name, std::move(settings), std::move(logger)) {}

  absl::Status Start() {
    const Settings& s = process_.config();
    REGULARS_RETURN_IF_ERROR(process_.Open(spec_.make_program != nullptr));
    if (spec_.make_program) {
      REGULARS_ASSIGN_OR_RETURN(program_, spec_.make_program(process_));
      REGULARS_ASSIGN_OR_RETURN(reader_, MakeViewReader(s, &process_.metrics()));
      process_.gateway()->ReadFrom(program_.get(), reader_.get());
    }
    REGULARS_RETURN_IF_ERROR(StartServer());
    address_ = s.grpc_advertise.empty() ? DefaultAddress(s.grpc_listen, server_->port())
                                        : s.grpc_advertise;
    if (program_ != nullptr) REGULARS_RETURN_IF_ERROR(StartWorker());
    if (spec_.start) REGULARS_RETURN_IF_ERROR(spec_.start(process_));
    started_ = true;
    HealthChecks checks;
    checks.live = [this] { return Live(); };
    checks.ready = [this] { return Ready(); };
    checks.metrics = [this] { return process_.metrics().Text(); };
    REGULARS_ASSIGN_OR_RETURN(health_, HealthServer::Start(s.health_listen, std::move(checks)));
    process_.logger().Info("started", {{"grpc_address", address_},
                                       {"grpc_port", server_->port()},
                                       {"health_port", health_->port()},
                                       {"slot", s.slot},
                                       {"shards", s.shards}});
    return absl::OkStatus();
  }

  // Until a signal or a fatal worker.
  int Serve(const sigset_t& signals) {
    bool serving = false;
    while (!fatal_) {
      const timespec turn{0, 200'000'000};
      const int received = sigtimedwait(&signals, nullptr, &turn);
      if (received == SIGTERM || received == SIGINT) {
        process_.logger().Info("stopping", {{"signal", received}});
        return 0;
      }
      const bool ready = Ready().empty();
      if (ready != serving) {
        serving = ready;
        server_->SetServing(serving);
        process_.logger().Info(serving ? "ready" : "not ready");
      }
    }
    return kExitFatal;
  }

  void Stop() {
    stopping_ = true;
    if (server_ != nullptr) server_->Shutdown(kDrainGrace);
    if (spec_.drain) spec_.drain(process_);
    if (process_.gateway() != nullptr) process_.gateway()->DetachAll();
    if (worker_ != nullptr) worker_->Stop();
    health_.reset();
    process_.logger().Info("stopped");
  }

 private:
  absl::Status StartServer() {
    const Settings& s = process_.config();
    if (spec_.make_services) {
      REGULARS_ASSIGN_OR_RETURN(services_, spec_.make_services(process_));
    }
    ClockSources clocks;
    if (program_ != nullptr) clocks.shard_count = static_cast<int32_t>(s.shards);
    clocks.shards = [this] { return process_.gateway()->Shards(); };
    clocks.gateway = process_.gateway();
    clocks.promised = spec_.promised_clock;
    clocks.knows_pool = [this](const std::string& pool) { return process_.knows_pool(pool); };
    if (program_ != nullptr) {
      clocks.sums = [this](const std::string& pool) { return process_.gateway()->OwnSums(pool); };
    }
    services_.push_back(MakeClockService(process_.edge(), std::move(clocks)));
    std::vector<grpc::Service*> pointers;
    for (const auto& service : services_) pointers.push_back(service.get());
    rpc::ServerOptions options;
    options.listen = s.grpc_listen;
    options.tls = s.grpc_tls;
    options.reflection = s.grpc_reflection;
    REGULARS_ASSIGN_OR_RETURN(server_, rpc::Server::Start(options, pointers));
    return absl::OkStatus();
  }

  absl::Status StartWorker() {
    const Settings& s = process_.config();
    store::RocksDbOptions store_options;
    store_options.root = Cat(s.state_dir, "/", spec_.name, "-", s.slot);
    REGULARS_ASSIGN_OR_RETURN(stores_, store::RocksDbStoreFactory::Create(store_options));
    REGULARS_ASSIGN_OR_RETURN(view_, MakeViewThread(s, program_.get(), &process_.metrics()));
    probe_ = std::make_unique<MetricsProbe>(&process_.metrics(), &process_.logger());

    shard::WorkerOptions options;
    options.generation = s.generation;
    options.shard_count = static_cast<int32_t>(s.shards);
    options.together = PoolsTogether(s, spec_.name);
    options.slot = static_cast<int32_t>(s.slot);
    options.address = address_;
    for (const PoolConfig& pool : s.pools) {
      options.pools[pool.name] =
          pool.event_clock ? shard::PoolClock::kEvent : shard::PoolClock::kLive;
    }
    options.batch_inputs_max = static_cast<std::size_t>(s.batch_inputs_max);
    options.batch_time_max = absl::Milliseconds(s.batch_time_max_ms);
    options.cache_keys_max = static_cast<std::size_t>(s.cache_keys_max);
    options.check_invariants_every = static_cast<int>(s.check_invariants_every);
    options.store_age_us_max = s.store_age_max_s * kMicrosPerSecond;
    options.code_version = kVersion;

    shard::WorkerPorts ports;
    ports.log = &process_.log();
    ports.stores = stores_.get();
    ports.view = view_.get();
    ports.probe = probe_.get();
    ports.wall_us = WallMicros;
    ports.steady_us = MonotonicMicros;
    ports.pause = [](absl::Duration pause) { absl::SleepFor(pause); };
    ports.new_log_id = [] { return Base32Encode(seal::RandomBytes(kLogIdBytes)); };
    ports.seal = [this](std::string_view pool, std::string_view bytes) {
      return process_.SealSetAside(pool, bytes);
    };
    ports.open = [this](std::string_view pool, const types::v1::Sealed& sealed) {
      return process_.OpenSetAside(pool, sealed);
    };
    worker_ = std::make_unique<WorkerThread>(
        std::make_unique<shard::Worker>(program_.get(), std::move(options), std::move(ports)),
        &process_.logger(), [this] { fatal_ = true; });
    shard_metrics_ = std::make_unique<ShardMetrics>(&process_.metrics(), worker_->worker());
    process_.gateway()->Attach(Cat(spec_.name, "-", s.slot), address_, worker_->worker());
    return absl::OkStatus();
  }

  std::string Live() const {
    if (worker_ == nullptr) return "";
    const Micros limit = process_.config().liveness_ms_max * kMicrosPerMilli;
    return worker_->IdleMicros() > limit ? "the shard loop makes no progress" : "";
  }

  std::string Ready() const {
    if (stopping_) return "stopping";
    if (!started_) return "starting";
    if (worker_ != nullptr && !worker_->worker()->ready()) return "shards are being taken over";
    return spec_.ready ? spec_.ready() : "";
  }

  // The order is the order of start; the reverse is the order of destruction.
  Spec spec_;
  std::atomic<bool> started_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> fatal_{false};
  Process process_;
  std::unique_ptr<shard::Program> program_;
  std::unique_ptr<store::StoreFactory> stores_;
  std::unique_ptr<MetricsProbe> probe_;
  std::unique_ptr<ViewThread> view_;
  std::unique_ptr<ViewReader> reader_;
  GrpcServices services_;
  std::unique_ptr<rpc::Server> server_;
  std::string address_;
  std::unique_ptr<WorkerThread> worker_;
  std::unique_ptr<ShardMetrics> shard_metrics_;
  std::unique_ptr<HealthServer> health_;
};

}  // namespace

int Run(Spec spec, int argc, const char* const* argv) {
  const sigset_t signals = TakeSignals();
  Settings settings;
  config::Options options(spec.name, spec.purpose);
  DeclareSettings(spec.name, spec.read_pool, &options, &settings);
  if (spec.add_options) spec.add_options(&options);
  const config::Options::Result parsed =
      options.Parse(argc, argv, [](const char* name) { return std::getenv(name); });
  for (const std::string& problem : parsed.problems) {
    std::fprintf(stderr, "%s: %s\n", spec.name.c_str(), problem.c_str());
  }
  std::fputs(parsed.output.c_str(), stdout);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;

  log::Logger logger(log::StdoutSink(), spec.name, kVersion,
                     log::ParseLevel(settings.log_level).value_or(log::Level::kInfo));
  Runner runner(std::move(spec), std::move(settings), logger);
  const absl::Status started = runner.Start();
  if (!started.ok()) {
    logger.Error("cannot start", started);
    std::fprintf(stderr, "cannot start: %s\n", started.ToString().c_str());
    runner.Stop();
    return kExitBadStart;
  }
  const int code = runner.Serve(signals);
  runner.Stop();
  return code;
}

}  // namespace regulars::service
