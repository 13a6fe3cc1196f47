// Topics for tests and tools. Services never create topics: those are data
// (deploy/kafka/topics.yaml).
#ifndef REGULARS_LIBS_KAFKA_ADMIN_H_
#define REGULARS_LIBS_KAFKA_ADMIN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/kafka/rdkafka_log.h"

namespace regulars::kafka {

struct NewTopic {
  std::string name;
  int32_t partitions = 1;
  int32_t replicas = -1;  // -1: the broker's default
  // For example {"cleanup.policy", "compact"}. message.timestamp.type is LogAppendTime unless
  // given.
  std::map<std::string, std::string> config = {};
};

// Creates what is not there and waits until every partition has a leader. A topic that exists
// already is not an error.
absl::Status CreateTopics(const RdkafkaOptions& options, const std::vector<NewTopic>& topics,
                          absl::Duration timeout);
// Deletes records before `offset` (raises the low watermark).
absl::Status DeleteRecordsBefore(const RdkafkaOptions& options, const TopicPartition& partition,
                                 int64_t offset, absl::Duration timeout);

}  // namespace regulars::kafka

#endif  // REGULARS_LIBS_KAFKA_ADMIN_H_
