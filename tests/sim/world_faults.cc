// The faults of a simulated world: crashes and stalls at points of the loop, answers of the log,
// what goes on meanwhile, rot in the view.
#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "tests/sim/world.h"

namespace regulars::sim {
namespace {

// A stalled process misses this much: above session and transaction time-outs.
constexpr int64_t kStall = 13 * kSecond;

}  // namespace

void Ear::Aborted(std::string_view why) { world_->Note(Cat(instance_->name, " aborts: ", why)); }

void Ear::Alarm(std::string_view what, std::string_view detail) {
  const std::string text = Cat("alarm of ", instance_->name, ": ", what, ": ", detail);
  world_->Note(text);
  if (!world_->setup().broken.empty()) return;
  world_->Violation(text);
}

void Ear::Event(std::string_view what, std::string_view detail) {
  world_->Note(Cat(instance_->name, " ", what, ": ", detail));
}

Instance* World::Find(std::string_view process) {
  for (auto& instance : instances_) {
    if (instance->name == process) return instance.get();
  }
  return nullptr;
}

bool World::AtPoint(Instance* instance, std::string_view point) {
  if (!faults_on) return true;
  if (rng_.PerMille(mix.crash_at)) {
    ++faults_injected;
    Note(Cat("crash of ", instance->name, " at ", point));
    return false;
  }
  if (stall_depth_ == 0 && rng_.PerMille(mix.stall_at)) {
    Note(Cat("at ", point));
    Stall(instance);
  }
  return true;
}

void World::Stall(Instance* instance) {
  ++faults_injected;
  ++stall_depth_;
  // Either the process stands still, or only the worker, and the view's thread goes on.
  instance->frozen = rng_.PerMille(500);
  Note(Cat("stall of ", instance->name, instance->frozen ? "" : ", its view goes on"));
  for (int64_t gone = 0; gone < kStall; gone += kSecond / 2) {
    Advance(kSecond / 2);
    for (Instance* other : Up()) {
      StepWorker(other);
      StepView(other);
    }
  }
  instance->frozen = false;
  // Which of its threads is the first to run again?
  for (int64_t i = rng_.Below(3); i > 0; --i) StepView(instance);
  Note(Cat("end of stall of ", instance->name));
  --stall_depth_;
}

void World::Meanwhile() {
  ++faults_injected;
  ++stall_depth_;
  for (int64_t i = rng_.Between(1, 12); i > 0; --i) {
    if (rng_.PerMille(300)) Advance(rng_.Between(1, kSecond / 4));
    Instance* other = instances_[static_cast<size_t>(rng_.Below(std::ssize(instances_)))].get();
    if (other->wanted && !other->worker && rng_.PerMille(100)) Start(other);
    StepWorker(other);
    if (rng_.PerMille(300)) StepView(other);
  }
  --stall_depth_;
}

void World::RotView() {
  const std::vector<std::string> names = views_->KeyNames();
  if (names.empty()) return;
  const std::string& name = names[static_cast<size_t>(rng_.Below(std::ssize(names)))];
  std::optional<std::string> value;
  if (rng_.PerMille(500)) value = Cat("rot ", rng_.Next());
  Note(Cat("rot of ", name));
  (void)views_->Rot(name, value);
  rotted_.emplace(name, std::move(value));
}

bool World::Rotted(const std::string& full_key, const std::optional<std::string>& found) const {
  return rotted_.contains({full_key, found});
}

kafka::FakeFault World::Fault(const kafka::FakeCall& call) {
  using kafka::FakeFault;
  using kafka::FakeOp;
  FakeFault none;
  if (!faults_on || call.process.empty()) return none;
  const auto make = [&](FakeFault::Kind kind) {
    ++faults_injected;
    FakeFault fault;
    fault.kind = kind;
    fault.delay_us = rng_.Between(1, 3 * kSecond);
    if (kind == FakeFault::Kind::kLostAnswer && rng_.PerMille(300)) {
      fault.answer = kafka::TxnError::kFatal;
    }
    Note(Cat("fault ", static_cast<int>(kind), " of call ", static_cast<int>(call.op), " by ",
             call.process));
    return fault;
  };
  if (call.process == "ingest") {
    if (mix.ingest == 0 || !rng_.PerMille(mix.ingest)) return none;
    switch (rng_.Below(3)) {
      case 0:
        return make(FakeFault::Kind::kRetriable);
      case 1:
        return call.op == FakeOp::kPlainProduce ? make(FakeFault::Kind::kLostAnswer) : none;
      default:
        return call.op == FakeOp::kPlainProduce ? make(FakeFault::Kind::kHold) : none;
    }
  }
  Instance* instance = Find(call.process);
  if (call.op == FakeOp::kHeartbeat && instance != nullptr && instance->deaf_until_us > now_us_) {
    none.kind = FakeFault::Kind::kRetriable;
    return none;
  }
  if (stall_depth_ == 0) {
    if (instance != nullptr && instance->inside) {
      // What was drained up to now meets the world as it is afterwards.
      if (call.op == FakeOp::kPoll && rng_.PerMille(mix.stall_at)) Stall(instance);
      if (mix.meanwhile > 0 && rng_.PerMille(mix.meanwhile)) Meanwhile();
    }
  }
  const bool ends = call.op == FakeOp::kCommit || call.op == FakeOp::kAbort;
  if (mix.retriable > 0 && rng_.PerMille(mix.retriable)) return make(FakeFault::Kind::kRetriable);
  if (mix.fatal > 0 && rng_.PerMille(mix.fatal)) return make(FakeFault::Kind::kFatal);
  if (mix.abort > 0 && call.op != FakeOp::kPoll && rng_.PerMille(mix.abort)) {
    return make(FakeFault::Kind::kAbort);
  }
  if (mix.lost > 0 && call.op <= FakeOp::kAbort && rng_.PerMille(mix.lost)) {
    return make(FakeFault::Kind::kLostAnswer);
  }
  if (ends && mix.hold > 0 && rng_.PerMille(mix.hold)) return make(FakeFault::Kind::kHold);
  if (ends && mix.late > 0 && rng_.PerMille(mix.late)) return make(FakeFault::Kind::kLateEndTxn);
  return none;
}

}  // namespace regulars::sim
