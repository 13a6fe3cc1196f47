// Who owns which shard, read from the compacted topic regulars.<service>.owners.v1.g<N> by a thread
// of its own. What it says may be late by the time of one fetch: an owner that lost its shard
// answers SHARD_NOT_OWNED, and the caller comes back. Thread-safety: Of from any thread. Lifecycle:
// reads from construction to destruction; survives a broker that is away.
#ifndef REGULARS_LIBS_SERVICE_OWNERS_H_
#define REGULARS_LIBS_SERVICE_OWNERS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "libs/kafka/port.h"
#include "libs/log/log.h"

namespace regulars::service {

struct Owner {
  std::string address;   // host:port of its gRPC server
  std::string instance;  // "points-0"
  int64_t epoch = -1;
};

class Owners {
 public:
  // `log` and `logger` must outlive this object.
  Owners(kafka::Log* log, const log::Logger* logger, std::string topic);
  ~Owners();

  [[nodiscard]] std::optional<Owner> Of(int32_t shard) const;

 private:
  void Run();
  absl::Status Tail();
  void Learn(const kafka::Record& record);

  kafka::Log* const log_;
  const log::Logger* const logger_;
  const std::string topic_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;  // guards owners_
  std::map<int32_t, Owner> owners_;
  std::thread thread_;
};

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_OWNERS_H_
