// What the simulated world is asked to do: touches through a plain producer in the place of ingest,
// clock records of the event pool, redemptions and reversals by Worker::Submit. It remembers what
// was acknowledged: that is what the auditor holds the services to. Deterministic by the world's
// seed. Not thread-safe; must outlive the world's workers.
#ifndef REGULARS_TESTS_SIM_WORKLOAD_H_
#define REGULARS_TESTS_SIM_WORKLOAD_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "libs/kafka/port.h"
#include "tests/sim/world.h"

namespace regulars::sim {

// One touch as it was sent, known to the auditor once `acknowledged`.
struct SentTouch {
  enum class Kind : uint8_t { kOrder, kRefund, kOther };
  std::string pool;
  std::string pivot_key;  // one per person
  std::string hmac;
  Kind kind = Kind::kOrder;
  std::string touch_id;
  std::string order_id;   // order, refund
  std::string refund_id;  // refund
  int64_t amount_minor = 0;
  bool whole_order = false;
  int64_t occurred_us = 0;
  bool acknowledged = false;
  kafka::OutRecord record;
};

struct SentCommand {
  enum class State : uint8_t { kWaiting, kAsked, kDone, kRefused, kParked };
  std::string pool, member;
  bool reversal = false;
  std::string redemption_id;
  int64_t points = 0;
  std::string request_id;
  std::string payload;
  State state = State::kWaiting;
  bool acknowledged = false;  // some answer was OK
  bool again = false;         // asked once more after the answer
  std::string reply;          // of the first answer that was OK
  Instance* asked = nullptr;
  int64_t tries = 0;
  int64_t asked_clock_us = 0;     // of the pool, when it was asked first
  int64_t replayed_until_us = 0;  // by the pool's clock: up to then the answer is the same
};

class Workload {
 public:
  explicit Workload(World* world);

  // Sends the next thing of ingest's queue, or a repeat of an older touch. False: nothing is left.
  bool Send();
  void Repeat();
  void FinishRepeats();
  // Asks for a redemption or reversal, or again what got no answer.
  void Ask();
  void AskWaiting();
  [[nodiscard]] bool settled() const;
  // Puts the last clock of the event pool into the queue.
  void EndEventPool();

  const std::vector<std::unique_ptr<SentTouch>>& touches() const { return touches_; }
  const std::deque<std::unique_ptr<SentCommand>>& commands() const { return commands_; }
  int64_t event_clock_us() const { return event_clock_us_; }
  int64_t appended() const { return appended_; }

 private:
  struct Item {
    SentTouch* touch = nullptr;  // null: a clock record
    kafka::OutRecord clock;
    bool in_flight = false;
  };

  void Plan();
  void PlanTouch(const std::string& pool, int64_t people, int64_t occurred_us);
  void PlanClock(int64_t clock_us);
  void MakeRecord(SentTouch* touch);
  void Pump(const std::shared_ptr<Item>& item, bool in_order);
  void Submit(SentCommand* command);
  // A repeated question gets the first answer, byte for byte.
  void CompareAnswer(SentCommand* command, const std::string& reply);
  // The clock of the command's pool at its shard, as of the last commit; 0 when nobody owns it.
  int64_t PoolClock(const SentCommand& command) const;

  World* const world_;
  std::unique_ptr<kafka::Log> log_;
  std::unique_ptr<kafka::Producer> producer_;
  std::vector<std::unique_ptr<SentTouch>> touches_;
  std::deque<std::shared_ptr<Item>> queue_;
  std::vector<std::shared_ptr<Item>> repeats_;
  std::deque<std::unique_ptr<SentCommand>> commands_;
  int64_t event_clock_us_ = 0;
  int64_t appended_ = 0;
  int64_t ids_ = 0;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_WORKLOAD_H_
