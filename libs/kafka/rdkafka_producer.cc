#include "libs/kafka/rdkafka_producer.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "libs/kafka/rdkafka_clients.h"

namespace regulars::kafka::rd {

rd_kafka_topic_t* TopicCache::Find(const std::string& name) {
  auto it = topics_.find(name);
  if (it != topics_.end()) return it->second.get();
  rd_kafka_topic_t* topic = rd_kafka_topic_new(rk_, name.c_str(), nullptr);
  if (topic != nullptr) topics_.emplace(name, Owned<rd_kafka_topic_t>(topic));
  return topic;
}

rd_kafka_resp_err_t Enqueue(rd_kafka_t* rk, rd_kafka_topic_t* topic, const OutRecord& record,
                            void* opaque) {
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers.empty()) {
    headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
  }
  // A null payload is a tombstone; an empty value needs a pointer.
  const void* value = record.value.has_value() ? record.value->data() : nullptr;
  const size_t size = record.value.has_value() ? record.value->size() : 0;
  const rd_kafka_resp_err_t err =
      rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record.partition),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
                        RD_KAFKA_V_VALUE(const_cast<void*>(value), size),
                        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (err != RD_KAFKA_RESP_ERR_NO_ERROR && headers != nullptr) rd_kafka_headers_destroy(headers);
  return err;
}

namespace {

// The poll thread looks for the end of the producer this often; it is also woken for it.
constexpr int kPollMs = 1000;
constexpr absl::Duration kDrainTimeout = absl::Seconds(5);

class RdProducer : public Producer {
 public:
  absl::Status Open(const RdkafkaOptions& options) {
    Callbacks callbacks;
    callbacks.user = this;
    callbacks.delivered = [](void*, const rd_kafka_message_t* message) {
      std::unique_ptr<Done> done(static_cast<Done*>(message->_private));
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (*done)(message->offset);
      } else {
        (*done)(ToStatus(message->err, "delivery"));
      }
    };
    auto handle = Handle::Make(options, RD_KAFKA_PRODUCER, ProducerSettings(options), callbacks);
    if (!handle.ok()) return handle.status();
    handle_ = *std::move(handle);
    rk_ = handle_->get();
    topics_ = std::make_unique<TopicCache>(rk_);
    queue_.reset(rd_kafka_queue_get_main(rk_));
    poller_ = std::thread([this] {
      while (!stopping_) rd_kafka_poll(rk_, kPollMs);
    });
    return absl::OkStatus();
  }

  // What was not delivered yet is reported CANCELLED (it may be in the log all the same).
  ~RdProducer() override {
    if (handle_ == nullptr) return;
    stopping_ = true;
    rd_kafka_queue_yield(queue_.get());
    if (poller_.joinable()) poller_.join();
    rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(rk_, TimeoutMs(kDrainTimeout));
  }

  absl::Status Produce(const OutRecord& record, Done done) override {
    if (RecordBytes(record) > kRecordBytesMax) {
      return absl::InvalidArgumentError("record too large");
    }
    rd_kafka_topic_t* topic = nullptr;
    {
      std::lock_guard lock(mu_);
      topic = topics_->Find(record.topic);
    }
    if (topic == nullptr) return absl::InvalidArgumentError("topic name");
    auto kept = std::make_unique<Done>(std::move(done));
    const rd_kafka_resp_err_t err = Enqueue(rk_, topic, record, kept.get());
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(err, "produce");
    (void)kept.release();  // the delivery report has it
    return absl::OkStatus();
  }

  absl::Status Flush(absl::Duration timeout) override {
    return ToStatus(rd_kafka_flush(rk_, TimeoutMs(timeout)), "flush");
  }

 private:
  std::shared_ptr<Handle> handle_;
  rd_kafka_t* rk_ = nullptr;
  std::mutex mu_;
  std::unique_ptr<TopicCache> topics_;  // guarded by mu_
  Owned<rd_kafka_queue_t> queue_;
  std::atomic<bool> stopping_{false};
  std::thread poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Producer>> MakeProducer(const RdkafkaOptions& options) {
  auto made = std::make_unique<RdProducer>();
  if (absl::Status status = made->Open(options); !status.ok()) return status;
  return made;
}

}  // namespace regulars::kafka::rd
