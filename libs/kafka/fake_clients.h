// Makers of the fake log's clients. Part of fake_log.h.
#ifndef REGULARS_LIBS_KAFKA_FAKE_CLIENTS_H_
#define REGULARS_LIBS_KAFKA_FAKE_CLIENTS_H_

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/kafka/fake_broker.h"
#include "libs/kafka/port.h"

namespace regulars::kafka::fake {

// What every client has: its broker, its names, and the pulse that KillProcess stops.
class Client {
 public:
  Client(std::shared_ptr<Broker> broker, std::string process, std::string name);

 protected:
  // Asks the fault hook; a kill is carried out here.
  FakeFault Consult(FakeOp op);
  // OK, or what a non-transactional call answers to this fault or to being dead. Mutex held.
  absl::Status Refused(const FakeFault& fault) const;
  bool dead() const { return pulse_->dead; }  // mutex held

  const std::shared_ptr<Broker> broker_;
  const std::string process_;
  const std::string name_;

 private:
  const std::shared_ptr<Pulse> pulse_;
};

// Waits on the broker's condition until `ready` or the time is over; not at all unless the log
// blocks.
template <typename Ready>
bool WaitUntil(Broker* broker, std::unique_lock<std::mutex>* lock, absl::Duration timeout,
               Ready ready) {
  if (!broker->options.blocking) return ready();
  return broker->changed.wait_until(*lock, absl::ToChronoTime(absl::Now() + timeout), ready);
}

// The bounded queue of one plain producer; records wait here only while the fault hook holds them.
class PlainQueue : public Client {
 public:
  using Client::Client;
  ~PlainQueue();
  absl::Status Produce(const OutRecord& record, Producer::Done done);
  absl::Status Flush(absl::Duration timeout);
  // Carries out what is no longer held.
  void Pump();

 private:
  struct Waiting {
    OutRecord record;
    Producer::Done done;
    size_t bytes = 0;
  };
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
};

std::unique_ptr<Consumer> MakeConsumer(std::shared_ptr<Broker> broker, const std::string& process,
                                       const ConsumerOptions& options);
std::unique_ptr<TransactionalProducer> MakeTransactionalProducer(
    std::shared_ptr<Broker> broker, const std::string& process,
    const TransactionalProducerOptions& options);
std::unique_ptr<Producer> MakeProducer(std::shared_ptr<Broker> broker, const std::string& process);
std::unique_ptr<Reader> MakeReader(std::shared_ptr<Broker> broker, const std::string& process);

// Positions of an assignment; shared by consumers and tailing readers. Mutex held throughout.
class Cursor {
 public:
  absl::Status Assign(Broker* broker, const std::vector<TopicPartitionOffset>& offsets);
  void Clear() { places_.clear(); }
  bool empty() const { return places_.empty(); }
  // OUT_OF_RANGE when a position is outside of its partition's log.
  absl::StatusOr<std::optional<Record>> Next(const std::function<size_t(size_t)>& choose);

 private:
  struct Place {
    Partition* partition = nullptr;
    int64_t next = 0;
  };
  std::vector<Place> places_;
  size_t turn_ = 0;
};

}  // namespace regulars::kafka::fake

#endif  // REGULARS_LIBS_KAFKA_FAKE_CLIENTS_H_
