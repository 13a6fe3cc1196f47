#include "services/points/codec/book.h"

#include <algorithm>
#include <set>

#include "libs/base/base32.h"
#include "libs/base/hash.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/points/codec/inputs.h"
#include "services/points/kernel/keys.h"

namespace regulars::points {

std::optional<std::string> MemoryEntity::Get(std::string_view sub) const {
  ++gets;
  const auto value = values.find(sub);
  if (value == values.end()) return std::nullopt;
  return value->second;
}

std::optional<std::pair<std::string, std::string>> MemoryEntity::Next(std::string_view prefix,
                                                                      std::string_view from) const {
  ++seeks;
  const auto value = values.lower_bound(std::max(prefix, from));
  if (value == values.end() || !value->first.starts_with(prefix)) return std::nullopt;
  return *value;
}

std::optional<int64_t> MemoryEntity::Timer(std::string_view name) const {
  const auto timer = timers.find(name);
  if (timer == timers.end()) return std::nullopt;
  return timer->second;
}

Book::Book(const ProgramConfig& config, std::string_view member_id)
    : program({{std::string(kPool), config}}), member(member_id) {}

std::string Book::BalanceName() {
  return Cat("pools/", kPool, "/members/", kMember, "/balances/loyalty");
}

identity::v1::MemberResolved Book::Resolved(std::string_view touch_id, int64_t occurred_us) {
  identity::v1::MemberResolved event;
  event.set_member(std::string(kMember));
  event.set_fragment_id("f_3m9kq0v3n8c1xw5zt4ydg6pb28");
  event.mutable_touch()->set_touch_id(
      Base32Encode(Cat("t", Xxh3(touch_id) % 1'000'000'000, "0123456789").substr(0, 16)));
  event.mutable_touch()->set_source("tmall");
  event.mutable_touch()->set_occurred_us(occurred_us);
  return event;
}

std::string Book::Paid(std::string_view order, int64_t amount_minor, int64_t occurred_us,
                       int64_t now, std::string_view currency) {
  identity::v1::MemberResolved event = Resolved(Cat("paid/", order), occurred_us);
  auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
  paid->set_order_id(std::string(order));
  paid->set_amount_minor(amount_minor);
  paid->set_currency_code(std::string(currency));
  return Touched(event, now);
}

std::string Book::Refunded(std::string_view order, std::string_view refund, int64_t amount_minor,
                           bool whole, int64_t occurred_us, int64_t now,
                           std::string_view currency) {
  identity::v1::MemberResolved event = Resolved(Cat("refund/", order, "/", refund), occurred_us);
  auto* refunded = event.mutable_touch()->mutable_body()->mutable_order_refunded();
  refunded->set_order_id(std::string(order));
  refunded->set_refund_id(std::string(refund));
  refunded->set_amount_minor(amount_minor);
  refunded->set_currency_code(std::string(currency));
  refunded->set_whole_order(whole);
  return Touched(event, now);
}

shard::Input Book::Record(const identity::v1::MemberResolved& event, int64_t now) const {
  shard::Input input;
  input.kind = shard::InputKind::kRecord;
  input.pool = kPool;
  input.entity = member;
  input.type = kMemberResolvedType;
  input.id = event.touch().touch_id();
  input.payload = event.SerializeAsString();
  input.time_us = event.touch().occurred_us();
  input.now_us = now;
  input.topic = "regulars.identity.events.v1.g1";
  return input;
}

std::string Book::Touched(const identity::v1::MemberResolved& event, int64_t now) {
  Advance(now);
  return Apply(Record(event, now_us));
}

std::string Book::Redeem(std::string_view id, int64_t points, int64_t now,
                         std::string_view reason) {
  Advance(now);
  v1::RedeemPointsRequest request;
  request.set_name(BalanceName());
  request.set_redemption_id(std::string(id));
  request.set_points(points);
  request.set_reason(std::string(reason));
  shard::Input input;
  input.kind = shard::InputKind::kCommand;
  input.pool = kPool;
  input.entity = member;
  input.type = "RedeemPoints";
  input.id = "8d2f5a4e-0000-4000-8000-000000000001";
  input.payload = request.SerializeAsString();
  input.time_us = input.now_us = now_us;
  return Apply(std::move(input));
}

std::string Book::Reverse(std::string_view id, int64_t now, std::string_view reason) {
  Advance(now);
  v1::ReversePointsRequest request;
  request.set_name(Cat(BalanceName(), "/redemptions/", id));
  request.set_reason(std::string(reason));
  shard::Input input;
  input.kind = shard::InputKind::kCommand;
  input.pool = kPool;
  input.entity = member;
  input.type = "ReversePoints";
  input.id = "8d2f5a4e-0000-4000-8000-000000000002";
  input.payload = request.SerializeAsString();
  input.time_us = input.now_us = now_us;
  return Apply(std::move(input));
}

void Book::Advance(int64_t to_us, bool late) {
  to_us = std::max(to_us, now_us);
  while (!state.timers.empty()) {
    const auto due = state.timers.begin();
    if (due->second > to_us) break;
    shard::Input input;
    input.kind = shard::InputKind::kTimer;
    input.pool = kPool;
    input.entity = member;
    input.type = due->first;
    input.time_us = due->second;
    now_us = late ? to_us : std::max(now_us, due->second);
    input.now_us = now_us;
    state.timers.erase(due);  // a fired timer is set no more
    Apply(std::move(input));
  }
  now_us = to_us;
}

std::string Book::Apply(shard::Input input) {
  bool skip = false;
  if (const absl::Status status = program.Decode(&input, &skip); !status.ok()) {
    return ReasonOf(status);
  }
  if (skip) return "skip";
  effects = program.Apply(state, input);
  REGULARS_ASSERT((input.kind == shard::InputKind::kCommand) == effects.reply.has_value(),
                  "a command is answered, nothing else is");
  Carry();
  return effects.outcome;
}

void Book::Carry() {
  const size_t key_bytes = kPool.size() + 1 + member.size() + 1 + 1;
  changelog_bytes = 0;
  std::set<std::string> seen;
  for (const shard::Put& put : effects.puts) {
    REGULARS_ASSERT(seen.insert(put.sub).second, "a key is written twice");
    REGULARS_ASSERT(put.sub.size() <= shard::kSubBytesMax, "a key is too long");
    REGULARS_ASSERT(put.value.size() <= shard::kStateBytesMax && !put.value.empty(),
                    "a value is empty or too long");
    state.values[put.sub] = put.value;
    changelog_bytes += static_cast<int64_t>(key_bytes + put.sub.size() + put.value.size());
  }
  for (const std::string& sub : effects.deletes) {
    REGULARS_ASSERT(seen.insert(sub).second, "a key is written and deleted");
    REGULARS_ASSERT(state.values.erase(sub) == 1, "a key that is not there is deleted");
    changelog_bytes += static_cast<int64_t>(key_bytes + sub.size());
  }
  for (const std::string& name : effects.cancel_timers) {
    REGULARS_ASSERT(state.timers.erase(name) == 1, "a timer that is not set is cancelled");
  }
  for (const shard::SetTimer& timer : effects.set_timers) state.timers[timer.name] = timer.at_us;
  for (const shard::AddSum& sum : effects.sums) sums[sum.name] += sum.delta;
  REGULARS_ASSERT(effects.publishes.size() <= shard::kPublishesPerInputMax, "too many events");
  published.insert(published.end(), effects.publishes.begin(), effects.publishes.end());
}

shard::Reply Book::Query(std::string_view type,
                         const google::protobuf::MessageLite& request) const {
  shard::Input input;
  input.kind = shard::InputKind::kQuery;
  input.pool = kPool;
  input.entity = member;
  input.type = type;
  input.payload = request.SerializeAsString();
  input.time_us = input.now_us = now_us;
  bool skip = false;
  if (const absl::Status status = program.Decode(&input, &skip); !status.ok()) {
    return {.code = status.code(), .reason = ReasonOf(status), .message = "", .payload = ""};
  }
  return program.Query(state, input);
}

v1::Balance Book::Balance() const {
  v1::GetBalanceRequest request;
  request.set_name(BalanceName());
  v1::Balance balance;
  REGULARS_ASSERT(balance.ParseFromString(Query("GetBalance", request).payload), "a balance");
  return balance;
}

v1::ListEntriesResponse Book::Entries(int page_size, std::string_view token) const {
  v1::ListEntriesRequest request;
  request.set_parent(BalanceName());
  request.set_page_size(page_size);
  request.set_page_token(std::string(token));
  v1::ListEntriesResponse response;
  REGULARS_ASSERT(response.ParseFromString(Query("ListEntries", request).payload), "entries");
  return response;
}

v1::PointsRoot Book::Root() const {
  v1::PointsRoot root;
  const auto bytes = state.values.find("");
  if (bytes != state.values.end()) {
    REGULARS_ASSERT(root.ParseFromString(bytes->second), "a root");
  }
  return root;
}

}  // namespace regulars::points
