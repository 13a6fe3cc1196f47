// The real transactional producer: classes of errors, delivery reports, the dirty-producer rule.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/kafka/rdkafka_clients.h"
#include "libs/kafka/rdkafka_producer.h"

namespace regulars::kafka::rd {

namespace {

// Delivery reports wait in a queue and count against the producer's bound: serve them this often.
constexpr int kProducesPerPoll = 256;
// Abort waits this long for its records to be acknowledged; see Abort().
constexpr absl::Duration kSettleTimeout = absl::Seconds(1);

class RdTransactionalProducer : public TransactionalProducer {
 public:
  absl::Status Open(const RdkafkaOptions& options, const TransactionalProducerOptions& producer) {
    dirty_rule_ = options.dirty_rule;
    slow_ = options.socket_timeout / 2;
    Callbacks callbacks;
    callbacks.user = this;
    // Without this callback the flush inside commit polls in steps of 10 ms.
    callbacks.delivered = [](void* user, const rd_kafka_message_t* message) {
      static_cast<RdTransactionalProducer*>(user)->OnDelivered(*message);
    };
    auto handle = Handle::Make(options, RD_KAFKA_PRODUCER,
                               TransactionalProducerSettings(options, producer), callbacks);
    if (!handle.ok()) return handle.status();
    handle_ = *std::move(handle);
    rk_ = handle_->get();
    topics_ = std::make_unique<TopicCache>(rk_);
    return absl::OkStatus();
  }

  ~RdTransactionalProducer() override {
    if (handle_ != nullptr) handle_->Silence();
  }

  TxnResult Init(absl::Duration timeout) override {
    return Call([&] { return rd_kafka_init_transactions(rk_, TimeoutMs(timeout)); });
  }

  TxnResult Begin() override {
    if (!began_) {
      began_ = true;
      // What was lost while connecting held no EndTxn of ours.
      lost_before_ = handle_->lost_requests();
    }
    return ToResult(Owned<rd_kafka_error_t>(rd_kafka_begin_transaction(rk_)));
  }

  TxnResult Produce(const OutRecord& record, int64_t* offset) override {
    if (refused_) return OnlyAbortIsLeft();
    rd_kafka_topic_t* topic = topics_->Find(record.topic);
    if (topic == nullptr || RecordBytes(record) > kRecordBytesMax) {
      refused_ = true;
      return {TxnError::kAbort, topic == nullptr ? "topic name" : "record too large"};
    }
    if (++produces_ % kProducesPerPoll == 0) rd_kafka_poll(rk_, 0);
    rd_kafka_resp_err_t err = Enqueue(rk_, topic, record, offset);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(rk_, 0);
      err = Enqueue(rk_, topic, record, offset);
    }
    switch (err) {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        return {};
      case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return {TxnError::kRetriable, "producer queue is full"};
      case RD_KAFKA_RESP_ERR__FATAL:
      case RD_KAFKA_RESP_ERR__FENCED:
        return {TxnError::kFatal, absl::StrCat("produce: ", FatalText())};
      case RD_KAFKA_RESP_ERR__STATE:
        // Either the transaction is in an error already, or the producer is broken for good.
        if (rd_kafka_fatal_error(rk_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
          return {TxnError::kFatal, absl::StrCat("produce: ", FatalText())};
        }
        return {TxnError::kAbort, "produce: the transaction must be aborted"};
      default:
        return {TxnError::kAbort, absl::StrCat("produce: ", rd_kafka_err2name(err))};
    }
  }

  TxnResult Flush(absl::Duration timeout) override {
    if (refused_) return OnlyAbortIsLeft();
    const absl::Time start = absl::Now();
    const rd_kafka_resp_err_t err = rd_kafka_flush(rk_, TimeoutMs(timeout));
    if (absl::Now() - start > slow_) dirty_ = true;
    if (rd_kafka_fatal_error(rk_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return {TxnError::kFatal, absl::StrCat("flush: ", FatalText())};
    }
    if (err == RD_KAFKA_RESP_ERR__TIMED_OUT) {
      dirty_ = true;
      return {TxnError::kRetriable, "flush: timed out"};
    }
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return {TxnError::kFatal, absl::StrCat("flush: ", rd_kafka_err2name(err))};
    }
    if (failed_ != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return {TxnError::kAbort, absl::StrCat("delivery: ", rd_kafka_err2name(failed_))};
    }
    return {};
  }

  TxnResult SendOffsets(const std::vector<TopicPartitionOffset>& offsets, const GroupToken& group,
                        absl::Duration timeout) override {
    if (refused_) return OnlyAbortIsLeft();
    const auto* token = dynamic_cast<const Token*>(&group);
    if (token == nullptr) return {TxnError::kFatal, "a GroupToken of another log"};
    const auto list = ToList(offsets);
    return Call([&] {
      return rd_kafka_send_offsets_to_transaction(rk_, list.get(), token->get(),
                                                  TimeoutMs(timeout));
    });
  }

  TxnResult Commit(absl::Duration timeout) override {
    if (refused_) return OnlyAbortIsLeft();
    TxnResult result = Call([&] { return rd_kafka_commit_transaction(rk_, TimeoutMs(timeout)); });
    if (result.ok()) failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    return result;
  }

  // librdkafka sends the abort at once, even while the registration of a partition waits for the
  // markers of the last transaction; the coordinator then answers INVALID_TXN_STATE, which is
  // fatal. So a sound transaction is settled first. One that failed has its registrations behind
  // it.
  TxnResult Abort(absl::Duration timeout) override {
    if (!must_abort_ && failed_ == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_flush(rk_, TimeoutMs(std::min(timeout, kSettleTimeout)));
    }
    TxnResult result = Call([&] { return rd_kafka_abort_transaction(rk_, TimeoutMs(timeout)); });
    if (result.ok()) {
      failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;
      must_abort_ = false;
      refused_ = false;
    }
    return result;
  }

  bool dirty() const override {
    if (!dirty_rule_) return false;
    return dirty_ || (began_ && handle_->lost_requests() != lost_before_);
  }

  int64_t broker_time_us() const override { return broker_time_us_; }

 private:
  // Errors of our own side (negative codes: transport, time-outs) leave requests in flight; an
  // error the broker answered (positive, or _FENCED, which stands for one) leaves none.
  static bool LeavesDoubt(rd_kafka_resp_err_t code) {
    return code < 0 && code != RD_KAFKA_RESP_ERR__FENCED && code != RD_KAFKA_RESP_ERR__STATE;
  }

  // A transactional call with the dirty-producer rule applied.
  template <typename Function>
  TxnResult Call(Function function) {
    const absl::Time start = absl::Now();
    Owned<rd_kafka_error_t> error(function());
    if (absl::Now() - start > slow_) dirty_ = true;
    if (error != nullptr && LeavesDoubt(rd_kafka_error_code(error.get()))) dirty_ = true;
    TxnResult result = ToResult(std::move(error));
    if (result.error == TxnError::kAbort) must_abort_ = true;
    return result;
  }

  static TxnResult OnlyAbortIsLeft() {
    return {TxnError::kAbort, "the transaction must be aborted"};
  }

  static TxnResult ToResult(Owned<rd_kafka_error_t> error) {
    if (error == nullptr) return {};
    TxnResult result;
    result.message =
        absl::StrCat(rd_kafka_error_name(error.get()), ": ", rd_kafka_error_string(error.get()));
    if (rd_kafka_error_is_fatal(error.get())) {
      result.error = TxnError::kFatal;
    } else if (rd_kafka_error_txn_requires_abort(error.get())) {
      result.error = TxnError::kAbort;
    } else if (rd_kafka_error_is_retriable(error.get())) {
      result.error = TxnError::kRetriable;
    } else {
      result.error = TxnError::kFatal;
    }
    return result;
  }

  void OnDelivered(const rd_kafka_message_t& message) {
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const bool purged = message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                          message.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
      if (!purged) failed_ = message.err;
      return;
    }
    if (message._private != nullptr) *static_cast<int64_t*>(message._private) = message.offset;
    rd_kafka_timestamp_type_t type;
    const int64_t ms = rd_kafka_message_timestamp(&message, &type);
    if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) {
      broker_time_us_ = std::max(broker_time_us_, ms * 1000);
    }
  }

  std::string FatalText() const {
    char why[256] = "";
    const rd_kafka_resp_err_t err = rd_kafka_fatal_error(rk_, why, sizeof(why));
    return absl::StrCat(rd_kafka_err2name(err), ": ", why);
  }

  std::shared_ptr<Handle> handle_;
  rd_kafka_t* rk_ = nullptr;
  std::unique_ptr<TopicCache> topics_;
  bool dirty_rule_ = true;
  absl::Duration slow_;
  bool began_ = false;
  int64_t lost_before_ = 0;
  bool dirty_ = false;
  int produces_ = 0;
  bool refused_ = false;     // a record of this transaction, by us
  bool must_abort_ = false;  // a call of this transaction was refused
  rd_kafka_resp_err_t failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;  // of this transaction
  int64_t broker_time_us_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TransactionalProducer>> MakeTransactionalProducer(
    const RdkafkaOptions& options, const TransactionalProducerOptions& producer) {
  if (producer.transactional_id.empty()) {
    return absl::InvalidArgumentError("a transactional producer needs a transactional_id");
  }
  auto made = std::make_unique<RdTransactionalProducer>();
  if (absl::Status status = made->Open(options, producer); !status.ok()) return status;
  return made;
}

}  // namespace regulars::kafka::rd
