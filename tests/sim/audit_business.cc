#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "tests/sim/auditor.h"
#include "tests/sim/ledger_model.h"
#include "tests/sim/segment_model.h"

namespace regulars::sim {
namespace {

struct Seen {
  std::string pool, type, id, subject, value;
};

std::vector<Seen> Read(World* world, std::string_view domain, std::string_view kind) {
  std::vector<Seen> all;
  for (int32_t partition = 0; partition < world->shards(); ++partition) {
    for (const kafka::Record& record :
         world->log().ReadCommitted({world->Topic(domain, kind), partition})) {
      const auto event = events::FromHeaders(record.headers);
      if (!event.ok()) {
        world->Violation(Cat(domain, " ", kind, ": a record without sound headers"));
        continue;
      }
      if (event->type == events::kClockAdvanced) continue;
      all.push_back({std::string(event->pool), std::string(event->type), std::string(event->id),
                     std::string(event->subject), std::string(record.value)});
    }
  }
  return all;
}

class BusinessAudit {
 public:
  BusinessAudit(World* world, const Workload& work) : world_(world), work_(work) {}

  void Run() {
    for (const std::string_view service : {"identity", "points", "segmentation", "messaging"}) {
      for (const Seen& letter : Read(world_, service, events::kDeadLettersKind)) {
        runtime::v1::DeadLetter dead;
        (void)dead.ParseFromString(letter.value);
        // What is set aside with a parked key is for PoisonAudit.
        if (!dead.entity().empty() && world_->poison().on()) continue;
        world_->Violation(Cat(service, " set a record aside: ", dead.reason(), " ", dead.detail()));
      }
      CheckIds(service);
    }
    Touches();
    Points();
    Commands();
    Segments();
    Sends();
  }

 private:
  // An event id names one event, for ever.
  void CheckIds(std::string_view service) {
    std::set<std::pair<std::string, std::string>> ids;
    for (const Seen& event : Read(world_, service, events::kEventsKind)) {
      if (!ids.insert({event.pool, Cat(event.type, " ", event.id)}).second) {
        world_->Violation(Cat(service, " published twice: ", event.type, " ", event.id));
      }
    }
  }

  void Touches() {
    std::map<std::string, std::string> pivot_of;  // hmac -> pivot key
    std::map<std::string, int> expected;
    for (const auto& touch : work_.touches()) {
      if (!touch->acknowledged) continue;
      pivot_of[touch->hmac] = touch->pivot_key;
      ++expected[touch->touch_id];
      people_[touch->pivot_key].push_back(touch.get());
    }
    std::map<std::string, int> resolved;
    for (const Seen& event : Read(world_, "identity", events::kEventsKind)) {
      if (event.type == events::kMemberCreated) {
        identity::v1::MemberCreated created;
        (void)created.ParseFromString(event.value);
        const std::string& pivot = pivot_of[created.anchor().hmac()];
        if (!member_of_.emplace(pivot, created.member()).second) {
          world_->Violation(Cat("two members for one person: ", created.member()));
        }
        touches_of_[{event.pool, created.member()}] = people_[pivot];
      } else if (event.type == events::kMemberResolved) {
        identity::v1::MemberResolved touch;
        (void)touch.ParseFromString(event.value);
        ++resolved[touch.touch().touch_id()];
        resolved_member_[touch.touch().touch_id()] = touch.member();
      }
    }
    for (const auto& [id, count] : expected) {
      if (resolved[id] != count) {
        world_->Violation(Cat("acknowledged touch ", id, " was counted ", resolved[id], " times"));
      }
    }
    for (const auto& [id, count] : resolved) {
      if (!expected.contains(id)) world_->Violation(Cat("touch ", id, " came from nowhere"));
    }
    for (const auto& touch : work_.touches()) {
      if (touch->acknowledged &&
          resolved_member_[touch->touch_id] != member_of_[touch->pivot_key]) {
        world_->Violation(Cat("touch ", touch->touch_id, " went to another member"));
      }
    }
  }

  void Points() {
    std::map<std::pair<std::string, std::string>, LedgerModel> models;
    for (const auto& [member, touches] : touches_of_) {
      const int64_t days = member.first == kLivePool ? kLiveDays : kExpiryDays;
      models.emplace(member, LedgerModel(touches, days * kDay));
    }
    for (const Seen& event : Read(world_, "points", events::kEventsKind)) {
      const auto it = models.find({event.pool, event.subject});
      if (it == models.end()) {
        world_->Violation(Cat("points of an unknown member ", event.subject));
        continue;
      }
      const std::string wrong = it->second.Apply(event.type, event.value);
      if (!wrong.empty()) {
        world_->Violation(
            Cat("points of ", event.subject, ": ", event.type, " ", event.id, ": ", wrong));
        return;
      }
    }
    for (const auto& [member, model] : models) {
      const int64_t now = member.first == kLivePool ? world_->now_us() : work_.event_clock_us();
      const std::string wrong = model.Finish(now);
      if (!wrong.empty()) world_->Violation(Cat("points of ", member.second, ": ", wrong));
      sums_[member.first] += model.figures();
      redemptions_[member] = model.redemptions();
      reversals_[member] = model.reversals();
    }
    ComparePointsSums();
  }

  // Double entry over all shards, and every sum as the models have it.
  void ComparePointsSums() {
    std::map<std::string, Figures> found;
    for (Instance* instance : world_->Up()) {
      if (world_->program(instance->service).service() != "points") continue;
      for (const shard::ShardStatus& status : instance->worker->Snapshot()) {
        for (const auto& [name, value] : status.sums) {
          Figures& sums = found[name.first];
          if (name.second == "loyalty/issued") sums.issued += value;
          if (name.second == "loyalty/outstanding") sums.outstanding += value;
          if (name.second == "loyalty/redeemed") sums.redeemed += value;
          if (name.second == "loyalty/expired") sums.expired += value;
          if (name.second == "loyalty/reversed") sums.reversed += value;
        }
      }
    }
    for (const auto& [pool, sums] : found) {
      if (sums.issued != sums.outstanding + sums.redeemed + sums.expired + sums.reversed) {
        world_->Violation(Cat("the ledger of ", pool, " does not balance: ", sums.Text()));
      }
      if (sums != sums_[pool]) {
        world_->Violation(
            Cat("sums of ", pool, ": ", sums.Text(), ", the model has ", sums_[pool].Text()));
      }
    }
  }

  void Commands() {
    std::map<std::string, int> recorded;
    for (const Seen& event : Read(world_, "points", events::kCommandsKind)) {
      runtime::v1::CommandRecord record;
      (void)record.ParseFromString(event.value);
      if (++recorded[record.request_id()] > 1) {
        world_->Violation(Cat("command ", record.request_id(), " took effect twice"));
      }
    }
    for (const auto& command : work_.commands()) {
      if (!command->acknowledged) continue;
      const std::pair<std::string, std::string> member{command->pool, command->member};
      const auto& done = command->reversal ? reversals_[member] : redemptions_[member];
      if (!done.contains(command->redemption_id)) {
        world_->Violation(Cat("acknowledged command ", command->request_id, " has no effect"));
      }
      // A second reversal of one redemption is answered, and changes nothing.
      if (recorded[command->request_id] != 1 && !command->reversal) {
        world_->Violation(Cat("acknowledged command ", command->request_id, " is not in the log"));
      }
    }
  }

  void Segments() {
    std::map<std::pair<std::string, std::string>, std::vector<SegmentChange>> changes;
    for (const Seen& event : Read(world_, "segmentation", events::kEventsKind)) {
      if (event.type == events::kSegmentEntered) {
        segmentation::v1::SegmentEntered entered;
        (void)entered.ParseFromString(event.value);
        changes[{event.pool, event.subject}].push_back(
            {entered.segment(), true, entered.occurrence_us()});
        if (entered.segment() == "lapsed") {
          ++lapses_[Cat(event.pool, "/", event.subject, "/", entered.occurrence_us())];
        }
      } else {
        segmentation::v1::SegmentExited exited;
        (void)exited.ParseFromString(event.value);
        changes[{event.pool, event.subject}].push_back(
            {exited.segment(), false, exited.occurrence_us()});
      }
    }
    for (const auto& [member, touches] : touches_of_) {
      const bool live = member.first == kLivePool;
      SegmentModel model(touches, (live ? kLiveDays : kLapseDays) * kDay);
      const std::string wrong = live ? model.CompareEnd(changes[member], world_->now_us())
                                     : model.Compare(changes[member], work_.event_clock_us());
      if (!wrong.empty()) {
        world_->Violation(Cat("segments of ", member.first, "/", member.second, ": ", wrong));
      }
    }
  }

  void Sends() {
    for (const std::string_view kind : {events::kEventsKind, events::kSendsKind}) {
      std::map<std::string, int> decided;
      for (const Seen& event : Read(world_, "messaging", kind)) {
        messaging::v1::SendDecided send;
        (void)send.ParseFromString(event.value);
        ++decided[Cat(event.pool, "/", send.member(), "/", send.occurrence_us())];
      }
      if (decided != lapses_) {
        for (const auto& [key, count] : decided) {
          if (count != 1 || !lapses_.contains(key)) {
            return world_->Violation(Cat(count, " sends in ", kind, " for ", key));
          }
        }
        world_->Violation(Cat("a lapse without a send in ", kind));
      }
    }
  }

  World* const world_;
  const Workload& work_;
  std::map<std::string, std::vector<const SentTouch*>> people_;  // by pivot key
  std::map<std::string, std::string> member_of_, resolved_member_;
  std::map<std::pair<std::string, std::string>, std::vector<const SentTouch*>> touches_of_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> redemptions_, reversals_;
  std::map<std::string, Figures> sums_;
  std::map<std::string, int> lapses_;
};

}  // namespace

void AuditBusiness(World* world, const Workload& workload) { BusinessAudit(world, workload).Run(); }

}  // namespace regulars::sim
