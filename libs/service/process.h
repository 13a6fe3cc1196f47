// What the parts of a running service share. Made by Run (service.h), handed to the functions of
// its Spec. Thread-safety: every accessor from any thread after the start.
#ifndef REGULARS_LIBS_SERVICE_PROCESS_H_
#define REGULARS_LIBS_SERVICE_PROCESS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/kafka/port.h"
#include "libs/log/log.h"
#include "libs/metrics/metrics.h"
#include "libs/rpc/call.h"
#include "libs/seal/envelope.h"
#include "libs/seal/seal.h"
#include "libs/seal/transport_keys.h"
#include "libs/service/gateway.h"
#include "libs/service/key_refresh.h"
#include "libs/service/owners.h"
#include "libs/service/settings.h"
#include "regulars/types/v1/sealed.pb.h"

namespace regulars::service {

inline constexpr char kVersion[] = "0.1.0";

// The content of a secret's file without the line feed at its end; "" when no file is named.
// NOT_FOUND.
[[nodiscard]] absl::StatusOr<std::string> ReadSecret(const std::string& path);

class Process {
 public:
  Process(std::string service, Settings settings, log::Logger logger);

  // Reads keys and connects. Errors name the file or setting.
  absl::Status Open(bool stateful);

  [[nodiscard]] const std::string& service() const { return service_; }
  [[nodiscard]] const Settings& config() const { return settings_; }
  [[nodiscard]] const std::vector<PoolConfig>& pools() const { return settings_.pools; }
  [[nodiscard]] bool knows_pool(std::string_view pool) const;

  [[nodiscard]] const log::Logger& logger() const { return logger_; }
  [[nodiscard]] metrics::Registry& metrics() { return metrics_; }
  [[nodiscard]] kafka::Log& log() { return *log_; }
  [[nodiscard]] rpc::Edge* edge() { return edge_.get(); }
  // Null in a stateless service.
  [[nodiscard]] Gateway* gateway() { return gateway_.get(); }

  // Null when the pool has no such key file.
  [[nodiscard]] const seal::Pepper* pepper(std::string_view pool) const;
  [[nodiscard]] const seal::Sealer* sealer(std::string_view pool) const;
  [[nodiscard]] const seal::TransportKeys* transport_keys(std::string_view pool) const;
  [[nodiscard]] const seal::KeyWrapper* key_wrapper(std::string_view pool) const;

  // Seals what is set aside (dead letters): associated data "set-aside/<pool>". What belongs to no
  // pool is sealed under the first pool's key. At most seal::kPlaintextMax bytes (asserted).
  [[nodiscard]] types::v1::Sealed SealSetAside(std::string_view pool, std::string_view bytes) const;
  // Errors as seal::Sealer::Open.
  [[nodiscard]] absl::StatusOr<std::string> OpenSetAside(std::string_view pool,
                                                         const types::v1::Sealed& sealed) const;

 private:
  [[nodiscard]] const seal::Sealer& SetAsideSealer(std::string_view pool) const;
  absl::Status OpenKeys(bool stateful);
  absl::Status OpenKafka();

  const std::string service_;
  const Settings settings_;
  const log::Logger logger_;
  metrics::Registry metrics_;
  std::map<std::string, seal::Pepper, std::less<>> peppers_;
  std::map<std::string, seal::Sealer, std::less<>> sealers_;
  std::map<std::string, std::unique_ptr<seal::TransportKeys>, std::less<>> transport_keys_;
  std::map<std::string, std::unique_ptr<seal::KeyWrapper>, std::less<>> key_wrappers_;
  std::unique_ptr<KeyRefresh> key_refresh_;  // ends before the keys do
  std::unique_ptr<kafka::Log> log_;
  std::unique_ptr<kafka::Log> quiet_log_;  // the same log for a reader that mostly waits
  std::unique_ptr<rpc::Edge> edge_;
  std::unique_ptr<Owners> owners_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_PROCESS_H_
