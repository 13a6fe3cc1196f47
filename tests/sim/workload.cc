#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "regulars/points/v1/points_service.pb.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::sim {
namespace {

constexpr int64_t kEventPoolStart = 852'076'800 * kSecond;  // 1997-01-01
constexpr int64_t kCommandsMax = 40;
constexpr int kPointsService = 1;
// Answers are replayed for seven days of the pool's clock.
constexpr int64_t kReplay = 7 * kDay;

std::string Hmac(std::string_view pool, int64_t person) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    uint64_t h = Xxh3(Cat(pool, "/", person, "/", i));
    for (int j = 0; j < 8; ++j, h >>= 8) bytes.push_back(static_cast<char>(h & 0xff));
  }
  return bytes;
}

}  // namespace

Workload::Workload(World* world) : world_(world) {
  log_ = world_->log().ForProcess("ingest");
  producer_ = *log_->NewProducer();
  world_->on_death = [this](Instance* instance) {
    for (const auto& command : commands_) {
      if (command->asked == instance && command->state == SentCommand::State::kAsked) {
        command->state = SentCommand::State::kWaiting;  // it died without an answer
      }
    }
  };
  Plan();
}

void Workload::Plan() {
  Rng& rng = world_->rng();
  const int64_t people = rng.Between(5, 20);
  const int64_t count = rng.Between(30, 150);
  int64_t clock_us = kEventPoolStart;
  for (int64_t i = 0; i < count; ++i) {
    if (world_->has_event_pool() && rng.PerMille(500)) {
      clock_us += rng.Below(5 * kDay);
      PlanTouch(std::string(kEventPool), std::max<int64_t>(people / 3, 2), clock_us);
      if (rng.PerMille(200)) PlanClock(clock_us);
    } else {
      PlanTouch(std::string(kLivePool), people, 0);
    }
  }
  event_clock_us_ = clock_us;
}

void Workload::PlanTouch(const std::string& pool, int64_t people, int64_t occurred_us) {
  Rng& rng = world_->rng();
  auto touch = std::make_unique<SentTouch>();
  touch->pool = pool;
  touch->hmac = Hmac(pool, rng.Below(people));
  touch->pivot_key = model::IdentifierKey(touch->hmac);
  touch->occurred_us = occurred_us;
  const int64_t id = ++ids_;
  touch->touch_id = model::TouchId("shop", Cat("n", id));
  const int64_t draw = rng.Below(100);
  std::vector<const SentTouch*> orders;
  for (const auto& earlier : touches_) {
    if (earlier->kind == SentTouch::Kind::kOrder && earlier->pivot_key == touch->pivot_key) {
      orders.push_back(earlier.get());
    }
  }
  if (draw < 15 && !orders.empty()) {
    const SentTouch* order = orders[static_cast<size_t>(rng.Below(std::ssize(orders)))];
    touch->kind = SentTouch::Kind::kRefund;
    touch->order_id = order->order_id;
    touch->refund_id = Cat("r", id);
    touch->whole_order = rng.PerMille(400);
    touch->amount_minor = touch->whole_order ? order->amount_minor : rng.Between(0, 3000);
  } else if (draw < 30) {
    touch->kind = SentTouch::Kind::kOther;
  } else {
    touch->order_id = Cat("o", id);
    touch->amount_minor = rng.PerMille(50) ? 0 : rng.Between(50, 9000);
  }
  auto item = std::make_shared<Item>();
  item->touch = touch.get();
  queue_.push_back(std::move(item));
  touches_.push_back(std::move(touch));
}

void Workload::PlanClock(int64_t clock_us) {
  for (int32_t partition = 0; partition < world_->shards(); ++partition) {
    runtime::v1::ClockAdvanced clock;
    clock.set_pool(std::string(kEventPool));
    clock.set_clock_us(clock_us);
    clock.set_producing_shard("ingest");
    auto item = std::make_shared<Item>();
    item->clock.topic = world_->Topic(events::kIngest, events::kTouchesKind);
    item->clock.partition = partition;
    item->clock.key = std::string(kEventPool);
    item->clock.value = clock.SerializeAsString();
    item->clock.headers = events::ToHeaders({.type = events::kClockAdvanced,
                                             .id = Cat("clock/", clock_us),
                                             .source = "/regulars/ingest",
                                             .subject = kEventPool,
                                             .time_us = clock_us,
                                             .pool = kEventPool,
                                             .shard = events::kIngestShard,
                                             .traceparent = {}});
    queue_.push_back(std::move(item));
  }
}

void Workload::EndEventPool() {
  if (!world_->has_event_pool()) return;
  event_clock_us_ += world_->rng().Below(2 * kExpiryDays) * kDay;
  PlanClock(event_clock_us_);
}

void Workload::MakeRecord(SentTouch* touch) {
  if (touch->occurred_us == 0) {
    touch->occurred_us = world_->now_us() - world_->rng().Below(3600 * kSecond);
  }
  ingest::v1::TouchReceived received;
  ingest::v1::Touch& wire = *received.mutable_touch();
  wire.set_touch_id(touch->touch_id);
  wire.set_source("shop");
  wire.set_native_id(touch->touch_id);
  wire.set_occurred_us(touch->occurred_us);
  wire.set_received_us(world_->now_us());
  auto* pivot = wire.add_identifiers();
  pivot->set_type("phone");
  pivot->set_hmac(touch->hmac);
  pivot->set_class_(types::v1::IDENTIFIER_CLASS_STRONG);
  switch (touch->kind) {
    case SentTouch::Kind::kOrder: {
      auto* order = wire.mutable_body()->mutable_order_paid();
      order->set_order_id(touch->order_id);
      order->set_amount_minor(touch->amount_minor);
      order->set_currency_code("USD");
      break;
    }
    case SentTouch::Kind::kRefund: {
      auto* refund = wire.mutable_body()->mutable_order_refunded();
      refund->set_order_id(touch->order_id);
      refund->set_refund_id(touch->refund_id);
      refund->set_amount_minor(touch->amount_minor);
      refund->set_currency_code("USD");
      refund->set_whole_order(touch->whole_order);
      break;
    }
    case SentTouch::Kind::kOther:
      wire.mutable_body()->mutable_visit()->set_place("store");
      break;
  }
  kafka::OutRecord& record = touch->record;
  record.topic = world_->Topic(events::kIngest, events::kTouchesKind);
  record.partition = ShardOf(Bucket(touch->pool, touch->pivot_key), world_->shards());
  record.key = touch->pivot_key;
  record.value = received.SerializeAsString();
  record.headers = events::ToHeaders({.type = events::kTouchReceived,
                                      .id = touch->touch_id,
                                      .source = "/regulars/ingest",
                                      .subject = touch->pivot_key,
                                      .time_us = touch->occurred_us,
                                      .pool = touch->pool,
                                      .shard = events::kIngestShard,
                                      .traceparent = {}});
}

// One try; the item stays first in the queue until the log said that it has it.
void Workload::Pump(const std::shared_ptr<Item>& item, bool in_order) {
  if (!item->in_flight) {
    if (item->touch != nullptr && item->touch->record.topic.empty()) MakeRecord(item->touch);
    item->in_flight = true;
    const absl::Status sent = producer_->Produce(
        item->touch != nullptr ? item->touch->record : item->clock,
        [this, item, in_order](absl::StatusOr<int64_t> offset) {
          item->in_flight = false;
          world_->Note(Cat("ingest: ", offset.ok() ? Cat("has ", *offset) : "refused"));
          if (!offset.ok()) return;
          ++appended_;
          if (item->touch != nullptr) item->touch->acknowledged = true;
          if (in_order) {
            std::erase(queue_, item);
          } else {
            std::erase(repeats_, item);
          }
        });
    if (!sent.ok()) item->in_flight = false;
  }
  (void)producer_->Flush(absl::ZeroDuration());
}

bool Workload::Send() {
  if (queue_.empty()) return false;
  Pump(std::shared_ptr<Item>(queue_.front()), true);
  return true;
}

void Workload::Repeat() {
  if (repeats_.empty()) {
    std::vector<SentTouch*> known;
    for (const auto& touch : touches_) {
      if (touch->acknowledged) known.push_back(touch.get());
    }
    if (known.empty()) return;
    auto item = std::make_shared<Item>();
    item->touch = known[static_cast<size_t>(world_->rng().Below(std::ssize(known)))];
    repeats_.push_back(std::move(item));
  }
  Pump(std::shared_ptr<Item>(repeats_.front()), false);
}

void Workload::FinishRepeats() {
  if (!repeats_.empty()) Pump(std::shared_ptr<Item>(repeats_.front()), false);
}

void Workload::Ask() {
  Rng& rng = world_->rng();
  if (std::ssize(commands_) >= kCommandsMax) return AskWaiting();
  auto command = std::make_unique<SentCommand>();
  std::vector<const SentCommand*> done;
  for (const auto& earlier : commands_) {
    if (earlier->acknowledged && !earlier->reversal) done.push_back(earlier.get());
  }
  const int64_t id = ++ids_;
  if (!done.empty() && rng.PerMille(300)) {
    const SentCommand* redeemed = done[static_cast<size_t>(rng.Below(std::ssize(done)))];
    command->reversal = true;
    command->pool = redeemed->pool;
    command->member = redeemed->member;
    command->redemption_id = redeemed->redemption_id;
  } else {
    // Members that exist by now, in the order of the log.
    std::vector<std::pair<std::string, std::string>> members;
    const std::string topic = world_->Topic(events::kIdentity, events::kEventsKind);
    for (int32_t partition = 0; partition < world_->shards(); ++partition) {
      for (const kafka::Record& record : world_->log().ReadCommitted({topic, partition})) {
        const auto event = events::FromHeaders(record.headers);
        if (event.ok() && event->type == events::kMemberCreated) {
          members.emplace_back(event->pool, event->subject);
        }
      }
    }
    if (members.empty()) return;
    const auto& member = members[static_cast<size_t>(rng.Below(std::ssize(members)))];
    command->pool = member.first;
    command->member = member.second;
    command->redemption_id = Cat("redeem", id);
    command->points = rng.Between(1, 60);
  }
  command->request_id = Cat("request-", id);
  const std::string balance =
      Cat("pools/", command->pool, "/members/", command->member, "/balances/", kProgramId);
  if (command->reversal) {
    points::v1::ReversePointsRequest request;
    request.set_name(Cat(balance, "/redemptions/", command->redemption_id));
    command->payload = request.SerializeAsString();
  } else {
    points::v1::RedeemPointsRequest request;
    request.set_name(balance);
    request.set_redemption_id(command->redemption_id);
    request.set_points(command->points);
    command->payload = request.SerializeAsString();
  }
  commands_.push_back(std::move(command));
  Submit(commands_.back().get());
}

void Workload::AskWaiting() {
  for (const auto& command : commands_) {
    if (command->state == SentCommand::State::kDone && !command->again) {
      command->again = true;  // a caller whose answer was lost asks once more
      command->state = SentCommand::State::kWaiting;
    }
    // What was answered KEY_PARKED is asked again when the bug is mended.
    if (command->state == SentCommand::State::kParked && world_->poison().mended()) {
      command->state = SentCommand::State::kWaiting;
    }
    if (command->state == SentCommand::State::kWaiting) Submit(command.get());
  }
}

int64_t Workload::PoolClock(const SentCommand& command) const {
  const int32_t shard = ShardOf(Bucket(command.pool, command.member), world_->shards());
  Instance* owner = world_->OwnerOf(kPointsService, shard);
  if (owner == nullptr) return 0;
  for (const shard::ShardStatus& status : owner->worker->Snapshot()) {
    const auto clock = status.clocks.find(command.pool);
    if (status.shard == shard && clock != status.clocks.end()) return clock->second;
  }
  return 0;
}

void Workload::CompareAnswer(SentCommand* command, const std::string& reply) {
  if (!command->acknowledged) {
    command->reply = reply;
    command->replayed_until_us = command->asked_clock_us + kReplay;
  } else if (PoolClock(*command) < command->replayed_until_us && command->reply != reply) {
    world_->Violation(Cat("request ", command->request_id, " has two answers"));
  }
}

void Workload::Submit(SentCommand* command) {
  Instance* owner = world_->OwnerOf(
      kPointsService, ShardOf(Bucket(command->pool, command->member), world_->shards()));
  if (owner == nullptr || !owner->worker) return;
  shard::Command ask;
  ask.pool = command->pool;
  ask.entity = command->member;
  ask.type = command->reversal ? "ReversePoints" : "RedeemPoints";
  ask.payload = command->payload;
  ask.request_id = command->request_id;
  ask.request_hash = Cat(Xxh3(command->payload));
  const int64_t attempt = ++command->tries;
  auto answered = std::make_shared<bool>(false);
  ask.done = [this, command, attempt, answered](const shard::Reply& reply,
                                                const runtime::v1::PositionToken&) {
    if (*answered) world_->Violation(Cat("command ", command->request_id, " answered twice"));
    *answered = true;
    world_->Note(Cat(command->request_id, ": ", static_cast<int>(reply.code), " ", reply.reason));
    if (reply.code == absl::StatusCode::kOk) {
      CompareAnswer(command, reply.payload);
      command->acknowledged = true;
    }
    if (attempt != command->tries) return;  // an older try
    if (reply.code == absl::StatusCode::kOk) {
      command->state = SentCommand::State::kDone;
    } else if (reply.code == absl::StatusCode::kUnavailable) {
      command->state = SentCommand::State::kWaiting;
    } else if (reply.reason == "KEY_PARKED") {
      if (!world_->poison().Crashed({command->pool, command->member})) {
        world_->Violation(Cat("a command to the innocent ", command->member, " is parked"));
      }
      command->state = SentCommand::State::kParked;
    } else {
      if (command->acknowledged) {
        world_->Violation(
            Cat("request ", command->request_id, " refused after it was done: ", reply.reason));
      }
      command->state = SentCommand::State::kRefused;
    }
  };
  if (attempt == 1) command->asked_clock_us = PoolClock(*command);
  command->asked = owner;
  command->state = SentCommand::State::kAsked;
  if (!owner->worker->Submit(std::move(ask))) command->state = SentCommand::State::kWaiting;
}

bool Workload::settled() const {
  return queue_.empty() && repeats_.empty() &&
         std::all_of(commands_.begin(), commands_.end(), [this](const auto& command) {
           return command->state == SentCommand::State::kRefused ||
                  (command->state == SentCommand::State::kParked && !world_->poison().lifted()) ||
                  (command->state == SentCommand::State::kDone && command->again);
         });
}

}  // namespace regulars::sim
