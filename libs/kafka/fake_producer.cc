// The fake transactional producer: the client's half of the protocol before KIP-890 part 2.
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/kafka/fake_clients.h"

namespace regulars::kafka::fake {

namespace {

using Kind = FakeFault::Kind;

TxnResult Fatal(std::string why) { return {TxnError::kFatal, std::move(why)}; }

class FakeTransactionalProducer : public TransactionalProducer, private Client {
 public:
  FakeTransactionalProducer(std::shared_ptr<Broker> broker, const std::string& process,
                            const std::string& id)
      : Client(std::move(broker), process, id) {}

  TxnResult Init(absl::Duration) override {
    return Run(
        FakeOp::kInit,
        [this](const FakeFault&) -> TxnResult {
          if (state_ != State::kNew) return Break("Init was called before");
          epoch_ = broker_->InitProducer(name_);
          return {};
        },
        [this] { state_ = State::kReady; });
  }

  TxnResult Begin() override {
    return Run(
        FakeOp::kBegin,
        [this](const FakeFault&) -> TxnResult {
          if (state_ != State::kReady) return Break("Begin: no producer at rest");
          partitions_.clear();
          has_group_ = false;
          unanswered_.clear();
          return {};
        },
        [this] { state_ = State::kOpen; });
  }

  TxnResult Produce(const OutRecord& record, int64_t* offset) override {
    TxnResult result = Run(
        FakeOp::kProduce,
        [&](const FakeFault& fault) -> TxnResult {
          if (TxnResult wrong = NotOpen(); !wrong.ok()) return wrong;
          if (RecordBytes(record) > kRecordBytesMax) return MustAbort("record too large");
          Partition* partition = broker_->FindPartition(record.topic, record.partition);
          if (partition == nullptr) {
            return MustAbort(absl::StrCat("no partition ", record.topic, "/", record.partition));
          }
          const bool is_new = partitions_.insert(partition).second;
          const Refusal refusal = is_new ? broker_->AddPartition(name_, epoch_, partition)
                                         : broker_->Verify(name_, epoch_, partition);
          if (refusal == Refusal::kFenced) return Break("producer fenced");
          if (refusal == Refusal::kInvalidState) return MustAbort("INVALID_TXN_STATE");
          newest_us_ = broker_->Now();
          const int64_t at =
              partition->Append(record, broker_->TransactionOf(name_).producer_id, newest_us_);
          if (offset != nullptr) unanswered_.emplace_back(offset, at);
          if (fault.kind == Kind::kLostAnswer) return MustAbort("fake: delivery failed");
          return {};
        },
        [] {});
    return result;
  }

  TxnResult Flush(absl::Duration) override {
    return Run(
        FakeOp::kFlush, [this](const FakeFault&) { return NotOpen(); }, [this] { Acknowledge(); });
  }

  TxnResult SendOffsets(const std::vector<TopicPartitionOffset>& offsets, const GroupToken& group,
                        absl::Duration) override {
    return Run(
        FakeOp::kSendOffsets,
        [&](const FakeFault&) -> TxnResult {
          if (TxnResult wrong = NotOpen(); !wrong.ok()) return wrong;
          std::vector<TopicPartitionOffset> real;
          for (const TopicPartitionOffset& o : offsets) {
            if (o.offset >= 0) real.push_back(o);
          }
          if (real.empty()) return {};  // as librdkafka: nothing is sent, so nothing is fenced
          const Token* token = dynamic_cast<const Token*>(&group);
          if (token == nullptr) return Break("a GroupToken of another log");
          Group* target = broker_->FindGroup(token->group);
          if (broker_->AddGroup(name_, epoch_, target) == Refusal::kFenced) {
            return Break("producer fenced");
          }
          has_group_ = true;
          if (std::string error = target->Validate(*token); !error.empty()) return MustAbort(error);
          target->AddPending(broker_->TransactionOf(name_).producer_id, real);
          return {};
        },
        [] {});
  }

  TxnResult Commit(absl::Duration) override {
    return Run(
        FakeOp::kCommit,
        [this](const FakeFault& fault) -> TxnResult {
          if (TxnResult wrong = NotOpen(); !wrong.ok()) return wrong;
          return End(true, fault);
        },
        [this] {
          Acknowledge();
          state_ = State::kReady;
        });
  }

  TxnResult Abort(absl::Duration) override {
    return Run(
        FakeOp::kAbort,
        [this](const FakeFault& fault) -> TxnResult {
          if (state_ != State::kOpen && state_ != State::kMustAbort)
            return Break("nothing to abort");
          return End(false, fault);
        },
        [this] { state_ = State::kReady; });
  }

  bool dirty() const override { return dirty_ && broker_->options.dirty_rule; }
  int64_t broker_time_us() const override { return broker_time_us_; }

 private:
  enum class State : uint8_t { kNew, kReady, kOpen, kMustAbort, kBroken };

  // The frame of every call: fault, work, answer. `done` runs when the caller hears of success.
  template <typename Work, typename DoneFn>
  TxnResult Run(FakeOp op, Work work, DoneFn done) {
    const FakeFault fault = Consult(op);
    std::lock_guard lock(broker_->mu);
    if (dead()) return Fatal("fake: this client was killed");
    if (state_ == State::kBroken) return Fatal("producer is broken");
    switch (fault.kind) {
      case Kind::kRetriable:
        if (op != FakeOp::kProduce) dirty_ = true;
        return {TxnError::kRetriable, "fake: broker away"};
      case Kind::kAbort:
        if (state_ == State::kOpen) return MustAbort("fake: aborted");
        return Break("fake: aborted outside of a transaction");
      case Kind::kFatal:
        return Break("fake: fatal");
      default:
        break;
    }
    TxnResult result = work(fault);
    if (!result.ok()) return result;
    if (fault.kind == Kind::kLostAnswer) {
      dirty_ = true;
      if (fault.answer == TxnError::kFatal) return Break("fake: answer lost");
      return {TxnError::kRetriable, "fake: answer lost"};
    }
    done();
    return result;
  }

  TxnResult NotOpen() {
    if (state_ == State::kMustAbort) return {TxnError::kAbort, "the transaction must be aborted"};
    if (state_ != State::kOpen) return Break("no transaction is open");
    return {};
  }

  TxnResult MustAbort(std::string why) {
    state_ = State::kMustAbort;
    return {TxnError::kAbort, std::move(why)};
  }

  TxnResult Break(std::string why) {
    state_ = State::kBroken;
    return Fatal(std::move(why));
  }

  TxnResult End(bool commit, const FakeFault& fault) {
    if (partitions_.empty() && !has_group_) return {};  // nothing registered: no EndTxn is sent
    const int64_t hold_us = fault.kind == Kind::kHold ? fault.delay_us : 0;
    switch (broker_->EndTxn(name_, epoch_, commit, hold_us)) {
      case Refusal::kFenced:
        return Break("producer fenced");
      case Refusal::kInvalidState:
        return Break("INVALID_TXN_STATE");
      case Refusal::kNone:
        break;
    }
    if (fault.kind == Kind::kLateEndTxn) {
      broker_->DeliverEndTxnAgain(name_, epoch_, commit, fault.delay_us);
      dirty_ = true;
    }
    return {};
  }

  void Acknowledge() {
    for (const auto& [where, offset] : unanswered_) *where = offset;
    unanswered_.clear();
    if (newest_us_ > broker_time_us_) broker_time_us_ = newest_us_;
  }

  State state_ = State::kNew;
  int32_t epoch_ = -1;
  bool dirty_ = false;
  std::set<Partition*> partitions_;  // registered in this transaction, as the client believes
  bool has_group_ = false;
  std::vector<std::pair<int64_t*, int64_t>> unanswered_;
  int64_t newest_us_ = 0;
  int64_t broker_time_us_ = 0;
};

}  // namespace

std::unique_ptr<TransactionalProducer> MakeTransactionalProducer(
    std::shared_ptr<Broker> broker, const std::string& process,
    const TransactionalProducerOptions& options) {
  return std::make_unique<FakeTransactionalProducer>(std::move(broker), process,
                                                     options.transactional_id);
}

}  // namespace regulars::kafka::fake
