#include "tests/sim/poison_audit.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "regulars/runtime/v1/runtime_service.pb.h"

namespace regulars::sim {
namespace {

using runtime::v1::DeadLetter;

constexpr int64_t kAskStep = 300'000;
constexpr int kAskRoundsMax = 200;
constexpr int kRedrivesMax = 20;

std::string Name(const Poison::Key& key) { return Cat(key.first, "/", key.second); }

std::vector<DeadLetter> LettersOf(World* world, const std::string& service, int32_t shard) {
  std::vector<DeadLetter> letters;
  const std::string topic = world->Topic(service, events::kDeadLettersKind);
  for (const kafka::Record& record : world->log().ReadCommitted({topic, shard})) {
    DeadLetter letter;
    if (!letter.ParseFromString(std::string(record.value))) {
      world->Violation(Cat(topic, "/", shard, ": a letter is garbled"));
      continue;
    }
    const auto error = letter.error_class();
    if (error == runtime::v1::DEAD_LETTER_CLASS_CRASHED ||
        error == runtime::v1::DEAD_LETTER_CLASS_PARKED) {
      letters.push_back(std::move(letter));
    }
  }
  return letters;
}

}  // namespace

std::set<Poison::Key> PoisonAudit::ParkedNow() {
  std::set<Poison::Key> parked;
  for (Instance* instance : world_.Up()) {
    for (const shard::ShardStatus& status : instance->worker->Snapshot()) {
      for (const runtime::v1::ParkedKey& key : status.parked) {
        if (instance->service != world_.poison().service()) {
          world_.Violation(Cat(instance->name, " parked ", key.pool(), "/", key.entity()));
        }
        parked.emplace(key.pool(), key.entity());
      }
    }
  }
  return parked;
}

void PoisonAudit::BeforeRedrive() {
  parked_ = ParkedNow();
  CheckLetters();
  for (const Poison::Key& key : ever_parked_) {
    if (!world_.poison().Crashed(key)) {
      world_.Violation(Cat("an innocent key was parked: ", Name(key)));
    }
  }
  for (const Poison::Key& key : parked_) {
    if (!ever_parked_.contains(key)) {
      world_.Violation(Cat("parked without a culprit: ", Name(key)));
    }
    const shard::Reply reply = Ask(key, "AnyCommand");
    if (reply.reason != "KEY_PARKED") {
      world_.Violation(Cat("a command to the parked ", Name(key), " was answered ", reply.reason));
    }
  }
  if (world_.poison().mended()) return;  // some may be redriven by now, or never came to it
  for (const Poison::Key& key : world_.poison().keys()) {
    if (!parked_.contains(key)) {
      world_.Violation(Cat("it crashed the service and is not parked: ", Name(key)));
    }
  }
}

void PoisonAudit::CheckLetters() {
  letters_ = CountLetters();
  for (int service = 0; service < kServices; ++service) {
    const std::string name = world_.program(service).service();
    for (int32_t shard = 0; shard < world_.shards(); ++shard) {
      for (const DeadLetter& letter : LettersOf(&world_, name, shard)) {
        if (service == world_.poison().service()) {
          ever_parked_.emplace(letter.pool(), letter.entity());
        } else {
          world_.Violation(Cat(name, " set aside ", letter.pool(), "/", letter.entity()));
        }
      }
    }
  }
  for (const Poison::Key& key : ever_parked_) CheckLettersOf(key);
}

// One input crashed; what came after it waits, whole and in order.
void PoisonAudit::CheckLettersOf(const Poison::Key& key) {
  const shard::Program& program = world_.program(world_.poison().service());
  const int32_t shard = ShardOf(Bucket(key.first, key.second), world_.shards());
  std::map<std::string, std::vector<int64_t>> waited;
  int64_t crashed = 0;
  bool first = true;
  for (const DeadLetter& letter : LettersOf(&world_, program.service(), shard)) {
    if (letter.pool() != key.first || letter.entity() != key.second) continue;
    const bool culprit = letter.error_class() == runtime::v1::DEAD_LETTER_CLASS_CRASHED;
    if (first && !culprit) world_.Violation(Cat("no culprit before what waits of ", Name(key)));
    first = false;
    crashed += culprit ? 1 : 0;
    if (letter.topic().starts_with('@')) continue;
    waited[letter.topic()].push_back(letter.offset());
    if (culprit && !world_.poison().TimerCrashed(key) &&
        !world_.poison().CrashedAt(letter.topic(), letter.partition(), letter.offset())) {
      world_.Violation(Cat("another input of ", Name(key), " was taken for the culprit"));
    }
  }
  if (crashed != 1) world_.Violation(Cat(crashed, " inputs of ", Name(key), " set aside CRASHED"));
  for (const shard::InputTopic& input : program.inputs()) {
    const std::string topic = world_.Topic(input.domain, input.kind);
    CheckRun(key, topic, waited[topic]);
  }
}

// `waited`: the key's inputs of the topic that were set aside. They follow each other without a
// gap, and while the key is parked they are its last ones.
void PoisonAudit::CheckRun(const Poison::Key& key, const std::string& topic,
                           const std::vector<int64_t>& waited) {
  const int32_t shard = ShardOf(Bucket(key.first, key.second), world_.shards());
  std::vector<int64_t> all;
  for (const kafka::Record& record : world_.log().ReadCommitted({topic, shard})) {
    const auto event = events::FromHeaders(record.headers);
    if (!event.ok() || event->type == events::kClockAdvanced) continue;
    if (event->pool == key.first && event->subject == key.second) all.push_back(record.offset);
  }
  if (waited.empty()) return;
  const auto from = std::find(all.begin(), all.end(), waited.front());
  const auto length = std::min(std::ssize(waited), all.end() - from);
  const bool run = std::equal(waited.begin(), waited.end(), from, from + length);
  if (!run || (parked_.contains(key) && from + length != all.end())) {
    world_.Violation(Cat("what waits of ", topic, " for ", Name(key), " is not whole"));
  }
}

int64_t PoisonAudit::CountLetters() {
  int64_t count = 0;
  for (int service = 0; service < kServices; ++service) {
    for (int32_t shard = 0; shard < world_.shards(); ++shard) {
      count += std::ssize(LettersOf(&world_, world_.program(service).service(), shard));
    }
  }
  return count;
}

shard::Reply PoisonAudit::Ask(const Poison::Key& key, std::string_view type) {
  const int32_t shard = ShardOf(Bucket(key.first, key.second), world_.shards());
  const auto reply = std::make_shared<std::optional<shard::Reply>>();
  Instance* asked = nullptr;
  for (int round = 0; round < kAskRoundsMax && !*reply; ++round) {
    Instance* owner = world_.OwnerOf(world_.poison().service(), shard);
    if (owner != nullptr && owner != asked) {
      shard::Command command;
      command.pool = key.first;
      command.entity = key.second;
      command.type = type;
      command.done = [reply](const shard::Reply& answer, const runtime::v1::PositionToken&) {
        if (answer.code != absl::StatusCode::kUnavailable) *reply = answer;
      };
      if (owner->worker->Submit(std::move(command))) asked = owner;
    }
    world_.Advance(kAskStep);
    for (Instance* instance : world_.Up()) {
      world_.StepWorker(instance);
      world_.StepView(instance);
    }
  }
  if (*reply) return **reply;
  return {absl::StatusCode::kUnavailable, "NO_ANSWER", "", ""};
}

void PoisonAudit::RedriveSome() {
  Rng& rng = world_.poison().rng();
  std::vector<std::pair<Instance*, Poison::Key>> parked;
  for (Instance* instance : world_.Up()) {
    for (const shard::ShardStatus& status : instance->worker->Snapshot()) {
      for (const auto& key : status.parked) {
        parked.push_back({instance, {key.pool(), key.entity()}});
      }
    }
  }
  if (parked.empty()) return;
  const auto& [owner, key] = parked[static_cast<size_t>(rng.Below(std::ssize(parked)))];
  shard::Command command;
  command.pool = key.first;
  command.entity = key.second;
  command.type = shard::kRedriveCommand;
  command.done = [world = &world_](const shard::Reply& reply, const runtime::v1::PositionToken&) {
    world->Note(Cat("redrive: ", static_cast<int>(reply.code), " ", reply.reason));
  };
  (void)owner->worker->Submit(std::move(command));
}

void PoisonAudit::Redrive() {
  for (const Poison::Key& key : parked_) {
    int64_t waiting = -1;
    for (int i = 0; i < kRedrivesMax && waiting != 0; ++i) {
      const shard::Reply reply = Ask(key, shard::kRedriveCommand);
      runtime::v1::RedriveKeyResponse response;
      if (reply.code != absl::StatusCode::kOk || !response.ParseFromString(reply.payload)) {
        world_.Violation(Cat("the redrive of ", Name(key), " was answered ", reply.reason));
        break;
      }
      waiting = response.waiting();
      world_.Note(Cat("redriven ", Name(key), ": ", response.applied(), ", waiting ", waiting));
    }
  }
}

void PoisonAudit::AfterRedrive() {
  for (const Poison::Key& key : ParkedNow()) {
    world_.Violation(Cat("still parked after its redrive: ", Name(key)));
  }
  if (CountLetters() != letters_) world_.Violation("set aside after the bug was mended");
}

}  // namespace regulars::sim
