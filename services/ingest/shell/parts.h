// What ingest consists of, put together: settings -> pools, producer, intake, promises, gRPC
// service. Lifecycle: made before service::Run and destroyed after it; Make is called once, by Run.
// Thread-safety: Clock from any thread; the rest from the starting thread.
#ifndef REGULARS_SERVICES_INGEST_SHELL_PARTS_H_
#define REGULARS_SERVICES_INGEST_SHELL_PARTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/options.h"
#include "libs/kafka/port.h"
#include "libs/service/service.h"
#include "services/ingest/shell/clock_desk.h"
#include "services/ingest/shell/intake.h"
#include "services/ingest/shell/promise_loader.h"
#include "services/ingest/shell/touch_counts.h"

namespace regulars::ingest {

class Parts {
 public:
  void AddOptions(config::Options* options);
  void ReadPool(const service::PoolConfig& pool, config::Section* section);

  // INVALID_ARGUMENT if a pool has no pepper, or neither transport keys nor a sealing key.
  absl::StatusOr<service::GrpcServices> Make(service::Process* process);
  // The last promise of an event pool, the wall clock of the others.
  std::optional<Micros> Clock(const std::string& pool) const;
  // Begins to read the promises made so far; Ready says "" once they are known.
  absl::Status Start(service::Process* process);
  std::string Ready() const;
  // Waits for the log to confirm what is on its way.
  void Drain(service::Process* process);

 private:
  std::map<std::string, PoolRules> rules_;
  int64_t records_max_ = 0;
  int64_t bytes_max_ = 0;
  // In order of construction: each needs those before it.
  std::unique_ptr<TouchCounts> counts_;
  std::unique_ptr<kafka::Producer> producer_;
  std::unique_ptr<ClockDesk> clocks_;
  std::unique_ptr<PromiseLoader> loader_;
  std::unique_ptr<Intake> intake_;
};

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_PARTS_H_
