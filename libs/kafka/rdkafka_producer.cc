#include "libs/kafka/rdkafka_producer.h"

#include <atomic>
#include <mutex>
#include <shared_mutex>
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

// One client of the library, until it ends or is broken for good.
class Client {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Make(const RdkafkaOptions& options) {
    Callbacks callbacks;
    callbacks.delivered = [](void*, const rd_kafka_message_t* message) {
      std::unique_ptr<Producer::Done> done(static_cast<Producer::Done*>(message->_private));
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        (*done)(message->offset);
      } else {
        (*done)(ToStatus(message->err, "delivery"));
      }
    };
    auto handle = Handle::Make(options, RD_KAFKA_PRODUCER, ProducerSettings(options), callbacks);
    if (!handle.ok()) return handle.status();
    return std::unique_ptr<Client>(new Client(*std::move(handle)));
  }

  // Once. `broken` (or null) is destroyed on the new client's thread, which answers what it holds.
  void Start(std::unique_ptr<Client> broken) {
    poller_ = std::thread([this, broken = std::move(broken)]() mutable {
      broken.reset();
      while (!stopping_) rd_kafka_poll(rk_, kPollMs);
    });
  }

  // What was not delivered yet is reported CANCELLED (it may be in the log all the same).
  ~Client() {
    stopping_ = true;
    rd_kafka_queue_yield(queue_.get());
    if (poller_.joinable()) poller_.join();
    rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(rk_, TimeoutMs(kDrainTimeout));
  }

  bool broken() const {
    return rd_kafka_fatal_error(rk_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
  }

  absl::Status Produce(const OutRecord& record, Producer::Done done) {
    rd_kafka_topic_t* topic = nullptr;
    {
      std::lock_guard lock(mu_);
      topic = topics_.Find(record.topic);
    }
    if (topic == nullptr) return absl::InvalidArgumentError("topic name");
    auto kept = std::make_unique<Producer::Done>(std::move(done));
    const rd_kafka_resp_err_t err = Enqueue(rk_, topic, record, kept.get());
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(err, "produce");
    (void)kept.release();  // the delivery report has it
    return absl::OkStatus();
  }

  absl::Status Flush(absl::Duration timeout) {
    return ToStatus(rd_kafka_flush(rk_, TimeoutMs(timeout)), "flush");
  }

 private:
  explicit Client(std::shared_ptr<Handle> handle)
      : handle_(std::move(handle)),
        rk_(handle_->get()),
        topics_(rk_),
        queue_(rd_kafka_queue_get_main(rk_)) {}

  const std::shared_ptr<Handle> handle_;
  rd_kafka_t* const rk_;
  std::mutex mu_;
  TopicCache topics_;  // guarded by mu_
  const Owned<rd_kafka_queue_t> queue_;
  std::atomic<bool> stopping_{false};
  std::thread poller_;
};

// The library's idempotent producer can break for good: a broker that was killed may come back with
// sequence numbers the client cannot continue. Then every record would fail for ever; so the next
// one gets a new client. What the old one held is reported as failed: unknown, to be sent again.
class RdProducer : public Producer {
 public:
  absl::Status Open(const RdkafkaOptions& options) {
    options_ = options;
    return NewClient();
  }

  absl::Status Produce(const OutRecord& record, Done done) override {
    if (RecordBytes(record) > kRecordBytesMax) {
      return absl::InvalidArgumentError("record too large");
    }
    if (absl::Status sound = Renew(); !sound.ok()) return sound;
    std::shared_lock lock(mu_);
    return client_->Produce(record, std::move(done));
  }

  absl::Status Flush(absl::Duration timeout) override {
    std::shared_lock lock(mu_);
    return client_->Flush(timeout);
  }

 private:
  absl::Status Renew() {
    {
      std::shared_lock lock(mu_);
      if (!client_->broken()) return absl::OkStatus();
    }
    std::unique_lock lock(mu_);
    return client_->broken() ? NewClient() : absl::OkStatus();
  }

  // The one before goes only when there is a new one to answer for it.
  absl::Status NewClient() {
    auto fresh = Client::Make(options_);
    if (!fresh.ok()) return fresh.status();
    (*fresh)->Start(std::move(client_));
    client_ = *std::move(fresh);
    return absl::OkStatus();
  }

  RdkafkaOptions options_;
  std::shared_mutex mu_;  // guards which client it is; the client itself takes calls from anywhere
  std::unique_ptr<Client> client_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Producer>> MakeProducer(const RdkafkaOptions& options) {
  auto made = std::make_unique<RdProducer>();
  if (absl::Status status = made->Open(options); !status.ok()) return status;
  return made;
}

}  // namespace regulars::kafka::rd
