// What a tool asks of the brokers beside reading records: which topics there are, with what
// settings, and where each partition really ends. Services never use it.
//
// Thread-safety: one thread per object. Blocking: every call is bounded by its time-out. Errors: as
// rdkafka_log.h says.
#ifndef REGULARS_LIBS_KAFKA_INSPECT_H_
#define REGULARS_LIBS_KAFKA_INSPECT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "libs/kafka/rdkafka_log.h"

namespace regulars::kafka {

// Where a partition ends. stable < high while a transaction is open, or hangs.
struct PartitionEnds {
  int64_t low = 0;
  int64_t stable = 0;  // last stable offset: what read_committed readers see
  int64_t high = 0;    // high watermark
};

class Inspector {
 public:
  virtual ~Inspector() = default;
  // Partition count of every topic.
  virtual absl::StatusOr<std::map<std::string, int32_t>> Topics(absl::Duration timeout) = 0;
  virtual absl::StatusOr<PartitionEnds> Ends(const TopicPartition& partition,
                                             absl::Duration timeout) = 0;
  // Settings in force per topic, defaults included. Every topic must exist.
  virtual absl::StatusOr<std::map<std::string, std::map<std::string, std::string>>> Configs(
      const std::vector<std::string>& topics, absl::Duration timeout) = 0;
};

absl::StatusOr<std::unique_ptr<Inspector>> MakeInspector(const RdkafkaOptions& options);

}  // namespace regulars::kafka

#endif  // REGULARS_LIBS_KAFKA_INSPECT_H_
