#include "tests/property_handoff/world.h"

#include <algorithm>
#include <memory>

#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/events/types.h"
#include "regulars/handoff/v1/handoff_events.pb.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/points/v1/points_service.pb.h"
#include "services/points/kernel/keys.h"
#include "services/points/kernel/move.h"

namespace regulars::property_handoff {
namespace {

constexpr std::string_view kPool = "cofco";
constexpr int kRedirectsMax = 16;

// Programs have no state: one per page size and expiry, for ever.
const points::PointsProgram* ProgramFor(int page, int expiry_days) {
  static auto* programs =
      new std::map<std::pair<int, int>, std::unique_ptr<points::PointsProgram>>();
  auto& program = (*programs)[{page, expiry_days}];
  if (program == nullptr) {
    points::ProgramConfig config;
    config.expiry_days = expiry_days;
    points::MoveLimits limits;
    limits.facts = static_cast<size_t>(page);
    limits.publishes = 2;
    program = std::make_unique<points::PointsProgram>(
        std::map<std::string, points::ProgramConfig>{{std::string(kPool), config}}, limits);
  }
  return program.get();
}

template <typename Event>
Parcel ParcelOf(const std::string& member, std::string_view type, const std::string& id,
                const Event& event) {
  return {
      .member = member, .type = std::string(type), .id = id, .payload = event.SerializeAsString()};
}

std::string BalanceName(const std::string& member) {
  return Cat("pools/", kPool, "/members/", member, "/balances/loyalty");
}

identity::v1::MemberResolved Resolved(const std::string& member, const std::string& fragment,
                                      const std::string& touch, int64_t occurred_us) {
  identity::v1::MemberResolved event;
  event.set_member(member);
  event.set_fragment_id(fragment);
  event.mutable_touch()->set_touch_id(touch);
  event.mutable_touch()->set_source("tmall");
  event.mutable_touch()->set_occurred_us(occurred_us);
  return event;
}

}  // namespace

World::World(int page, int expiry_days) : program_(ProgramFor(page, expiry_days)) {}

void World::Touch(const std::string& member, const std::string& fragment, const std::string& order,
                  int64_t cents, int64_t occurred_us) {
  auto event = Resolved(member, fragment, Cat("t-", order, "-", fragment), occurred_us);
  auto* paid = event.mutable_touch()->mutable_body()->mutable_order_paid();
  paid->set_order_id(order);
  paid->set_amount_minor(cents);
  paid->set_currency_code("USD");
  channels[Cat("touch/", member)].push_back(
      ParcelOf(member, events::kMemberResolved, event.touch().touch_id(), event));
}

void World::RefundTouch(const std::string& member, const std::string& fragment,
                        const std::string& order, const std::string& refund, int64_t cents) {
  auto event = Resolved(member, fragment, Cat("r-", order, "-", refund), kStartUs);
  auto* refunded = event.mutable_touch()->mutable_body()->mutable_order_refunded();
  refunded->set_order_id(order);
  refunded->set_refund_id(refund);
  refunded->set_amount_minor(cents);
  refunded->set_currency_code("USD");
  channels[Cat("touch/", member)].push_back(
      ParcelOf(member, events::kMemberResolved, event.touch().touch_id(), event));
}

std::string World::First(const std::string& member) const {
  const auto known = first_.find(member);
  return known != first_.end() ? known->second : Cat("f-", member);
}

void World::Merge(const std::string& merge_id, const std::string& loser,
                  const std::string& survivor,
                  const std::vector<std::pair<std::string, uint32_t>>& fragments) {
  identity::v1::MergeCommitted event;
  event.set_merge_id(merge_id);
  event.set_loser(loser);
  event.set_survivor(survivor);
  event.set_loser_epoch(lives_[loser]);
  event.set_survivor_epoch(++lives_[survivor]);
  for (const auto& [fragment, epoch] : fragments) {
    event.add_fragment_ids(fragment);
    event.add_fragment_epochs(epoch);
  }
  for (const std::string& name : absorbed_[loser]) {
    event.add_absorbed_members(name);
    event.add_first_fragment_ids(First(name));
  }
  event.add_first_fragment_ids(First(loser));
  absorbed_[survivor].merge(absorbed_[loser]);
  absorbed_[survivor].insert(loser);
  absorbed_.erase(loser);
  for (const std::string& member : {loser, survivor}) {
    channels[Cat("link/", member)].push_back(
        ParcelOf(member, events::kMergeCommitted, Cat(merge_id, "/", member), event));
  }
}

void World::Split(const std::string& split_id, const std::string& member,
                  const std::vector<Part>& parts, const std::vector<std::string>& merge_ids) {
  identity::v1::SplitCommitted event;
  event.set_split_id(split_id);
  event.set_member(member);
  std::set<std::string> told = {member};
  for (const Part& part : parts) {
    auto* out = event.add_parts();
    out->set_member(part.member);
    told.insert(part.member);
    const bool revived = absorbed_[member].erase(part.member) > 0;
    if (!revived && part.member != member) Begin(part.member, part.fragments.front().first);
    if (revived || part.member == member) ++lives_[part.member];
    out->set_member_epoch(lives_[part.member]);
    std::set<std::string> ids;
    for (const auto& [fragment, epoch] : part.fragments) {
      out->add_fragment_ids(fragment);
      out->add_fragment_epochs(epoch);
      ids.insert(fragment);
    }
    const std::set<std::string> names = absorbed_[member];
    for (const std::string& name : names) {
      if (!ids.contains(First(name))) continue;
      out->add_absorbed_members(name);
      out->add_first_fragment_ids(First(name));
      if (part.member == member) continue;
      absorbed_[member].erase(name);
      absorbed_[part.member].insert(name);
    }
    out->add_first_fragment_ids(First(part.member));
  }
  for (const std::string& merge_id : merge_ids) event.add_merge_ids(merge_id);
  for (const std::string& to : told) {
    channels[Cat("link/", to)].push_back(
        ParcelOf(to, events::kSplitCommitted, Cat(split_id, "/", to), event));
  }
}

void World::Redeem(const std::string& list, const std::string& member, const std::string& id,
                   int64_t points) {
  points::v1::RedeemPointsRequest request;
  request.set_name(BalanceName(member));
  request.set_redemption_id(id);
  request.set_points(points);
  Parcel parcel = ParcelOf(member, "RedeemPoints", id, request);
  parcel.kind = shard::InputKind::kCommand;
  channels[Cat("command/", list)].push_back(std::move(parcel));
}

void World::Reverse(const std::string& list, const std::string& member, const std::string& id) {
  points::v1::ReversePointsRequest request;
  request.set_name(Cat(BalanceName(member), "/redemptions/", id));
  Parcel parcel = ParcelOf(member, "ReversePoints", Cat("undo-", id), request);
  parcel.kind = shard::InputKind::kCommand;
  channels[Cat("command/", list)].push_back(std::move(parcel));
}

std::vector<std::string> World::Ready() const {
  std::vector<std::string> ready;
  for (const auto& [name, queue] : channels) {
    if (queue.empty()) continue;
    if (queue.front().kind == shard::InputKind::kCommand) {
      World probe = *this;
      const Parcel& parcel = queue.front();
      std::string outcome;
      const shard::Reply reply =
          probe.Ask(parcel.member, parcel.type, parcel.id, parcel.payload, &outcome);
      if (reply.code == absl::StatusCode::kUnavailable) continue;
    }
    ready.push_back(name);
  }
  return ready;
}

bool World::MayRepeat(const std::string& channel) const {
  const auto& queue = channels.at(channel);
  handoff::v1::HandoffMessage message;
  return channel.starts_with("handoff/") && !queue.front().again &&
         message.ParseFromString(queue.front().payload) &&
         (message.has_page() || message.has_acknowledgement());
}

void World::Deliver(const std::string& channel, bool keep) {
  auto& queue = channels.at(channel);
  const Parcel parcel = queue.front();
  if (keep) {
    queue.front().again = true;
  } else {
    queue.pop_front();
    if (queue.empty()) channels.erase(channel);
  }
  if (parcel.kind != shard::InputKind::kCommand) {
    shard::Reply reply;
    Apply(parcel.member, parcel.kind, parcel, &reply);
    return;
  }
  std::string outcome;
  const shard::Reply reply = Ask(parcel.member, parcel.type, parcel.id, parcel.payload, &outcome);
  if (reply.code == absl::StatusCode::kUnavailable) {
    channels[channel].push_front(parcel);
  } else {
    accepted_[Cat(parcel.id, "@", parcel.member)] =
        reply.code == absl::StatusCode::kOk ? "yes" : reply.reason;
  }
}

shard::Reply World::Ask(const std::string& member, const std::string& type, const std::string& id,
                        const std::string& payload, std::string* outcome) {
  std::string entity = member;
  shard::Reply reply;
  for (int asked = 0; asked < kRedirectsMax; ++asked) {
    reply = {};
    const Parcel parcel{.member = entity, .type = type, .id = id, .payload = payload};
    *outcome = Apply(entity, shard::InputKind::kCommand, parcel, &reply);
    if (reply.survivor.empty()) break;
    entity = reply.survivor;
  }
  return reply;
}

std::string World::Apply(const std::string& member, shard::InputKind kind, const Parcel& parcel,
                         shard::Reply* reply) {
  shard::Input input;
  input.kind = kind;
  input.pool = kPool;
  input.entity = member;
  input.type = parcel.type;
  input.id = parcel.id;
  input.payload = parcel.payload;
  input.time_us = parcel.time_us;
  input.now_us = now_us;
  bool skip = false;
  const absl::Status decoded =
      kind == shard::InputKind::kTimer ? absl::OkStatus() : program_->Decode(&input, &skip);
  if (!decoded.ok()) {
    violations.push_back(Cat(member, " refuses ", parcel.type, ": ", ReasonOf(decoded)));
    return ReasonOf(decoded);
  }
  if (skip) return "skip";
  shard::Effects effects = program_->Apply(members_[member], input);
  if (effects.reply.has_value()) *reply = *effects.reply;
  std::string outcome = effects.outcome;
  if (violations.empty()) outcomes.push_back(Cat(member, " ", outcome));
  if (outcomes.size() > 4) outcomes.erase(outcomes.begin());
  if (effects.dead_letter.has_value()) {
    violations.push_back(Cat(member, " dead letter ", effects.dead_letter->reason));
  }
  Carry(member, std::move(effects));
  return outcome;
}

void World::Carry(const std::string& member, shard::Effects effects) {
  points::MemoryEntity& state = members_[member];
  std::set<std::string> written;
  for (shard::Put& put : effects.puts) {
    if (!written.insert(put.sub).second) violations.push_back(Cat(put.sub, " is written twice"));
    if (put.value.empty() || put.value.size() > shard::kStateBytesMax ||
        put.sub.size() > shard::kSubBytesMax) {
      violations.push_back(Cat(put.sub, " is empty or too large"));
    }
    state.values[put.sub] = std::move(put.value);
  }
  for (const std::string& sub : effects.deletes) state.values.erase(sub);
  for (const std::string& name : effects.cancel_timers) state.timers.erase(name);
  for (const shard::SetTimer& timer : effects.set_timers) state.timers[timer.name] = timer.at_us;
  for (const shard::AddSum& sum : effects.sums) sums_[Cat(member, " ", sum.name)] += sum.delta;
  if (effects.publishes.size() > shard::kPublishesPerInputMax) {
    violations.push_back("too many publishes");
  }
  for (shard::Publish& out : effects.publishes) {
    if (out.kind != events::kHandoffKind) continue;
    channels[Cat("handoff/", member, "/", out.entity)].push_back({.member = out.entity,
                                                                  .type = std::move(out.type),
                                                                  .id = std::move(out.id),
                                                                  .payload = std::move(out.payload),
                                                                  .time_us = out.time_us});
  }
  if (const std::string wrong = program_->CheckInvariants(state); !wrong.empty()) {
    violations.push_back(Cat(member, ": ", wrong));
  }
}

void World::Settle() {
  for (int steps = 0; steps < 1'000'000; ++steps) {
    const std::vector<std::string> ready = Ready();
    if (ready.empty()) return;
    Deliver(ready.front());
  }
  violations.push_back("it never comes to rest");
}

void World::Advance(int64_t to_us) {
  now_us = std::max(now_us, to_us);
  for (auto& [member, state] : members_) {
    while (!state.timers.empty() && state.timers.begin()->second <= now_us) {
      const Parcel parcel{.member = member,
                          .type = state.timers.begin()->first,
                          .time_us = state.timers.begin()->second};
      state.timers.erase(state.timers.begin());
      shard::Reply reply;
      Apply(member, shard::InputKind::kTimer, parcel, &reply);
    }
  }
}

bool World::Quiet() const { return channels.empty(); }

}  // namespace regulars::property_handoff
