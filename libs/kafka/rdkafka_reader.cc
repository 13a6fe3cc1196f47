// The real reader: assignment without a group, ends of ranges by end-of-partition events.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/kafka/rdkafka_clients.h"

namespace regulars::kafka::rd {

namespace {

class RdReader : public Reader {
 public:
  explicit RdReader(std::shared_ptr<Handle> handle)
      : handle_(std::move(handle)), rk_(handle_->get()) {}

  ~RdReader() override { handle_->Silence(); }

  absl::Status ReadRange(const TopicPartition& partition, int64_t from, int64_t to,
                         const std::function<bool(const Record&)>& fn,
                         absl::Duration timeout) override {
    if (from >= to) return absl::OkStatus();
    if (absl::Status status = Assign({{partition.topic, partition.partition, from}});
        !status.ok()) {
      return status;
    }
    const absl::Status status = Drain(to, fn, absl::Now() + timeout);
    positions_.Clear();
    rd::Assign(rk_, nullptr);
    return status;
  }

  absl::StatusOr<Watermarks> QueryWatermarks(const TopicPartition& partition,
                                             absl::Duration timeout) override {
    return rd::QueryWatermarks(rk_, partition, timeout);
  }

  absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) override {
    for (const TopicPartitionOffset& o : offsets) {
      if (o.offset < 0) return absl::InvalidArgumentError("Assign needs explicit offsets");
    }
    positions_.Reset(offsets);
    broken_ = absl::OkStatus();
    return ToStatus(rd::Assign(rk_, ToList(offsets).get()), "assign");
  }

  absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) override {
    const absl::Time until = absl::Now() + timeout;
    while (true) {
      if (!broken_.ok()) return broken_;
      Owned<rd_kafka_message_t> message(
          rd_kafka_consumer_poll(rk_, TimeoutMs(until - absl::Now())));
      if (message == nullptr) return std::nullopt;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (positions_.Advance(*message)) return ToRecord(handle_, std::move(message));
      } else {
        broken_ = Fatal(*message);
      }
    }
  }

 private:
  absl::Status Drain(int64_t to, const std::function<bool(const Record&)>& fn, absl::Time until) {
    while (true) {
      Owned<rd_kafka_message_t> message(
          rd_kafka_consumer_poll(rk_, TimeoutMs(until - absl::Now())));
      if (message == nullptr) {
        if (absl::Now() < until) continue;
        return absl::DeadlineExceededError("the range is not complete yet");
      }
      if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (positions_.Next(*message).has_value() && message->offset >= to) return absl::OkStatus();
        continue;
      }
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (absl::Status status = Fatal(*message); !status.ok()) return status;
        continue;
      }
      if (!positions_.Advance(*message)) continue;
      if (message->offset >= to) return absl::OkStatus();
      if (!fn(ToRecord(handle_, std::move(message)))) return absl::OkStatus();
    }
  }

  // OK for what librdkafka mends by itself.
  static absl::Status Fatal(const rd_kafka_message_t& message) {
    switch (message.err) {
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return absl::OutOfRangeError(rd_kafka_message_errstr(&message));
      case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return absl::NotFoundError(rd_kafka_message_errstr(&message));
      case RD_KAFKA_RESP_ERR__FATAL:
        return absl::FailedPreconditionError(rd_kafka_message_errstr(&message));
      default:
        return absl::OkStatus();
    }
  }

  const std::shared_ptr<Handle> handle_;
  rd_kafka_t* const rk_;
  Positions positions_;
  absl::Status broken_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> MakeReader(const RdkafkaOptions& options) {
  RdkafkaOptions own = options;
  own.fetch_wait = options.reader_fetch_wait;
  auto handle = Handle::Make(own, RD_KAFKA_CONSUMER, ReaderSettings(own), {});
  if (!handle.ok()) return handle.status();
  return std::make_unique<RdReader>(*std::move(handle));
}

}  // namespace regulars::kafka::rd
