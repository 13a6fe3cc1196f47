// The real group member: eager rebalances, explicit assignment, one record per Poll.
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/kafka/rdkafka_clients.h"

namespace regulars::kafka::rd {

namespace {

// How long a dynamic member tries to leave its group before it is left to its session time-out.
constexpr absl::Duration kLeaveTimeout = absl::Seconds(5);
constexpr int kLogWarning = 4;  // syslog

class RdConsumer : public Consumer {
 public:
  explicit RdConsumer(const ConsumerOptions& options) : is_static_(!options.instance_id.empty()) {}

  absl::Status Open(const RdkafkaOptions& options, const ConsumerOptions& consumer) {
    Callbacks callbacks;
    callbacks.user = this;
    callbacks.rebalance = [](void* user, rd_kafka_resp_err_t err,
                             rd_kafka_topic_partition_list_t* partitions) {
      static_cast<RdConsumer*>(user)->OnRebalance(err, partitions);
    };
    auto handle =
        Handle::Make(options, RD_KAFKA_CONSUMER, ConsumerSettings(options, consumer), callbacks);
    if (!handle.ok()) return handle.status();
    handle_ = *std::move(handle);
    rk_ = handle_->get();
    queue_.reset(rd_kafka_queue_get_consumer(rk_));
    return absl::OkStatus();
  }

  // A static member does not say good-bye: its slot comes back, and its shards wait for it.
  ~RdConsumer() override {
    if (handle_ == nullptr) return;
    handle_->Silence();
    if (is_static_ || !subscribed_) return;
    Owned<rd_kafka_queue_t> closing(rd_kafka_queue_new(rk_));
    Owned<rd_kafka_error_t> error(rd_kafka_consumer_close_queue(rk_, closing.get()));
    if (error != nullptr) return;
    const absl::Time until = absl::Now() + kLeaveTimeout;
    while (!rd_kafka_consumer_closed(rk_) && absl::Now() < until) {
      Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(closing.get(), 50));
      if (event == nullptr) continue;
      if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) {
        rd_kafka_assign(rk_, nullptr);
      }
    }
  }

  absl::Status Subscribe(const std::vector<std::string>& topics,
                         RebalanceListener* listener) override {
    if (subscribed_) return absl::FailedPreconditionError("already subscribed");
    if (topics.empty()) return absl::InvalidArgumentError("no topics");
    std::vector<TopicPartitionOffset> names;
    for (const std::string& topic : topics) {
      names.push_back({topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_OFFSET_INVALID});
    }
    listener_ = listener;
    const rd_kafka_resp_err_t err = rd_kafka_subscribe(rk_, ToList(names).get());
    subscribed_ = err == RD_KAFKA_RESP_ERR_NO_ERROR;
    return ToStatus(err, "subscribe");
  }

  absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) override {
    for (const TopicPartitionOffset& o : offsets) {
      if (o.offset < 0) return absl::InvalidArgumentError("Assign needs explicit offsets");
    }
    positions_.Reset(offsets);
    return ToStatus(rd::Assign(rk_, ToList(offsets).get()), "assign");
  }

  absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) override {
    if (!broken_.ok()) return broken_;
    const absl::Time until = absl::Now() + timeout;
    while (true) {
      const bool woken = woken_.exchange(false);
      const absl::Duration left = woken ? absl::ZeroDuration() : until - absl::Now();
      Owned<rd_kafka_message_t> message(rd_kafka_consumer_poll(rk_, TimeoutMs(left)));
      if (message == nullptr) {
        if (IsFenced()) return broken_;
        return std::nullopt;
      }
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        HearError(*message);
        if (!broken_.ok()) return broken_;
        return std::nullopt;
      }
      if (positions_.Advance(*message)) return ToRecord(handle_, std::move(message));
    }
  }

  void Wake() override {
    woken_ = true;
    rd_kafka_queue_yield(queue_.get());
  }

  std::shared_ptr<const GroupToken> Group() override {
    if (!has_assignment_) return token_;
    return FreshToken();
  }

  absl::StatusOr<std::vector<TopicPartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, absl::Duration timeout) override {
    std::vector<TopicPartitionOffset> out;
    for (const TopicPartition& p : partitions) {
      out.push_back({p.topic, p.partition, RD_KAFKA_OFFSET_INVALID});
    }
    // read_committed makes librdkafka ask for stable offsets and repeat while they are not.
    auto list = ToList(out);
    const rd_kafka_resp_err_t err = rd_kafka_committed(rk_, list.get(), TimeoutMs(timeout));
    if (err == RD_KAFKA_RESP_ERR__TIMED_OUT) {
      return absl::UnavailableError("committed: no stable answer in time");
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(err, "committed");
    for (size_t i = 0; i < out.size(); ++i) {
      const rd_kafka_topic_partition_t& answer = list->elems[i];
      if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(answer.err, "committed");
      out[i].offset = answer.offset >= 0 ? answer.offset : kNoOffset;
    }
    return out;
  }

  absl::StatusOr<Watermarks> QueryWatermarks(const TopicPartition& partition,
                                             absl::Duration timeout) override {
    return rd::QueryWatermarks(rk_, partition, timeout);
  }

 private:
  std::shared_ptr<const Token> FreshToken() {
    rd_kafka_consumer_group_metadata_t* metadata = rd_kafka_consumer_group_metadata(rk_);
    return metadata == nullptr ? nullptr : std::make_shared<Token>(metadata);
  }

  static std::vector<TopicPartition> Names(const rd_kafka_topic_partition_list_t& list) {
    std::vector<TopicPartition> out;
    for (int i = 0; i < list.cnt; ++i) {
      out.push_back({list.elems[i].topic, list.elems[i].partition});
    }
    return out;
  }

  // Runs inside Poll. The empty assignment acknowledges the rebalance without fetching anything.
  void OnRebalance(rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t* partitions) {
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      positions_.Clear();
      rd::Assign(rk_, ToList({}).get());
      token_ = FreshToken();
      has_assignment_ = true;
      assigned_ = Names(*partitions);
      if (listener_ != nullptr) listener_->OnAssigned(assigned_);
      return;
    }
    if (std::exchange(has_assignment_, false)) {
      positions_.Clear();
      const std::vector<TopicPartition> revoked = std::exchange(assigned_, {});
      if (listener_ != nullptr) listener_->OnRevoked(revoked);
    }
    rd::Assign(rk_, nullptr);
  }

  void HearError(const rd_kafka_message_t& message) {
    switch (message.err) {
      case RD_KAFKA_RESP_ERR__FATAL:
        (void)IsFenced();
        break;
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        broken_ = absl::OutOfRangeError(
            absl::StrCat(message.rkt == nullptr ? "?" : rd_kafka_topic_name(message.rkt), "/",
                         message.partition, ": ", rd_kafka_message_errstr(&message)));
        break;
      default:  // librdkafka goes on by itself
        handle_->Log(kLogWarning, rd_kafka_err2name(message.err),
                     rd_kafka_message_errstr(&message));
        break;
    }
  }

  bool IsFenced() {
    char why[256];
    const rd_kafka_resp_err_t err = rd_kafka_fatal_error(rk_, why, sizeof(why));
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) return false;
    broken_ = absl::FailedPreconditionError(absl::StrCat(rd_kafka_err2name(err), ": ", why));
    return true;
  }

  const bool is_static_;
  std::shared_ptr<Handle> handle_;
  rd_kafka_t* rk_ = nullptr;
  Owned<rd_kafka_queue_t> queue_;
  bool subscribed_ = false;
  RebalanceListener* listener_ = nullptr;
  Positions positions_;
  std::vector<TopicPartition> assigned_;
  bool has_assignment_ = false;
  std::shared_ptr<const Token> token_;
  std::atomic<bool> woken_{false};
  absl::Status broken_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> MakeConsumer(const RdkafkaOptions& options,
                                                       const ConsumerOptions& consumer) {
  if (consumer.group_id.empty()) return absl::InvalidArgumentError("a consumer needs a group_id");
  auto made = std::make_unique<RdConsumer>(consumer);
  if (absl::Status status = made->Open(options, consumer); !status.ok()) return status;
  return made;
}

}  // namespace regulars::kafka::rd
