#include "tests/bench/orders.h"

#include <algorithm>
#include <string>

#include "libs/base/text.h"
#include "libs/model/names.h"

namespace regulars::bench {
namespace {

constexpr int64_t kRepeatEvery = 100;
constexpr int64_t kRepeatDistance = 50;
constexpr int64_t kHotShare = 10;  // one in ten members places half of the orders
constexpr int64_t kAmountMin = 100;
constexpr uint64_t kAmountRange = 20'000;

}  // namespace

Workload::Workload(const Flags& flags)
    : members(flags.Number("members")),
      records(flags.Number("records")),
      begin_us(flags.Number("begin-us")),
      shards(static_cast<int32_t>(flags.NumberOr("shards", 4))),
      pool(flags.TextOr("pool", "bench")) {
  if (members < kHotShare || records < members) Fail("members >= 10 and records >= members");
}

uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

Order OrderAt(const Workload& workload, int64_t index) {
  if (index >= workload.members + kRepeatDistance && index % kRepeatEvery == kRepeatEvery - 1) {
    Order again = OrderAt(workload, index - kRepeatDistance);
    again.repeat = true;
    return again;
  }
  Order order;
  order.number = index;
  const uint64_t dice = Mix(static_cast<uint64_t>(index));
  order.amount_minor = kAmountMin + static_cast<int64_t>(dice % kAmountRange);
  order.first_of_member = index < workload.members;
  if (order.first_of_member) {
    order.member = index;
    return order;
  }
  const int64_t range = (dice >> 63) == 0 ? workload.members / kHotShare : workload.members;
  order.member = static_cast<int64_t>((dice >> 16) % static_cast<uint64_t>(range));
  return order;
}

int64_t PointsOf(const Order& order) { return order.amount_minor / 100; }

std::string MemberId(int64_t member) {
  const uint64_t words[] = {Mix(static_cast<uint64_t>(member)), static_cast<uint64_t>(member)};
  return model::MintMemberId({reinterpret_cast<const char*>(words), sizeof(words)}).value();
}

}  // namespace regulars::bench
