#include "libs/kafka/fake_clients.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"

namespace regulars::kafka::fake {

Client::Client(std::shared_ptr<Broker> broker, std::string process, std::string name)
    : broker_(std::move(broker)),
      process_(std::move(process)),
      name_(std::move(name)),
      pulse_(std::make_shared<Pulse>()) {
  std::lock_guard lock(broker_->mu);
  broker_->AddPulse(process_, pulse_);
}

FakeFault Client::Consult(FakeOp op) {
  const FakeFault fault = broker_->Consult(op, process_, name_);
  if (fault.kind == FakeFault::Kind::kKill) {
    std::lock_guard lock(broker_->mu);
    pulse_->dead = true;
  }
  return fault;
}

absl::Status Client::Refused(const FakeFault& fault) const {
  if (dead()) return absl::CancelledError("fake: this client was killed");
  switch (fault.kind) {
    case FakeFault::Kind::kRetriable:
      return absl::UnavailableError("fake: broker away");
    case FakeFault::Kind::kAbort:
      return absl::AbortedError("fake: aborted");
    case FakeFault::Kind::kFatal:
      return absl::FailedPreconditionError("fake: fatal");
    default:
      return absl::OkStatus();
  }
}

absl::Status Cursor::Assign(Broker* broker, const std::vector<TopicPartitionOffset>& offsets) {
  std::vector<Place> places;
  for (const TopicPartitionOffset& o : offsets) {
    Partition* partition = broker->FindPartition(o.topic, o.partition);
    if (partition == nullptr) {
      return absl::NotFoundError(absl::StrCat("no partition ", o.topic, "/", o.partition));
    }
    if (o.offset < 0) return absl::InvalidArgumentError("Assign needs explicit offsets");
    places.push_back({partition, o.offset});
  }
  places_ = std::move(places);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Record>> Cursor::Next(const std::function<size_t(size_t)>& choose) {
  absl::InlinedVector<std::pair<Place*, const Entry*>, 16> ready;
  for (Place& place : places_) {
    if (place.next < place.partition->low() || place.next > place.partition->end()) {
      return absl::OutOfRangeError(absl::StrCat(place.partition->topic(), "/",
                                                place.partition->id(), ": offset ", place.next,
                                                " is not in the log"));
    }
    const Entry* entry = place.partition->NextVisible(place.next);
    if (entry != nullptr) ready.emplace_back(&place, entry);
  }
  if (ready.empty()) return std::nullopt;
  size_t chosen = 0;
  if (ready.size() > 1) {
    chosen = (choose ? choose(ready.size()) : turn_++) % ready.size();
  }
  auto [place, entry] = ready[chosen];
  place->next = entry->offset + 1;
  return place->partition->ToRecord(*entry);
}

absl::Status PlainQueue::Produce(const OutRecord& record, Producer::Done done) {
  const FakeFault fault = Consult(FakeOp::kPlainProduce);
  {
    std::unique_lock lock(broker_->mu);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    if (broker_->FindPartition(record.topic, record.partition) == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("no partition ", record.topic, "/", record.partition));
    }
    const size_t bytes = RecordBytes(record);
    if (bytes > kRecordBytesMax) return absl::InvalidArgumentError("record too large");
    if (waiting_bytes_ + bytes > broker_->options.producer_queue_bytes) {
      return absl::ResourceExhaustedError("producer queue is full");
    }
    waiting_bytes_ += bytes;
    waiting_.push_back({record, std::move(done), bytes});
    if (fault.kind == FakeFault::Kind::kLostAnswer) {
      Waiting lost = std::move(waiting_.back());
      waiting_.pop_back();
      waiting_bytes_ -= bytes;
      broker_->FindPartition(record.topic, record.partition)->Append(record, -1, broker_->Now());
      broker_->changed.notify_all();
      lock.unlock();
      lost.done(absl::UnavailableError("fake: answer lost"));
      return absl::OkStatus();
    }
  }
  if (fault.kind != FakeFault::Kind::kHold) Pump();
  return absl::OkStatus();
}

PlainQueue::~PlainQueue() {
  {
    std::lock_guard lock(broker_->mu);
    if (dead()) return;
  }
  for (Waiting& waiting : waiting_) waiting.done(absl::CancelledError("producer destroyed"));
}

void PlainQueue::Pump() {
  while (true) {
    Waiting next;
    int64_t offset = 0;
    {
      std::lock_guard lock(broker_->mu);
      if (waiting_.empty() || dead()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_ -= next.bytes;
      offset = broker_->FindPartition(next.record.topic, next.record.partition)
                   ->Append(next.record, -1, broker_->Now());
      broker_->changed.notify_all();
    }
    next.done(offset);
  }
}

absl::Status PlainQueue::Flush(absl::Duration /*timeout*/) {
  const FakeFault fault = Consult(FakeOp::kPlainFlush);
  {
    std::lock_guard lock(broker_->mu);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    if (fault.kind == FakeFault::Kind::kHold && !waiting_.empty()) {
      return absl::DeadlineExceededError("fake: records are held");
    }
  }
  Pump();
  return absl::OkStatus();
}

namespace {

class FakeProducer : public Producer {
 public:
  explicit FakeProducer(std::shared_ptr<PlainQueue> queue) : queue_(std::move(queue)) {}
  absl::Status Produce(const OutRecord& record, Done done) override {
    return queue_->Produce(record, std::move(done));
  }
  absl::Status Flush(absl::Duration timeout) override { return queue_->Flush(timeout); }

 private:
  const std::shared_ptr<PlainQueue> queue_;
};

class FakeReader : public Reader, private Client {
 public:
  using Client::Client;

  absl::Status ReadRange(const TopicPartition& where, int64_t from, int64_t to,
                         const std::function<bool(const Record&)>& fn,
                         absl::Duration timeout) override {
    const FakeFault fault = Consult(FakeOp::kReadRange);
    std::unique_lock lock(broker_->mu);
    cursor_.Clear();
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    Partition* partition = broker_->FindPartition(where.topic, where.partition);
    if (partition == nullptr) return absl::NotFoundError("no such partition");
    while (from < to) {
      if (from < partition->low() || from > partition->end()) {
        return absl::OutOfRangeError(absl::StrCat(where.topic, "/", where.partition, ": offset ",
                                                  from, " is not in the log"));
      }
      const Entry* entry = partition->NextVisible(from);
      if (entry == nullptr) {
        const int64_t stable = partition->last_stable();
        if (stable >= to) return absl::OkStatus();
        from = std::max(from, stable);
        if (!WaitUntil(broker_.get(), &lock, timeout,
                       [&] { return partition->last_stable() > stable || dead(); })) {
          return absl::DeadlineExceededError("the range is not complete yet");
        }
        if (dead()) return absl::CancelledError("fake: this client was killed");
        continue;
      }
      if (entry->offset >= to) return absl::OkStatus();
      from = entry->offset + 1;
      const Record record = partition->ToRecord(*entry);
      lock.unlock();
      if (!fn(record)) return absl::OkStatus();
      lock.lock();
    }
    return absl::OkStatus();
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

  absl::Status Assign(const std::vector<TopicPartitionOffset>& offsets) override {
    std::lock_guard lock(broker_->mu);
    return cursor_.Assign(broker_.get(), offsets);
  }

  absl::StatusOr<std::optional<Record>> Poll(absl::Duration timeout) override {
    const FakeFault fault = Consult(FakeOp::kTail);
    std::unique_lock lock(broker_->mu);
    if (absl::Status status = Refused(fault); !status.ok()) return status;
    absl::StatusOr<std::optional<Record>> next = std::nullopt;
    WaitUntil(broker_.get(), &lock, timeout, [&] {
      if (dead()) next = absl::CancelledError("fake: this client was killed");
      if (next.ok()) next = cursor_.Next(broker_->options.choose);
      return !next.ok() || next->has_value();
    });
    return next;
  }

 private:
  Cursor cursor_;
};

}  // namespace

std::unique_ptr<Producer> MakeProducer(std::shared_ptr<Broker> broker, const std::string& process) {
  auto queue = std::make_shared<PlainQueue>(broker, process, "");
  std::lock_guard lock(broker->mu);
  broker->AddQueue(queue);
  return std::make_unique<FakeProducer>(queue);
}

std::unique_ptr<Reader> MakeReader(std::shared_ptr<Broker> broker, const std::string& process) {
  return std::make_unique<FakeReader>(std::move(broker), process, "");
}

}  // namespace regulars::kafka::fake
