#include "libs/kafka/rdkafka_handle.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace regulars::kafka::rd {

namespace {

constexpr int kLogError = 3;  // syslog

// A connection that never carried a byte (a refused one) holds no request.
bool CarriedData(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
  return info.tcpi_bytes_sent > 0;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Handle>> Handle::Make(const RdkafkaOptions& options,
                                                     rd_kafka_type_t type, const Settings& settings,
                                                     const Callbacks& callbacks) {
  std::shared_ptr<Handle> handle(new Handle);
  handle->callbacks_ = callbacks;
  handle->log_ = options.log;
  char why[512];
  Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof(why)) !=
        RD_KAFKA_CONF_OK) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", why));
    }
  }
  rd_kafka_conf_set_opaque(conf.get(), handle.get());
  rd_kafka_conf_set_log_cb(
      conf.get(), [](const rd_kafka_t* rk, int level, const char* facility, const char* text) {
        auto* self = rk == nullptr ? nullptr : static_cast<Handle*>(rd_kafka_opaque(rk));
        if (self == nullptr) return;
        if (std::string_view(facility) == "REQTMOUT") ++self->lost_requests_;
        self->Log(level, facility, text);
      });
  rd_kafka_conf_set_closesocket_cb(conf.get(), [](int fd, void* opaque) {
    if (CarriedData(fd)) ++static_cast<Handle*>(opaque)->lost_requests_;
    return close(fd);
  });
  // Errors without a call to answer (all brokers down, authentication failed) go to the log.
  rd_kafka_conf_set_error_cb(
      conf.get(), [](rd_kafka_t*, int err, const char* reason, void* opaque) {
        static_cast<Handle*>(opaque)->Log(
            kLogError, rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(err)), reason);
      });
  if (callbacks.rebalance != nullptr) {
    rd_kafka_conf_set_rebalance_cb(
        conf.get(), [](rd_kafka_t* rk, rd_kafka_resp_err_t err,
                       rd_kafka_topic_partition_list_t* partitions, void* opaque) {
          auto* self = static_cast<Handle*>(opaque);
          if (self->silent_) {
            rd_kafka_assign(rk, nullptr);
          } else {
            self->callbacks_.rebalance(self->callbacks_.user, err, partitions);
          }
        });
  }
  if (callbacks.delivered != nullptr) {
    rd_kafka_conf_set_dr_msg_cb(conf.get(),
                                [](rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
                                  auto* self = static_cast<Handle*>(opaque);
                                  if (!self->silent_)
                                    self->callbacks_.delivered(self->callbacks_.user, message);
                                });
  }
  handle->rk_ = rd_kafka_new(type, conf.get(), why, sizeof(why));
  if (handle->rk_ == nullptr) return absl::InvalidArgumentError(std::string(why));
  (void)conf.release();  // owned by the instance now
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(handle->rk_);
  return handle;
}

void Handle::Log(int level, std::string_view facility, std::string_view text) const {
  if (log_) log_(level, facility, text);
}

// Nothing is said good-bye to here: a static member keeps its place, a dynamic one has left before,
// a producer's open transaction is fenced by its successor.
Handle::~Handle() {
  silent_ = true;
  if (rk_ != nullptr) rd_kafka_destroy_flags(rk_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

int TimeoutMs(absl::Duration timeout) {
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(ms, 0, int64_t{24} * 3600 * 1000));
}

absl::Status ToStatus(rd_kafka_resp_err_t err, const std::string& doing) {
  if (err == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const std::string text = absl::StrCat(doing, ": ", rd_kafka_err2str(err));
  switch (err) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::NotFoundError(text);
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::OutOfRangeError(text);
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__STATE:
      return absl::FailedPreconditionError(text);
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return absl::InvalidArgumentError(text);
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return absl::ResourceExhaustedError(text);
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      return absl::DeadlineExceededError(text);
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
      return absl::CancelledError(text);
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::AlreadyExistsError(text);
    default:
      return absl::UnavailableError(text);
  }
}

Owned<rd_kafka_topic_partition_list_t> ToList(const std::vector<TopicPartitionOffset>& offsets) {
  Owned<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const TopicPartitionOffset& o : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), o.topic.c_str(), o.partition)->offset = o.offset;
  }
  return list;
}

// librdkafka 2.0.2 stops the partitions of the assignment before asynchronously, and a further
// assignment that comes before they have stopped stops them twice, which is a failed assertion
// (rd_kafka_assignment_partition_stopped). Its main thread serves one queue in order: the first
// question is answered behind the stops, the second behind their replies.
rd_kafka_resp_err_t Assign(rd_kafka_t* rk, const rd_kafka_topic_partition_list_t* partitions) {
  const rd_kafka_resp_err_t err = rd_kafka_assign(rk, partitions);
  for (int i = 0; i < 2; ++i) {
    rd_kafka_topic_partition_list_t* current = nullptr;
    if (rd_kafka_assignment(rk, &current) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
    const Owned<rd_kafka_topic_partition_list_t> dropped(current);
  }
  return err;
}

// ListOffsets carries the client's isolation level: with read_committed "latest" is the last stable
// offset (checked by the conformance suite).
absl::StatusOr<Watermarks> QueryWatermarks(rd_kafka_t* rk, const TopicPartition& partition,
                                           absl::Duration timeout) {
  Watermarks marks;
  const rd_kafka_resp_err_t err =
      rd_kafka_query_watermark_offsets(rk, partition.topic.c_str(), partition.partition, &marks.low,
                                       &marks.high, TimeoutMs(timeout));
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(err, "query watermarks");
  return marks;
}

namespace {

struct Backing {
  std::shared_ptr<Handle> handle;  // outlives the message
  Owned<rd_kafka_message_t> message;
};

}  // namespace

Record ToRecord(const std::shared_ptr<Handle>& handle, Owned<rd_kafka_message_t> owned) {
  const rd_kafka_message_t* message = owned.get();
  Record record;
  record.topic = rd_kafka_topic_name(message->rkt);
  record.partition = message->partition;
  record.offset = message->offset;
  rd_kafka_timestamp_type_t type;
  record.timestamp_us = std::max<int64_t>(rd_kafka_message_timestamp(message, &type), 0) * 1000;
  if (message->key != nullptr) {
    record.key = {static_cast<const char*>(message->key), message->key_len};
  }
  record.has_value = message->payload != nullptr;
  if (record.has_value) record.value = {static_cast<const char*>(message->payload), message->len};
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      record.headers.emplace_back(
          name, value == nullptr ? std::string_view()
                                 : std::string_view(static_cast<const char*>(value), size));
    }
  }
  record.backing = std::make_shared<Backing>(Backing{handle, std::move(owned)});
  return record;
}

void Positions::Reset(const std::vector<TopicPartitionOffset>& offsets) {
  topics_.clear();
  last_ = 0;
  for (const TopicPartitionOffset& o : offsets) {
    auto it = std::find_if(topics_.begin(), topics_.end(),
                           [&](const Topic& t) { return t.name == o.topic; });
    if (it == topics_.end()) it = topics_.insert(it, Topic{o.topic, nullptr, {}});
    const auto index = static_cast<size_t>(o.partition);
    if (it->next.size() <= index) it->next.resize(index + 1, -1);
    it->next[index] = o.offset;
  }
}

int64_t* Positions::Find(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return nullptr;
  if (last_ >= topics_.size() || topics_[last_].seen != message.rkt) {
    for (last_ = 0; last_ < topics_.size(); ++last_) {
      if (topics_[last_].seen == message.rkt) break;
      if (topics_[last_].name == rd_kafka_topic_name(message.rkt)) break;
    }
    if (last_ == topics_.size()) return nullptr;
    topics_[last_].seen = message.rkt;
  }
  const auto index = static_cast<size_t>(message.partition);
  std::vector<int64_t>& next = topics_[last_].next;
  return index < next.size() && next[index] >= 0 ? &next[index] : nullptr;
}

bool Positions::Advance(const rd_kafka_message_t& message) {
  int64_t* next = Find(message);
  if (next == nullptr || message.offset < *next) return false;
  *next = message.offset + 1;
  return true;
}

std::optional<int64_t> Positions::Next(const rd_kafka_message_t& message) {
  const int64_t* next = Find(message);
  if (next == nullptr) return std::nullopt;
  return *next;
}

}  // namespace regulars::kafka::rd
