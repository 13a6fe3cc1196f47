// The fake group member: serves rebalances inside Poll, then delivers records.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/kafka/fake_clients.h"

namespace regulars::kafka::fake {

namespace {

class FakeConsumer : public Consumer, private Client {
 public:
  FakeConsumer(std::shared_ptr<Broker> broker, const std::string& process,
               const ConsumerOptions& options)
      : Client(std::move(broker), process,
               options.instance_id.empty()
                   ? options.group_id
                   : absl::StrCat(options.group_id, "/", options.instance_id)),
        options_(options) {
    std::lock_guard lock(broker_->mu);
    group_ = broker_->FindGroup(options_.group_id);
  }

  // As librdkafka: only a dynamic member says good-bye.
  ~FakeConsumer() override {
    std::lock_guard lock(broker_->mu);
    if (dead() || !options_.instance_id.empty() || member_id_.empty()) return;
    group_->Leave(member_id_, broker_->Counts());
    broker_->changed.notify_all();
  }

  absl::Status Subscribe(const std::vector<std::string>& topics,
                         RebalanceListener* listener) override {
    std::lock_guard lock(broker_->mu);
    if (dead()) return absl::CancelledError("fake: this client was killed");
    if (!topics_.empty()) return absl::FailedPreconditionError("already subscribed");
    if (topics.empty()) return absl::InvalidArgumentError("no topics");
    topics_ = topics;
    listener_ = listener;
    return absl::OkStatus();
  }

  absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) override {
    std::lock_guard lock(broker_->mu);
    if (dead()) return absl::CancelledError("fake: this client was killed");
    return cursor_.Assign(broker_.get(), offsets);
  }

  absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) override {
    const FakeFault fault = Consult(FakeOp::kPoll);
    const FakeFault heartbeat = Consult(FakeOp::kHeartbeat);
    const auto until = absl::ToChronoTime(absl::Now() + timeout);
    std::unique_lock lock(broker_->mu);
    if (fault.kind == FakeFault::Kind::kFatal) broken_ = Refused(fault);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    while (true) {
      if (dead()) return absl::CancelledError("fake: this client was killed");
      if (heartbeat.kind == FakeFault::Kind::kNone) ServeGroup(&lock);
      if (!broken_.ok()) return broken_;
      absl::StatusOr<std::optional<Record>> next = cursor_.Next(broker_->options.choose);
      if (!next.ok()) broken_ = next.status();
      if (!next.ok() || next->has_value()) return next;
      if (std::exchange(woken_, false) || !broker_->options.blocking) return std::nullopt;
      if (broker_->changed.wait_until(lock, until) == std::cv_status::timeout) return std::nullopt;
    }
  }

  void Wake() override {
    std::lock_guard lock(broker_->mu);
    woken_ = true;
    broker_->changed.notify_all();
  }

  std::shared_ptr<const GroupToken> Group() override {
    std::lock_guard lock(broker_->mu);
    return token_;
  }

  absl::StatusOr<std::vector<TopicPartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions, absl::Duration timeout) override {
    const FakeFault fault = Consult(FakeOp::kCommitted);
    std::unique_lock lock(broker_->mu);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    if (!WaitUntil(broker_.get(), &lock, timeout,
                   [&] { return dead() || !group_->HasPending(partitions); })) {
      return absl::UnavailableError("a transaction with these offsets is open");
    }
    if (dead()) return absl::CancelledError("fake: this client was killed");
    std::vector<TopicPartitionOffset> out;
    for (const TopicPartition& p : partitions) {
      out.push_back({p.topic, p.partition, group_->CommittedOffset(p)});
    }
    return out;
  }

  absl::StatusOr<Watermarks> QueryWatermarks(const TopicPartition& where,
                                             absl::Duration /*timeout*/) override {
    const FakeFault fault = Consult(FakeOp::kWatermarks);
    std::lock_guard lock(broker_->mu);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    Partition* partition = broker_->FindPartition(where.topic, where.partition);
    if (partition == nullptr) return absl::NotFoundError("no such partition");
    return Watermarks{.low = partition->low(), .high = partition->last_stable()};
  }

 private:
  using Lock = std::unique_lock<std::mutex>;

  // Hears what the coordinator has to say. Listeners run without the mutex, so the group may have
  // changed after each of them; every step starts from the group as it is then.
  void ServeGroup(Lock* lock) {
    if (topics_.empty() || !broken_.ok()) return;
    Member* me = group_->Find(member_id_);
    if (me == nullptr) {
      const bool replaced = !member_id_.empty() && !options_.instance_id.empty() &&
                            group_->InstanceTaken(options_.instance_id);
      if (replaced) {
        broken_ = absl::FailedPreconditionError("fenced: another member has this instance id");
        cursor_.Clear();
        return;
      }
      Revoke(lock);
      if (dead()) return;
      member_id_ = group_->Join(options_.instance_id, topics_, broker_->Now(), broker_->Counts());
      broker_->changed.notify_all();
      me = group_->Find(member_id_);
    }
    me->last_poll_us = broker_->Now();
    if (group_->rebalancing() && !me->joined) {
      Revoke(lock);
      me = group_->Find(member_id_);
      if (me == nullptr || dead()) return;
      group_->Rejoin(me, broker_->Counts());
      broker_->changed.notify_all();
    }
    if (!group_->rebalancing() && !me->told) {
      Revoke(lock);  // only when a whole rebalance went by unheard
      me = group_->Find(member_id_);
      if (me == nullptr || dead() || group_->rebalancing()) return;
      me->told = true;
      assigned_ = me->assignment;
      has_assignment_ = true;
      token_ = std::make_shared<Token>(group_->id(), group_->generation(), member_id_,
                                       options_.instance_id);
      const std::vector<TopicPartition> partitions = assigned_;
      if (listener_ == nullptr) return;
      lock->unlock();
      listener_->OnAssigned(partitions);
      lock->lock();
    }
  }

  void Revoke(Lock* lock) {
    if (!has_assignment_) return;
    has_assignment_ = false;
    cursor_.Clear();
    const std::vector<TopicPartition> partitions = std::exchange(assigned_, {});
    if (listener_ == nullptr) return;
    lock->unlock();
    listener_->OnRevoked(partitions);
    lock->lock();
  }

  const ConsumerOptions options_;
  fake::Group* group_ = nullptr;
  std::vector<std::string> topics_;
  RebalanceListener* listener_ = nullptr;
  std::string member_id_;
  std::shared_ptr<const Token> token_;
  bool has_assignment_ = false;
  std::vector<TopicPartition> assigned_;
  Cursor cursor_;
  bool woken_ = false;
  absl::Status broken_;
};

}  // namespace

std::unique_ptr<Consumer> MakeConsumer(std::shared_ptr<Broker> broker, const std::string& process,
                                       const ConsumerOptions& options) {
  return std::make_unique<FakeConsumer>(std::move(broker), process, options);
}

}  // namespace regulars::kafka::fake
