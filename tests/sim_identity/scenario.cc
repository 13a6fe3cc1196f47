#include "tests/sim_identity/scenario.h"

#include <memory>

#include "libs/base/time.h"

namespace regulars::sim_identity {
namespace {

Shape ShapeOf(uint64_t seed) {
  sim::Rng rng(seed);
  Shape shape;
  shape.shards = static_cast<int32_t>(rng.Between(2, rng.PerMille(300) ? 64 : 8));
  shape.pool_scope = rng.PerMille(400);
  shape.limits = rng.PerMille(500);
  // Not drawn: what is drawn after it stays as it was.
  if (shape.limits && seed % 3 == 0) shape.merges_per_day = 2;
  shape.any_pivot = seed % 4 == 2;
  shape.commands = rng.PerMille(500);
  shape.people = static_cast<int>(rng.Between(3, rng.PerMille(200) ? 40 : 12));
  shape.touches = static_cast<int>(rng.Between(20, rng.PerMille(200) ? 300 : 100));
  if (rng.PerMille(700)) shape.abort_per_mille = rng.Between(1, 200);
  if (rng.PerMille(500)) shape.move_per_mille = rng.Between(1, 30);
  return shape;
}

identity::LinkRules RulesOf(const Shape& shape) {
  identity::LinkRules rules;
  rules.enabled = true;
  if (shape.limits) {
    rules.limits = {{"phone", 3, 0}, {"email", 2, 0}};
    rules.identifiers_max = 9;
    rules.merges_max = 4;
    rules.merge_rate = {shape.merges_per_day, kMicrosPerDay};
    return rules;
  }
  rules.merge_rate.max = 0;
  rules.unique_is_one = false;
  rules.limits.clear();
  rules.contested_max = 1'000'000;
  return rules;
}

void Play(World* world, Ledger* ledger, Workload* workload, sim::Rng* rng) {
  const Shape& shape = world->shape();
  const int64_t start_us = world->now_us();
  for (int fed = 0; fed < shape.touches;) {
    // Mostly some messages are under way, now and then everything comes to rest.
    const int64_t dice = rng->Below(1000);
    if (dice < 250) {
      workload->FeedOne();
      ++fed;
    } else if (dice < 280 && shape.commands) {
      workload->AskOne();
    } else if (dice < 290) {
      world->Drain();
    } else if (dice < 700) {
      world->StepOnce();
    } else {
      ledger->StepOnce();
    }
    if (rng->PerMille(300)) world->AdvanceTo(world->now_us() + rng->Below(3));
    // Never so far that a repeated touch could be too old.
    const bool may_leap = world->now_us() < start_us + 190 * kMicrosPerDay;
    if (may_leap && rng->PerMille(5)) {
      world->AdvanceTo(world->now_us() + rng->Below(200) * kMicrosPerDay);
    }
  }
  world->Drain();
  ledger->Drain();
}

// What a touch costs that says nothing new.
void MeasureWarm(World* world, Workload* workload, Outcome* outcome) {
  std::vector<types::v1::Identifier> known;
  for (const Touched& touched : workload->touched()) known.push_back(touched.identifiers.front());
  for (size_t i = 0; i < known.size() && i < 10; ++i) {
    workload->FeedWarm(known[i]);
    world->Drain();
    const int64_t links = world->link_records();
    workload->FeedWarm(known[i]);
    world->Drain();
    ++outcome->warm_touches;
    outcome->warm_records += 1 + world->link_records() - links;
  }
}

}  // namespace

Outcome RunSeed(const Setup& setup, int64_t cases) {
  const Shape shape = ShapeOf(setup.seed);
  World world(setup, shape, RulesOf(shape));
  Ledger ledger(setup.seed, shape.shards);
  world.on_event = [&](int32_t shard, const shard::Publish& event) { ledger.Hear(shard, event); };
  Workload workload(&world, setup.seed);
  sim::Rng rng(setup.seed * 31 + 7);
  Outcome outcome;
  outcome.limits = shape.limits;
  Play(&world, &ledger, &workload, &rng);
  Auditor(&world, workload, ledger).Audit();
  outcome.not_replayed = AuditReplay(&world);
  using Kind = v1::LinkMessage;
  for (const auto kind :
       {Kind::kLink, Kind::kTryLink, Kind::kPropose, Kind::kAccept, Kind::kReject}) {
    outcome.link_messages += world.messages(kind);
  }
  outcome.reanchors = world.messages(Kind::kReanchor);
  outcome.merges = world.sum("members_merged");
  outcome.splits = workload.splits();
  outcome.suppressed = world.sum("links_suppressed");
  outcome.expelled = world.sum("identifiers_expelled");
  outcome.recycled = world.sum("identifiers_recycled");
  if (world.violations().empty()) {
    MeasureWarm(&world, &workload, &outcome);
    outcome.cases = MergeThenSplit(&world, &ledger, setup.seed, cases, &outcome.splits);
    ledger.Drain();
    Auditor(&world, workload, ledger).Audit();
  }
  outcome.touches = workload.fed();
  outcome.violations = world.violations();
  return outcome;
}

}  // namespace regulars::sim_identity
