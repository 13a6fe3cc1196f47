#include "tests/sim/scenario.h"

#include <optional>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "tests/sim/auditor.h"
#include "tests/sim/poison_audit.h"
#include "tests/sim/reader.h"
#include "tests/sim/workload.h"

namespace regulars::sim {
namespace {

constexpr int kTurnsMax = 6000;
constexpr int kHealRoundsMax = 1500;
constexpr int kQuietRounds = 12;
constexpr int64_t kHealStep = 300'000;

class Scenario {
 public:
  explicit Scenario(const Setup& setup)
      : world_(setup),
        work_(&world_),
        reader_(&world_),
        poison_audit_(&world_),
        rng_(world_.rng()) {
    DrawMix();
  }

  Outcome Run() {
    // Something is in the log before any service was started for the first time.
    for (int64_t i = rng_.Below(20); i > 0; --i) work_.Send();
    for (auto& instance : world_.instances()) {
      if (instance->wanted && (instance->slot == 0 || rng_.PerMille(700))) {
        world_.Start(instance.get());
      }
    }
    world_.faults_on = true;
    int idle = 0;
    for (int turn = 0; turn < kTurnsMax && idle < 60; ++turn) {
      if (!Turn()) ++idle;
      MendEarly(turn);
      if (!world_.violations().empty()) break;
    }
    world_.faults_on = false;
    work_.EndEventPool();
    Heal();
    const bool late = world_.poison().mended_late();
    if (!late) Mend();
    DaysLater();
    Heal();
    if (late) Mend();
    if (world_.poison().on()) poison_audit_.AfterRedrive();
    if (world_.violations().empty()) AuditBusiness(&world_, work_);
    AuditRuntime(&world_);
    HashLog();
    Outcome outcome;
    outcome.violations = world_.violations();
    outcome.faults_injected = world_.faults_injected;
    outcome.touches = work_.appended();
    outcome.commands = std::ssize(work_.commands());
    outcome.view_reads = reader_.reads();
    outcome.fenced_writes = world_.views().fenced_writes();
    outcome.poisoned_inputs = world_.poison().inputs();
    outcome.keys_parked = poison_audit_.keys_parked();
    outcome.trace_hash = world_.trace_hash();
    return outcome;
  }

 private:
  // Every seed has its own kinds of faults: many at a low rate hide what few at a high rate show.
  void DrawMix() {
    Mix& mix = world_.mix;
    const auto draw = [&](int64_t chance, int64_t rate) {
      return rng_.PerMille(chance) ? rng_.Between(1, rate) : 0;
    };
    mix.crash_at = draw(500, 20);
    mix.stall_at = draw(400, 8);
    mix.crash = draw(500, 15);
    mix.lose_disk = draw(400, 500);
    mix.stall = draw(500, 10);
    mix.leave = draw(400, 10);
    mix.join = draw(600, 30);
    mix.sleep = draw(150, 2);
    mix.retriable = draw(400, 20);
    mix.abort = draw(400, 15);
    mix.fatal = draw(300, 5);
    mix.lost = draw(400, 15);
    mix.hold = draw(400, 60);
    mix.late = draw(300, 40);
    mix.ingest = draw(500, 300);
    mix.view = draw(600, 15);
    mix.view_away = draw(300, 5);
    mix.view_hold = draw(500, 50);
    mix.view_thread = draw(300, 20);
    mix.rot = draw(250, 20);
    mix.meanwhile = draw(600, 30);
    mix.compact = draw(250, 10);
    mix.deaf = draw(300, 8);
  }

  Instance* Any() {
    auto& all = world_.instances();
    return all[static_cast<size_t>(rng_.Below(std::ssize(all)))].get();
  }

  // False when nothing is left to be asked of the world.
  bool Turn() {
    bool left = true;
    const int64_t draw = rng_.Below(100);
    if (draw < 8) {
      left = work_.Send();
    } else if (draw < 10) {
      work_.Repeat();
    } else if (draw < 12) {
      work_.Ask();
    } else if (draw < 14) {
      work_.AskWaiting();
    } else if (draw < 15) {
      reader_.Look(static_cast<int>(rng_.Below(kServices)),
                   static_cast<int32_t>(rng_.Below(world_.shards())));
    } else if (draw < 20) {
      reader_.Glance();
      world_.Advance(rng_.Between(1, 400'000));
    } else if (draw < 40) {
      world_.StepView(Any());
    } else {
      world_.StepWorker(Any());
    }
    Trouble();
    return left;
  }

  void Trouble() {
    const Mix& mix = world_.mix;
    Instance* instance = Any();
    const auto happens = [&](int64_t chance) {
      if (chance == 0 || !rng_.PerMille(chance)) return false;
      ++world_.faults_injected;
      return true;
    };
    if (instance->worker) {
      if (happens(mix.crash)) {
        world_.Kill(instance);
        if (mix.lose_disk > 0 && rng_.PerMille(mix.lose_disk)) world_.LoseDisks(instance);
      } else if (happens(mix.stall)) {
        instance->stalled_until_us = world_.now_us() + rng_.Between(1, 20) * kSecond;
        world_.Note(Cat("stalled ", instance->name));
      } else if (happens(mix.deaf)) {
        instance->deaf_until_us = world_.now_us() + rng_.Between(5, 25) * kSecond;
        world_.Note(Cat("deaf ", instance->name));
      } else if (happens(mix.leave)) {
        world_.Leave(instance);
        instance->wanted = false;
      }
    } else if (instance->wanted) {
      if (rng_.PerMille(100)) world_.Start(instance);
    } else if (happens(mix.join)) {
      instance->wanted = true;
      world_.Start(instance);
    }
    if (happens(mix.sleep)) world_.Advance(rng_.Between(1, 30) * 3600 * kSecond);
    if (away_ > 0 && --away_ == 0) world_.views().SetAway(false);
    if (happens(mix.view_away)) {
      away_ = rng_.Between(1, 200);
      world_.views().SetAway(true);
    }
    if (happens(mix.view)) SpoilView();
    if (instance->view && happens(mix.view_thread)) {
      instance->view_stalled_until_us = world_.now_us() + rng_.Between(1, 15) * kSecond;
    }
    if (happens(mix.rot)) world_.RotView();
    if (happens(mix.compact)) Compact(static_cast<int>(rng_.Below(kServices)), false);
    HoldView();
  }

  // A request to the view that its sender gives up, and that arrives all the same.
  void HoldView() {
    if (hold_ > 0 && --hold_ == 0 && world_.views().DeliverHeld()) world_.Note("late view request");
    if (hold_ > 0 || world_.mix.view_hold == 0 || !rng_.PerMille(world_.mix.view_hold)) return;
    if (!world_.views().HoldNextWrite()) return;
    ++world_.faults_injected;
    hold_ = rng_.Between(1, 150);
  }

  void Compact(int service, bool drop_tombstones) {
    const std::string topic =
        world_.Topic(world_.program(service).service(), events::kChangelogKind);
    for (int32_t shard = 0; shard < world_.shards(); ++shard) {
      (void)world_.changelogs().Read(world_.log(), {topic, shard});
    }
    world_.Note(Cat("compaction of ", topic));
    world_.log().Compact(topic, drop_tombstones);
  }

  // Everything of the live pool falls due. Tombstones are gone by then, and instances come back
  // whose disks never saw them.
  void DaysLater() {
    world_.Advance(5 * kDay);
    if (!rng_.PerMille(300)) return;
    for (int service = 0; service < kServices; ++service) Compact(service, true);
    for (auto& instance : world_.instances()) {
      if (!instance->worker && rng_.PerMille(500)) instance->wanted = true;
    }
  }

  void SpoilView() {
    redis::FakeViewServer& views = world_.views();
    const int64_t draw = rng_.Below(7);
    world_.Note(Cat("view fault ", draw));
    switch (draw) {
      case 0:
        views.FlushAll();
        return reader_.Forget();
      case 1:
        dump_ = views.TakeDump();
        return;
      case 2:
        if (!dump_) return;
        views.RestoreDump(*dump_);
        return reader_.Forget();
      case 3:
      case 4:
        return views.LoseNextAnswer();
      case 5:
        return views.LoseFunctions();
      default:
        return views.FailApply(rng_.Below(5));
    }
  }

  // No faults any more: everything must come to rest by itself.
  void Heal() {
    world_.Note("heal");
    world_.views().SetAway(false);
    (void)world_.views().DeliverHeld();
    for (auto& instance : world_.instances()) {
      instance->stalled_until_us = 0;
      instance->view_stalled_until_us = 0;
      instance->deaf_until_us = 0;
      if (instance->wanted || instance->slot == 0) {
        instance->wanted = true;
        world_.Start(instance.get());
      }
    }
    int quiet = 0;
    std::vector<int64_t> before;
    for (int round = 0; round < kHealRoundsMax; ++round) {
      while (true) {
        const int64_t sent = work_.appended();
        if (!work_.Send() || work_.appended() == sent) break;
      }
      if (!work_.settled()) {
        work_.FinishRepeats();
        work_.AskWaiting();
      }
      world_.Advance(kHealStep);
      bool ready = true;
      for (auto& instance : world_.instances()) {
        if (instance->wanted) world_.Start(instance.get());  // a poisoned input killed it
        world_.StepWorker(instance.get());
        for (int i = 0; i < 4; ++i) world_.StepView(instance.get());
        if (!instance->worker) {
          ready = ready && !instance->wanted;
          continue;
        }
        ready = ready && instance->worker->ready() && instance->view->caught_up();
      }
      if (world_.poison().on()) ready = ready && AllOwned();
      std::vector<int64_t> ends;
      for (const std::string& topic : world_.log().Topics()) {
        for (int32_t p = 0; p < world_.shards(); ++p)
          ends.push_back(world_.log().EndOffset({topic, p}));
      }
      const bool still = ready && work_.settled() && ends == before;
      before = std::move(ends);
      quiet = still ? quiet + 1 : 0;
      if (quiet == kQuietRounds) return;
    }
    world_.Violation(Cat("no rest after the heal", work_.settled() ? "" : ": asked in vain"));
  }

  // A member that left is waited for as long as its session lasts.
  bool AllOwned() {
    for (int service = 0; service < kServices; ++service) {
      for (int32_t shard = 0; shard < world_.shards(); ++shard) {
        if (world_.OwnerOf(service, shard) == nullptr) return false;
      }
    }
    return true;
  }

  void MendEarly(int turn) {
    Poison& poison = world_.poison();
    if (!poison.on() || poison.mended_at_turn() < 0 || turn < poison.mended_at_turn()) return;
    poison.Mend();
    if (poison.rng().PerMille(20)) poison_audit_.RedriveSome();
  }

  // Up to here poisoned inputs went on to crash whoever applied them.
  void Mend() {
    if (!world_.poison().on()) return;
    poison_audit_.BeforeRedrive();
    world_.poison().Mend();
    poison_audit_.Redrive();
    world_.poison().Lift();
    Heal();
  }

  void HashLog() {
    uint64_t hash = 0;
    for (const std::string& topic : world_.log().Topics()) {
      for (int32_t p = 0; p < world_.shards(); ++p) {
        for (const kafka::FakeEntry& entry : world_.log().Dump({topic, p})) {
          hash = Xxh3(Cat(hash, "|", topic, "|", p, "|", entry.record.offset, "|",
                          static_cast<int>(entry.kind), "|", entry.record.key, "|",
                          entry.record.value));
        }
      }
    }
    world_.Note(Cat("log ", hash));
  }

  World world_;
  Workload work_;
  Reader reader_;
  PoisonAudit poison_audit_;
  Rng& rng_;
  int64_t away_ = 0;  // turns until the view is back
  int64_t hold_ = 0;  // turns until the late request arrives
  std::optional<redis::FakeViewServer::Data> dump_;
};

}  // namespace

Outcome RunSeed(const Setup& setup) { return Scenario(setup).Run(); }

}  // namespace regulars::sim
