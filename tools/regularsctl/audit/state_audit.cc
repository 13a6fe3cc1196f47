#include "tools/regularsctl/audit/state_audit.h"

#include <cstdlib>
#include <optional>
#include <set>

#include "libs/base/text.h"
#include "libs/shard/keys.h"
#include "regulars/messaging/v1/messaging_state.pb.h"
#include "regulars/points/v1/points_state.pb.h"
#include "regulars/segmentation/v1/segmentation_state.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/messaging/codec/program.h"
#include "services/points/codec/points_program.h"
#include "services/segmentation/codec/program.h"

namespace regulars::ctl {
namespace {

using runtime::v1::EntityTimers;
using runtime::v1::StateValue;

// One entity of a fold, as its kernel sees it.
class FoldEntity final : public shard::EntityState {
 public:
  FoldEntity(const Fold& fold, std::string_view pool, std::string_view entity, int64_t now_us)
      : fold_(fold),
        now_us_(now_us),
        prefix_(shard::StateKey(pool, entity, "")),
        timers_key_(shard::TimersKey(pool, entity)) {}

  std::optional<std::string> Get(std::string_view sub) const override {
    const auto found = fold_.values.find(Cat(prefix_, sub));
    if (found == fold_.values.end()) return std::nullopt;
    return Unwrap(found->second);
  }

  std::optional<std::pair<std::string, std::string>> Next(std::string_view prefix,
                                                          std::string_view from) const override {
    const std::string wanted = Cat(prefix_, prefix);
    for (auto it = fold_.values.lower_bound(Cat(prefix_, from));
         it != fold_.values.end() && it->first.starts_with(wanted); ++it) {
      if (it->first[prefix_.size()] == shard::kRuntimeSub) continue;
      if (auto value = Unwrap(it->second)) {
        return std::make_pair(it->first.substr(prefix_.size()), *std::move(value));
      }
    }
    return std::nullopt;
  }

  std::optional<int64_t> Timer(std::string_view name) const override {
    const auto found = fold_.values.find(timers_key_);
    EntityTimers timers;
    if (found == fold_.values.end() || !timers.ParseFromString(found->second)) return std::nullopt;
    for (const auto& timer : timers.timers()) {
      if (timer.name() == name) return timer.at_us();
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> Unwrap(const std::string& stored) const {
    StateValue value;
    if (!value.ParseFromString(stored)) return std::nullopt;  // counted as keys_garbled
    if (value.expires_at_us() > 0 && value.expires_at_us() < now_us_) return std::nullopt;
    return std::move(*value.mutable_value());
  }

  const Fold& fold_;
  const int64_t now_us_;
  const std::string prefix_, timers_key_;
};

// Calls fn(pool, sub, payload) for every state of the fold.
template <typename Fn>
void ForEachState(const Fold& fold, Findings* findings, const Fn& fn) {
  for (const auto& [key, stored] : fold.values) {
    std::string_view pool, entity, sub;
    if (key[0] != shard::kStateKind || !SplitKey(key, &pool, &entity, &sub)) continue;
    StateValue value;
    if (!value.ParseFromString(stored)) {
      findings->Wrong("keys_garbled",
                      Cat(fold.Name(), ": the value of ", Shown(key), " does not parse"));
      continue;
    }
    fn(std::string(pool), sub, value.value());
  }
}

template <typename Message>
Message Parsed(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) message.Clear();  // its invariants name it
  return message;
}

void AddPoints(const std::string& pool, std::string_view sub, const std::string& bytes, Sums* out) {
  if (!sub.empty()) return;
  const auto root = Parsed<points::v1::PointsRoot>(bytes);
  // The sums count what was posted in the shard, wherever the facts are now.
  const points::v1::Elsewhere& elsewhere = root.elsewhere();
  (*out)[{pool, "*/issued"}] += root.issued() - elsewhere.issued();
  (*out)[{pool, "*/outstanding"}] += root.balance();
  (*out)[{pool, "*/redeemed"}] += root.redeemed() - elsewhere.redeemed();
  (*out)[{pool, "*/expired"}] += root.expired() - elsewhere.expired();
  (*out)[{pool, "*/reversed"}] += root.reversed() - elsewhere.reversed();
  (*out)[{pool, "*/debt"}] += root.debt();
  (*out)[{pool, "*/moved_in"}] += root.moved_in();
  (*out)[{pool, "*/moved_out"}] += root.moved_out();
}

void AddSegments(const std::string& pool, std::string_view sub, const std::string& bytes,
                 Sums* out) {
  if (!sub.empty()) return;
  const auto root = Parsed<segmentation::v1::SegmentationRoot>(bytes);
  (*out)[{pool, "purchases"}] += root.purchases();
  (*out)[{pool, "buyers"}] += root.purchases() > 0 ? 1 : 0;
  (*out)[{pool, "repeat_members"}] += root.purchases() > 1 ? 1 : 0;
  (*out)[{pool, "orders_moved_in"}] += root.orders_moved_in();
  (*out)[{pool, "orders_moved_out"}] += root.orders_moved_out();
  for (const auto& sum : root.sums()) {
    (*out)[{pool, Cat("purchase_minor/", sum.currency_code())}] += sum.amount_minor();
  }
  for (const auto& segment : root.segments()) {
    (*out)[{pool, Cat("segment/", segment.segment(), "/members")}] += segment.inside() ? 1 : 0;
    (*out)[{pool, Cat("segment/", segment.segment(), "/entries")}] += segment.entry_count();
  }
}

void AddSends(const std::string& pool, std::string_view sub, const std::string& bytes, Sums* out) {
  if (!sub.empty()) return;
  const auto root = Parsed<messaging::v1::MessagingRoot>(bytes);
  (*out)[{pool, "sends_decided"}] += root.decided();
  (*out)[{pool, "sends_delivered"}] += root.delivered();
  (*out)[{pool, "sends_failed"}] += root.failed();
  (*out)[{pool, "sends_moved_in"}] += root.sends_moved_in();
  (*out)[{pool, "sends_moved_out"}] += root.sends_moved_out();
}

// The side of the ledger a sum stands on: +1 in, -1 where it went, 0 neither.
int SideOf(std::string_view name) {
  if (name == "*/issued" || name == "*/moved_in") return 1;
  for (const std::string_view out :
       {"*/outstanding", "*/redeemed", "*/expired", "*/reversed", "*/moved_out"}) {
    if (name == out) return -1;
  }
  return 0;
}

// The sums of `@shard`; a points program's name becomes "*".
Sums SumsOfShard(const Fold& fold) {
  Sums sums;
  if (!fold.last) return sums;
  for (const auto& sum : fold.last->sums()) {
    const size_t slash = sum.name().find('/');
    const bool program = fold.service == "points" && slash != std::string::npos;
    sums[{sum.pool(), program ? Cat("*", sum.name().substr(slash)) : sum.name()}] += sum.value();
  }
  return sums;
}

}  // namespace

std::unique_ptr<shard::Program> ProgramOf(const std::string& service) {
  if (service == "identity") return std::make_unique<identity::IdentityProgram>();
  if (service == "points") {
    return std::make_unique<points::PointsProgram>(std::map<std::string, points::ProgramConfig>{});
  }
  if (service == "segmentation") {
    return std::make_unique<segmentation::SegmentationProgram>(segmentation::SegmentationConfig{});
  }
  if (service == "messaging") {
    return std::make_unique<messaging::MessagingProgram>(messaging::MessagingConfig{});
  }
  return nullptr;
}

void CheckInvariants(const Fold& fold, const shard::Program& program, Findings* findings) {
  findings->Count("entities_checked", 0);
  findings->Count("invariant_violations", 0);
  std::map<std::string, int64_t, std::less<>> now;
  if (fold.last) {
    for (const auto& clock : fold.last->pool_clocks()) now[clock.pool()] = clock.now_us();
  }
  std::set<std::pair<std::string_view, std::string_view>> entities;
  for (const auto& [key, stored] : fold.values) {
    std::string_view pool, entity, sub;
    if (SplitKey(key, &pool, &entity, &sub)) entities.emplace(pool, entity);
  }
  for (const auto& [pool, entity] : entities) {
    const auto clock = now.find(pool);
    const FoldEntity state(fold, pool, entity, clock == now.end() ? 0 : clock->second);
    findings->Count("entities_checked");
    const std::string wrong = program.CheckInvariants(state);
    if (wrong.empty()) continue;
    findings->Wrong("invariant_violations",
                    Cat(fold.Name(), ": ", pool, " ", Shown(entity), ": ", wrong));
  }
}

Sums SumsOfStates(const Fold& fold, Findings* findings) {
  Sums sums;
  ForEachState(fold, findings,
               [&](const std::string& pool, std::string_view sub, const std::string& bytes) {
                 if (fold.service == "identity" && sub == "anchor") {
                   ++sums[{pool, "members_created"}];
                 }
                 if (fold.service == "points") AddPoints(pool, sub, bytes, &sums);
                 if (fold.service == "segmentation") AddSegments(pool, sub, bytes, &sums);
                 if (fold.service == "messaging") AddSends(pool, sub, bytes, &sums);
               });
  return sums;
}

void CheckSums(const Fold& fold, Findings* findings) {
  for (const char* name : {"sums_checked", "sum_mismatches", "ledger_imbalance"}) {
    findings->Count(name, 0);
  }
  const Sums of_states = SumsOfStates(fold, findings);
  Sums of_shard = SumsOfShard(fold);
  std::map<std::string, int64_t> imbalance;
  for (const auto& [name, value] : of_shard) {
    imbalance[name.first] += SideOf(name.second) * value;
  }
  for (const auto& [pool, difference] : imbalance) {
    if (difference == 0) continue;
    findings->Wrong("ledger_imbalance",
                    Cat(fold.Name(), ": ", pool, ": issued + moved_in is ", difference,
                        " more than outstanding + redeemed + expired + reversed + moved_out"),
                    std::abs(difference));
  }
  for (const auto& [name, value] : of_states) {
    findings->Count("sums_checked");
    const int64_t kept = of_shard[name];
    if (kept == value) continue;
    findings->Wrong("sum_mismatches", Cat(fold.Name(), ": ", name.first, " ", name.second,
                                          ": @shard has ", kept, ", the states add up to ", value));
  }
}

}  // namespace regulars::ctl
