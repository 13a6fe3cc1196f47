#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "services/identity/codec/identity_program.h"
#include "services/messaging/codec/program.h"
#include "services/points/codec/points_program.h"
#include "services/segmentation/codec/program.h"
#include "tests/sim/forgetful_program.h"

namespace regulars::sim {
namespace {

constexpr int64_t kEpoch = 1'767'225'600 * kSecond;  // 2026-01-01

}  // namespace

World::World(const Setup& setup)
    : setup_(setup), rng_(setup.seed), poison_(setup.seed, kServices), now_us_(kEpoch) {
  shards_ = static_cast<int32_t>(rng_.Between(2, 4));
  has_event_pool_ = rng_.PerMille(600);
  batch_max_ = rng_.PerMille(500) ? rng_.Between(1, 8) : 4000;
  cache_max_ = rng_.PerMille(500) ? rng_.Between(8, 64) : 1'000'000;
  kafka::FakeLogOptions options;
  options.now_us = [this] { return now_us_; };
  options.fault = [this](const kafka::FakeCall& call) { return Fault(call); };
  options.choose = [this](size_t n) {
    return static_cast<size_t>(rng_.Below(static_cast<int64_t>(n)));
  };
  log_ = std::make_unique<kafka::FakeLog>(options);
  views_ = std::make_unique<redis::FakeViewServer>(
      redis::FakeViewOptions{.break_fence = setup_.broken == "view_fence",
                             .break_position = setup_.broken == "view_position"});
  MakePrograms();
  MakeTopics();
  for (int service = 0; service < kServices; ++service) {
    for (int slot = 0; slot < kSlots; ++slot) {
      auto instance = std::make_unique<Instance>();
      instance->service = service;
      instance->slot = slot;
      instance->name = Cat(program(service).service(), "-", slot);
      instance->ear = std::make_unique<Ear>(this, instance.get());
      instance->log = log_->ForProcess(instance->name);
      instance->wanted = slot < 2;
      instances_.push_back(std::move(instance));
    }
  }
}

World::~World() {
  for (auto& instance : instances_) {
    instance->worker.reset();
    instance->view.reset();
  }
}

void World::MakePrograms() {
  std::vector<std::unique_ptr<shard::Program>> made;
  made.push_back(std::make_unique<identity::IdentityProgram>());
  std::map<std::string, points::ProgramConfig> programs;
  programs[std::string(kLivePool)] = {.program = std::string(kProgramId), .expiry_days = kLiveDays};
  programs[std::string(kEventPool)] = {.program = std::string(kProgramId),
                                       .expiry_days = kExpiryDays};
  made.push_back(std::make_unique<points::PointsProgram>(std::move(programs)));
  segmentation::SegmentationConfig segments;
  segments.pools[std::string(kLivePool)] = {.lapsed_after_days = kLiveDays};
  segments.pools[std::string(kEventPool)] = {.lapsed_after_days = kLapseDays};
  made.push_back(std::make_unique<segmentation::SegmentationProgram>(std::move(segments)));
  messaging::MessagingConfig campaigns;
  campaigns.default_campaigns = {{.id = "win-back", .segment = "lapsed", .template_name = "t"}};
  made.push_back(std::make_unique<messaging::MessagingProgram>(std::move(campaigns)));
  if (setup_.broken == "dedupe") {
    made[0] = std::make_unique<ForgetfulProgram>(std::move(made[0]));
    made[1] = std::make_unique<ForgetfulProgram>(std::move(made[1]));
  }
  if (poison_.on()) {
    auto& sick = made[static_cast<size_t>(poison_.service())];
    sick = std::make_unique<PoisonedProgram>(std::move(sick), &poison_);
  }
  programs_ = std::move(made);
}

std::string World::Topic(std::string_view domain, std::string_view kind) const {
  return events::TopicName(domain, kind, 1);
}

void World::MakeTopics() {
  const auto make = [&](std::string_view domain, std::string_view kind, int32_t partitions) {
    if (!log_->CreateTopic(Topic(domain, kind), partitions).ok()) std::abort();
  };
  make(events::kIngest, events::kTouchesKind, shards_);
  make(events::kIdentity, events::kLinksKind, shards_);
  make(events::kPoints, events::kHandoffKind, shards_);
  make(events::kSegmentation, events::kHandoffKind, shards_);
  make(events::kMessaging, events::kHandoffKind, shards_);
  make(events::kMessaging, events::kSendsKind, shards_);
  make(events::kMessaging, events::kReportsKind, shards_);
  for (const auto& program : programs_) {
    for (const std::string_view kind : {events::kEventsKind, events::kChangelogKind,
                                        events::kCommandsKind, events::kDeadLettersKind}) {
      make(program->service(), kind, shards_);
    }
    make(program->service(), events::kOwnersKind, 1);
  }
}

void World::Note(std::string_view text) {
  const std::string line = Cat(now_us_ - kEpoch, " ", text);
  trace_hash_ = Xxh3(Cat(trace_hash_, line));
  if (setup_.trace) std::fprintf(stderr, "%s\n", line.c_str());
}

void World::Violation(std::string text) {
  Note(Cat("VIOLATION ", text));
  violations_.push_back(std::move(text));
}

void World::Advance(int64_t by_us) {
  now_us_ += by_us;
  log_->Tick();
}

void World::StepWorker(Instance* instance) {
  if (!instance->worker || instance->inside || instance->stalled_until_us > now_us_) return;
  instance->inside = true;
  absl::Status status;
  try {
    status = instance->worker->Step(absl::ZeroDuration());
  } catch (const PoisonMet&) {
    ++faults_injected;
    status = absl::CancelledError("a poisoned input");
  }
  instance->inside = false;
  if (!status.ok()) Note(Cat(instance->name, ": ", StdView(status.message())));
  if (absl::IsCancelled(status)) Kill(instance);
}

void World::StepView(Instance* instance) {
  if (!instance->view || instance->frozen) return;
  if (std::max(instance->stalled_until_us, instance->view_stalled_until_us) > now_us_) return;
  instance->view->Step(now_us_);
}

void World::Start(Instance* instance) {
  if (instance->worker) return;
  Note(Cat("start ", instance->name));
  instance->stalled_until_us = 0;
  instance->view_stalled_until_us = 0;
  instance->deaf_until_us = 0;
  const shard::Program* program = programs_[static_cast<size_t>(instance->service)].get();
  instance->view = std::make_unique<shard::ViewWriter>(
      std::make_unique<redis::FakeView>(views_.get()),
      shard::ViewWriterOptions{.service = program->service(),
                               .shard_count = shards_,
                               .queue_bytes_max = 1 << 20,
                               .check_every_us = kSecond,
                               .sweep_keys_per_step = 10},
      [program](std::string_view sub) { return program->InView(sub); });
  shard::WorkerOptions options;
  options.shard_count = shards_;
  options.slot = instance->slot;
  options.address = Cat(instance->name, ":1");
  options.pools[std::string(kLivePool)] = shard::PoolClock::kLive;
  if (has_event_pool_) options.pools[std::string(kEventPool)] = shard::PoolClock::kEvent;
  options.batch_inputs_max = static_cast<size_t>(batch_max_);
  options.cache_keys_max = static_cast<size_t>(cache_max_);
  options.check_invariants_every = 1;
  shard::Breaks& breaks = options.breaks;
  const std::string& broken = setup_.broken;
  breaks.undo_log = broken == "undo_log";
  breaks.offsets_in_txn = broken == "offsets_in_txn";
  breaks.generation = broken == "generation";
  breaks.watermark = broken == "watermark";
  breaks.own_timers_first = broken == "own_timers_first";
  breaks.store_position = broken == "store_position";
  breaks.shard_chain = broken == "shard_chain";
  shard::WorkerPorts ports;
  ports.log = instance->log.get();
  ports.stores = &instance->disks;
  ports.view = instance->view.get();
  ports.probe = instance->ear.get();
  ports.wall_us = [this] { return now_us_; };
  ports.steady_us = [this] { return now_us_; };
  ports.pause = [this](absl::Duration d) { Advance(absl::ToInt64Microseconds(d)); };
  ports.new_log_id = [this] { return Cat("log-", rng_.Next()); };
  ports.seal = [](std::string_view, std::string_view bytes) {
    types::v1::Sealed sealed;
    sealed.set_ciphertext(bytes.data(), bytes.size());
    return sealed;
  };
  ports.open = [](std::string_view, const types::v1::Sealed& sealed) {
    return absl::StatusOr<std::string>(sealed.ciphertext());
  };
  ports.at_point = [this, instance](std::string_view point) { return AtPoint(instance, point); };
  instance->worker = std::make_unique<shard::Worker>(program, std::move(options), std::move(ports));
}

void World::Kill(Instance* instance) {
  if (!instance->worker || instance->inside) return;
  Note(Cat("kill ", instance->name));
  log_->KillProcess(instance->name);
  instance->worker.reset();
  instance->view.reset();
  if (on_death) on_death(instance);
}

void World::Leave(Instance* instance) {
  if (!instance->worker || instance->inside) return;
  Note(Cat("leave ", instance->name));
  instance->worker->Stop();
  instance->worker.reset();
  instance->view.reset();
  if (on_death) on_death(instance);
}

void World::LoseDisks(Instance* instance) {
  Note(Cat("disk lost ", instance->name));
  for (const std::string& name : instance->disks.Names()) instance->disks.LoseDisk(name);
}

std::vector<Instance*> World::Up() {
  std::vector<Instance*> up;
  for (auto& instance : instances_) {
    if (instance->worker) up.push_back(instance.get());
  }
  return up;
}

Instance* World::OwnerOf(int service, int32_t shard) {
  for (Instance* instance : Up()) {
    if (instance->service != service) continue;
    for (const shard::ShardStatus& status : instance->worker->Snapshot()) {
      if (status.shard == shard) return instance;
    }
  }
  return nullptr;
}

}  // namespace regulars::sim
