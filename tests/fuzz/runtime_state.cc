// The runtime's own records, and the keys of changelog, store and view.
#include <google/protobuf/stubs/logging.h>

#include <string>
#include <string_view>
#include <vector>

#include "libs/redis/view_keys.h"
#include "libs/shard/keys.h"
#include "regulars/runtime/v1/runtime_state.pb.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

template <typename Message>
void Parse(std::string_view bytes) {
  Message message;
  if (!message.ParseFromString(std::string(bytes))) return;
  Message again;
  FUZZ_CHECK(again.ParseFromString(message.SerializeAsString()));
  FUZZ_CHECK(again.SerializeAsString() == message.SerializeAsString());
}

void Keys(Bytes bytes) {
  const std::string pool = Bytes::WithoutZeros(bytes.Text());
  const std::string entity = Bytes::WithoutZeros(bytes.Text());
  const std::string sub = Bytes::WithoutZeros(bytes.Text());
  const int64_t at = bytes.Int64() & INT64_MAX, other = bytes.Int64() & INT64_MAX;

  const std::string state = shard::StateKey(pool, entity, sub);
  const auto s = shard::ParseStateKey(state);
  FUZZ_CHECK(s.pool == pool && s.entity == entity && s.sub == sub);
  const std::string timers = shard::TimersKey(pool, entity);
  const auto t = shard::ParseTimersKey(timers);
  FUZZ_CHECK(t.pool == pool && t.entity == entity);
  const std::string due = shard::DueKey(pool, at, entity, sub);
  const auto d = shard::ParseDueKey(due);
  FUZZ_CHECK(d.pool == pool && d.entity == entity && d.name == sub && d.at_us == at);
  const std::string expiry = shard::ExpiryKey(pool, at, state);
  const auto x = shard::ParseExpiryKey(expiry);
  FUZZ_CHECK(x.pool == pool && x.state_key == state && x.at_us == at);
  // Byte order is time order.
  FUZZ_CHECK((due < shard::DueKey(pool, other, entity, sub)) == (at < other));
  FUZZ_CHECK((due < shard::IndexBound(shard::kDueKind, pool, other)) == (at < other));
  const std::string end = shard::PrefixEnd(state);
  FUZZ_CHECK(state < end && state + "\xff" < end);
}

void ViewKeys(Bytes bytes) {
  const int32_t count = bytes.Byte() % 64 + 1;
  const redis::ShardId shard{"points", bytes.Byte() % count, count};
  const int64_t generation = bytes.Int64() & INT64_MAX;
  const std::string_view key = bytes.Rest();
  const std::string prefix = redis::KeyPrefix(shard);
  const int32_t slot =
      redis::HashSlot(redis::GenerationPrefix(shard, generation) + std::string(key));
  FUZZ_CHECK(slot == redis::HashSlot(redis::MetaKey(shard)));
  const auto own =
      redis::GenerationOf(prefix, redis::GenerationPrefix(shard, generation) + std::string(key));
  FUZZ_CHECK(own == generation);
  FUZZ_CHECK(!redis::GenerationOf(prefix, redis::MetaKey(shard)));
  const int32_t any = redis::HashSlot(key);
  FUZZ_CHECK(any >= 0 && any < redis::kSlotCount);
  (void)redis::GenerationOf(prefix, key);
  (void)redis::GenerationOf(prefix, prefix + std::string(key));
}

}  // namespace

void One(std::string_view input) {
  const google::protobuf::LogSilencer quiet;
  Bytes bytes(input);
  switch (bytes.Byte() % 5) {
    case 0:
      return Parse<runtime::v1::ShardRecord>(bytes.Rest());
    case 1:
      return Parse<runtime::v1::StateValue>(bytes.Rest());
    case 2:
      return Parse<runtime::v1::EntityTimers>(bytes.Rest());
    case 3:
      return Keys(bytes);
    default:
      return ViewKeys(bytes);
  }
}

std::vector<std::string> Seeds() {
  runtime::v1::ShardRecord books;
  books.set_log_id("log");
  books.set_epoch(7);
  books.set_sequence(12);
  auto* clock = books.add_pool_clocks();
  clock->set_pool("tea");
  clock->set_now_us(1'700'000'000'000'000);
  auto* in = books.add_inputs();
  in->set_topic("regulars.identity.events.v1.g1");
  in->set_to(4);
  auto* out = books.add_outputs();
  out->set_topic("regulars.points.events.v1.g1");
  out->set_records(3);
  auto* sum = books.add_sums();
  sum->set_name("loyalty/issued");
  sum->set_value(-1);
  runtime::v1::StateValue value;
  value.set_value("state");
  value.set_expires_at_us(1);
  runtime::v1::EntityTimers timers;
  auto* timer = timers.add_timers();
  timer->set_name("expire");
  timer->set_at_us(1);
  return {Input().Byte(0).Rest(books.SerializeAsString()),
          Input().Byte(1).Rest(value.SerializeAsString()),
          Input().Byte(2).Rest(timers.SerializeAsString()),
          Input().Byte(3).Text("tea").Text("m_1").Text("lot/1").Int64(5).Int64(6),
          Input().Byte(4).Byte(3).Byte(1).Int64(4).Rest("tea|m_1|"),
          Input().Byte(4).Byte(3).Byte(1).Int64(4).Rest("r1:{1.4.}:points:12:x")};
}

}  // namespace regulars::fuzz
