// Writes the workload in the form in which identity publishes it: one MemberResolved per order,
// keyed by member, in the member's partition. Not in transactions: what reads it does not care.
#include "absl/time/clock.h"
#include "libs/base/base32.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/model/hashed_id.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "tests/bench/orders.h"
#include "tests/bench/raw_kafka.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr std::string_view kShop = "bench";
constexpr int64_t kOrderDistanceUs = 1000;

// 32 bytes that look like the HMAC of a customer number.
std::string HmacOf(int64_t member) {
  std::string bytes;
  for (uint64_t word = 0; word < 4; ++word) {
    const uint64_t mixed = Mix(static_cast<uint64_t>(member) * 4 + word);
    bytes.append(reinterpret_cast<const char*>(&mixed), sizeof(mixed));
  }
  return bytes;
}

identity::v1::MemberResolved EventOf(const Workload& workload, const Order& order,
                                     const std::string& member) {
  const int64_t occurred_us = workload.begin_us + order.number * kOrderDistanceUs;
  identity::v1::MemberResolved event;
  event.set_member(member);
  event.set_fragment_id("f" + member.substr(1));
  event.mutable_birth()->set_birth_us(workload.begin_us);
  event.mutable_birth()->set_sequence(order.member);
  event.set_is_new_member(order.first_of_member);
  auto* pivot = event.mutable_pivot();
  pivot->set_type("customer");
  pivot->set_scope(std::string(kShop));
  pivot->set_hmac(HmacOf(order.member));
  pivot->set_class_(types::v1::IDENTIFIER_CLASS_STRONG);
  auto* touch = event.mutable_touch();
  const std::string number = Cat(order.number);
  touch->set_touch_id(model::TouchId(kShop, number));
  touch->set_source(std::string(kShop));
  touch->set_native_id(number);
  touch->set_occurred_us(occurred_us);
  touch->set_received_us(occurred_us + kOrderDistanceUs);
  touch->set_channel("web");
  auto* paid = touch->mutable_body()->mutable_order_paid();
  paid->set_order_id(number);
  paid->set_amount_minor(order.amount_minor);
  paid->set_currency_code("USD");
  paid->add_lines()->set_quantity(1);
  return event;
}

Bytes RecordOf(const Workload& workload, int64_t index, int32_t* shard) {
  const Order order = OrderAt(workload, index);
  const std::string member = MemberId(order.member);
  const identity::v1::MemberResolved event = EventOf(workload, order, member);
  *shard = ShardOf(Bucket(workload.pool, member), workload.shards);
  const std::string id = Cat("resolved/", event.fragment_id(), "/order/", kShop, "/", order.number);
  const std::string source = events::SourceOf(events::kIdentity);
  const std::string producer = Cat(*shard);
  return {member, event.SerializeAsString(),
          events::ToHeaders({.type = events::kMemberResolved,
                             .id = id,
                             .source = source,
                             .subject = member,
                             .time_us = event.touch().occurred_us(),
                             .pool = workload.pool,
                             .shard = producer,
                             .traceparent = {}})};
}

}  // namespace

void Fill(const Flags& flags) {
  const Workload workload(flags);
  Delivered delivered;
  const Client producer =
      MakeClient(RD_KAFKA_PRODUCER,
                 kafka::rd::ProducerSettings(OptionsFor(flags.Text("bootstrap"))), &delivered);
  const TopicHandle topic(rd_kafka_topic_new(producer.get(), flags.Text("topic").c_str(), nullptr));
  const int64_t start_us = MonotonicMicros();
  int64_t bytes = 0;
  for (int64_t index = 0; index < workload.records; ++index) {
    int32_t shard = 0;
    const Bytes record = RecordOf(workload, index, &shard);
    bytes += static_cast<int64_t>(record.key.size() + record.value.size());
    Produce(producer.get(), topic.get(), shard, record);
    if (index % 256 == 0) rd_kafka_poll(producer.get(), 0);
  }
  FlushAll(producer.get(), delivered);
  Answer answer;
  answer.Add("records", delivered.records);
  answer.Add("bytes_per_record", bytes / workload.records);
  answer.AddReal("seconds", static_cast<double>(MonotonicMicros() - start_us) / 1e6);
  answer.Print();
}

}  // namespace regulars::bench
