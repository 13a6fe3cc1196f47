// A librdkafka instance with its callbacks, and the translation of its errors and messages.
// Part of rdkafka_log.h.
#ifndef REGULARS_LIBS_KAFKA_RDKAFKA_HANDLE_H_
#define REGULARS_LIBS_KAFKA_RDKAFKA_HANDLE_H_

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "libs/kafka/rdkafka_config.h"

namespace regulars::kafka::rd {

struct Deleter {
  void operator()(rd_kafka_topic_partition_list_t* p) const {
    rd_kafka_topic_partition_list_destroy(p);
  }
  void operator()(rd_kafka_error_t* p) const { rd_kafka_error_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_consumer_group_metadata_t* p) const {
    rd_kafka_consumer_group_metadata_destroy(p);
  }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

// What a client wants to hear from librdkafka; every callback gets `user`.
struct Callbacks {
  void* user = nullptr;
  void (*rebalance)(void* user, rd_kafka_resp_err_t err,
                    rd_kafka_topic_partition_list_t* partitions) = nullptr;
  void (*delivered)(void* user, const rd_kafka_message_t* message) = nullptr;
};

// Owns one rd_kafka_t. Destroyed without leaving its group; see rdkafka_consumer.cc.
class Handle {
 public:
  static absl::StatusOr<std::shared_ptr<Handle>> Make(const RdkafkaOptions& options,
                                                      rd_kafka_type_t type,
                                                      const Settings& settings,
                                                      const Callbacks& callbacks);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  rd_kafka_t* get() const { return rk_; }
  // From now on no callback reaches the client (which may be gone).
  void Silence() { silent_ = true; }
  // To RdkafkaOptions::log.
  void Log(int level, std::string_view facility, std::string_view text) const;
  // Connections closed that had carried data, and requests timed out, since the start: the two ways
  // a request can be in flight without its sender knowing.
  int64_t lost_requests() const { return lost_requests_.load(std::memory_order_relaxed); }

 private:
  Handle() = default;

  rd_kafka_t* rk_ = nullptr;
  Callbacks callbacks_;
  std::function<void(int, std::string_view, std::string_view)> log_;
  std::atomic<bool> silent_{false};
  std::atomic<int64_t> lost_requests_{0};
};

// Milliseconds for librdkafka: rounded up, never negative, at most a day.
int TimeoutMs(absl::Duration timeout);
absl::Status ToStatus(rd_kafka_resp_err_t err, const std::string& doing);
Owned<rd_kafka_topic_partition_list_t> ToList(const std::vector<TopicPartitionOffset>& offsets);
// The only way to assign: returns when the partitions of the assignment before have stopped.
rd_kafka_resp_err_t Assign(rd_kafka_t* rk, const rd_kafka_topic_partition_list_t* partitions);
absl::StatusOr<Watermarks> QueryWatermarks(rd_kafka_t* rk, const TopicPartition& partition,
                                           absl::Duration timeout);
// Takes the message over. The record's views point into it.
Record ToRecord(const std::shared_ptr<Handle>& handle, Owned<rd_kafka_message_t> message);

// The positions of an assignment: drops what was delivered before (librdkafka #4261 and its like).
class Positions {
 public:
  void Reset(const std::vector<TopicPartitionOffset>& offsets);
  void Clear() { topics_.clear(); }
  // True if the message is the next one or later; then moves on. False: drop it.
  bool Advance(const rd_kafka_message_t& message);
  std::optional<int64_t> Next(const rd_kafka_message_t& message);

 private:
  struct Topic {
    std::string name;
    const rd_kafka_topic_t* seen = nullptr;
    std::vector<int64_t> next;  // by partition; -1 = not assigned
  };
  int64_t* Find(const rd_kafka_message_t& message);

  std::vector<Topic> topics_;
  size_t last_ = 0;
};

}  // namespace regulars::kafka::rd

#endif  // REGULARS_LIBS_KAFKA_RDKAFKA_HANDLE_H_
