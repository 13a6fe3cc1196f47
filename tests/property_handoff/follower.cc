#include "tests/property_handoff/follower.h"

#include <algorithm>

#include "libs/base/hash.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/handoff/v1/handoff_events.pb.h"
#include "regulars/identity/v1/identity_events.pb.h"

namespace regulars::property_handoff {
namespace {

constexpr std::string_view kPool = "cofco";
constexpr int kRedirectsMax = 16;
constexpr size_t kOutcomesKept = 4;
constexpr size_t kViolationsShown = 5;

}  // namespace

void Follower::Record(const std::string& source, const std::string& member, std::string_view type,
                      const std::string& id, const std::string& payload, int64_t time_us) {
  channels[Cat(source, "/", member)].push_back({.member = member,
                                                .type = std::string(type),
                                                .id = id,
                                                .payload = payload,
                                                .time_us = time_us});
}

void Follower::Command(const std::string& list, const std::string& member, std::string_view type,
                       const std::string& id, const std::string& payload) {
  channels[Cat("command/", list)].push_back({.member = member,
                                             .kind = shard::InputKind::kCommand,
                                             .type = std::string(type),
                                             .id = id,
                                             .payload = payload});
}

std::string Follower::First(const std::string& member) const {
  const auto known = first_.find(member);
  return known != first_.end() ? known->second : Cat("f-", member);
}

void Follower::Merge(const std::string& merge_id, const std::string& loser,
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
    Record("link", member, events::kMergeCommitted, Cat(merge_id, "/", member),
           event.SerializeAsString());
  }
}

void Follower::Split(const std::string& split_id, const std::string& member,
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
    Record("link", to, events::kSplitCommitted, Cat(split_id, "/", to), event.SerializeAsString());
  }
}

std::vector<std::string> Follower::Ready() const {
  std::vector<std::string> ready;
  for (const auto& [name, queue] : channels) {
    if (queue.front().kind == shard::InputKind::kCommand) {
      Follower probe = *this;
      const Parcel& parcel = queue.front();
      const shard::Reply reply =
          probe.Ask(parcel.kind, parcel.member, parcel.type, parcel.id, parcel.payload);
      if (reply.code == absl::StatusCode::kUnavailable) continue;
    }
    ready.push_back(name);
  }
  return ready;
}

bool Follower::MayRepeat(const std::string& channel) const {
  const auto& queue = channels.at(channel);
  handoff::v1::HandoffMessage message;
  return channel.starts_with("handoff/") && !queue.front().again &&
         message.ParseFromString(queue.front().payload) &&
         (message.has_page() || message.has_acknowledgement());
}

void Follower::Deliver(const std::string& channel, bool keep) {
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
  const shard::Reply reply =
      Ask(parcel.kind, parcel.member, parcel.type, parcel.id, parcel.payload);
  if (reply.code == absl::StatusCode::kUnavailable) {
    channels[channel].push_front(parcel);
  } else {
    accepted[Cat(parcel.id, "@", parcel.member)] =
        reply.code == absl::StatusCode::kOk ? "yes" : reply.reason;
  }
}

shard::Reply Follower::Ask(shard::InputKind kind, const std::string& member,
                           const std::string& type, const std::string& id,
                           const std::string& payload) {
  std::string entity = member;
  shard::Reply reply;
  for (int asked = 0; asked < kRedirectsMax; ++asked) {
    reply = {};
    const Parcel parcel{.member = entity, .type = type, .id = id, .payload = payload};
    Apply(entity, kind, parcel, &reply);
    if (reply.survivor.empty()) break;
    entity = reply.survivor;
  }
  return reply;
}

std::string Follower::Apply(const std::string& member, shard::InputKind kind, const Parcel& parcel,
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
  if (kind == shard::InputKind::kQuery) {
    *reply = program_->Query(members_[member], input);
    return "asked";
  }
  shard::Effects effects = program_->Apply(members_[member], input);
  if (effects.reply.has_value()) *reply = *effects.reply;
  std::string outcome = effects.outcome;
  outcomes.push_back(Cat(member, " ", outcome));
  if (outcomes.size() > kOutcomesKept) outcomes.erase(outcomes.begin());
  if (effects.dead_letter.has_value()) {
    violations.push_back(Cat(member, " dead letter ", effects.dead_letter->reason));
  }
  Carry(member, std::move(effects));
  return outcome;
}

void Follower::Carry(const std::string& member, shard::Effects effects) {
  points::MemoryEntity& state = members_[member];
  std::set<std::string> written;
  for (shard::Put& put : effects.puts) {
    if (!written.insert(put.sub).second) violations.push_back(Cat(put.sub, " is written twice"));
    if (put.value.size() > shard::kStateBytesMax || put.sub.size() > shard::kSubBytesMax) {
      violations.push_back(Cat(put.sub, " is too large"));
    }
    state.values[put.sub] = std::move(put.value);
  }
  for (const std::string& sub : effects.deletes) state.values.erase(sub);
  for (const std::string& name : effects.cancel_timers) state.timers.erase(name);
  for (const shard::SetTimer& timer : effects.set_timers) state.timers[timer.name] = timer.at_us;
  for (const shard::AddSum& sum : effects.sums) sums_[sum.name] += sum.delta;
  if (effects.publishes.size() > shard::kPublishesPerInputMax) {
    violations.push_back("too many publishes");
  }
  for (shard::Publish& out : effects.publishes) {
    if (out.kind != events::kHandoffKind) {
      if (!ids_.insert(Cat(out.kind, " ", out.id)).second && !ids_may_repeat) {
        violations.push_back(Cat("twice: ", out.kind, " ", out.id));
      }
      if (echo_ != nullptr) echo_(out, this);
      published.push_back(std::move(out));
      continue;
    }
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

void Follower::Settle() {
  for (int steps = 0; steps < 1'000'000; ++steps) {
    const std::vector<std::string> ready = Ready();
    if (ready.empty()) return;
    Deliver(ready.front());
  }
  violations.push_back("it never comes to rest");
}

void Follower::Advance(int64_t to_us) {
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

std::string Follower::Fingerprint() const {
  std::string text;
  for (const auto& [member, state] : members_) {
    Append(&text, "\n", member);
    for (const auto& [sub, value] : state.values) Append(&text, "|", sub, "=", value);
    for (const auto& [name, at] : state.timers) Append(&text, "|", name, "@", at);
  }
  for (const auto& [name, queue] : channels) {
    Append(&text, "\n", name);
    for (const Parcel& parcel : queue) Append(&text, "|", parcel.payload, parcel.again ? "2" : "");
  }
  for (const std::string& id : ids_) Append(&text, "\n", id);
  if (ids_may_repeat) Append(&text, "\n", published.size());
  for (const auto& [id, answer] : accepted) Append(&text, "\n", id, "=", answer);
  return text;
}

const points::MemoryEntity& Follower::State(const std::string& member) const {
  static const auto* nobody = new points::MemoryEntity();
  const auto found = members_.find(member);
  return found == members_.end() ? *nobody : found->second;
}

std::vector<std::string> Follower::Members() const {
  std::vector<std::string> all;
  for (const auto& [member, state] : members_) all.push_back(member);
  return all;
}

int64_t Follower::Sum(const std::string& name) const {
  const auto found = sums_.find(name);
  return found == sums_.end() ? 0 : found->second;
}

namespace {

class Ways {
 public:
  Ways(const Ending& ending, bool repeats, int64_t states_max)
      : ending_(ending), repeats_(repeats), states_max_(states_max) {}

  double Visit(const Follower& world) {
    if (!world.violations.empty()) {
      Wrong(world.violations.front());
      return 1;
    }
    if (found.violations.size() >= kViolationsShown) return 0;
    const std::string text = world.Fingerprint();
    const std::pair<uint64_t, uint64_t> key(Xxh3(text), Xxh3(Cat("salt", text)));
    if (const auto seen = paths_.find(key); seen != paths_.end()) return seen->second;
    if (++found.states > states_max_) {
      found.cut = true;
      return 0;
    }
    double paths = 0;
    const std::vector<std::string> ready = world.Ready();
    for (const std::string& channel : ready) {
      trail_.push_back(channel);
      Follower next = world;
      next.Deliver(channel);
      paths += Visit(next);
      if (repeats_ && world.MayRepeat(channel)) {
        Follower twice = world;
        twice.Deliver(channel, /*keep=*/true);
        paths += Visit(twice);
      }
      trail_.pop_back();
    }
    if (ready.empty()) {
      CheckEnd(world);
      paths = 1;
    }
    paths_[key] = paths;
    return paths;
  }

  FollowerFound found;

 private:
  void CheckEnd(const Follower& world) {
    ++found.ends;
    if (!world.channels.empty()) return Wrong(Cat(world.channels.begin()->first, " is not empty"));
    if (const std::string wrong = ending_.wrong(world); !wrong.empty()) return Wrong(wrong);
    std::string said;
    for (const auto& [id, answer] : world.accepted) Append(&said, id, "=", answer, " ");
    const std::string end = ending_.final(world);
    const auto [known, fresh] = ends_.emplace(said, end);
    if (!fresh && known->second != end) {
      Wrong(Cat("ends as\n", end, "another way ends as\n", known->second));
    }
  }

  void Wrong(std::string what) {
    Append(&what, "\nafter");
    for (const std::string& channel : trail_) Append(&what, " ", channel);
    found.violations.push_back(std::move(what));
  }

  const Ending& ending_;
  const bool repeats_;
  const int64_t states_max_;
  std::map<std::pair<uint64_t, uint64_t>, double> paths_;
  std::map<std::string, std::string> ends_;  // by what commands were told
  std::vector<std::string> trail_;
};

}  // namespace

FollowerFound EveryWay(const Follower& start, const Ending& ending, bool repeats,
                       int64_t states_max) {
  Ways ways(ending, repeats, states_max);
  ways.found.interleavings = ways.Visit(start);
  return ways.found;
}

}  // namespace regulars::property_handoff
