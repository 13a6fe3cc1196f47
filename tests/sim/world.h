// The simulated world of one seed: every stateful service, several instances each, on the fake log,
// the fake view, memory stores and a virtual clock, in one thread. It offers steps, faults and the
// clock; what happens when is decided by scenario.cc, what must hold afterwards by the auditor.
// Deterministic: the same seed gives the same calls in the same order. Not thread-safe.
#ifndef REGULARS_TESTS_SIM_WORLD_H_
#define REGULARS_TESTS_SIM_WORLD_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kafka/fake_log.h"
#include "libs/redis/fake_view.h"
#include "libs/shard/view_writer.h"
#include "libs/shard/worker.h"
#include "libs/store/memory_store.h"
#include "tests/sim/changelogs.h"
#include "tests/sim/poison.h"
#include "tests/sim/rng.h"

namespace regulars::sim {

inline constexpr int64_t kSecond = 1'000'000;
inline constexpr int64_t kDay = 24 * 3600 * kSecond;
inline constexpr std::string_view kLivePool = "shoplive";
inline constexpr std::string_view kEventPool = "shopevent";
inline constexpr std::string_view kProgramId = "loyalty";
inline constexpr int64_t kLiveDays = 1;     // expiry and lapse of the live pool
inline constexpr int64_t kExpiryDays = 60;  // of the event pool
inline constexpr int64_t kLapseDays = 30;
inline constexpr int kServices = 4;
inline constexpr int kSlots = 3;

struct Setup {
  uint64_t seed = 1;
  std::string broken;  // guard that is taken out; empty = none
  bool trace = false;
};

// How often what goes wrong, in one seed (per mille). Many are zero: faults come in swarms.
struct Mix {
  int64_t crash_at = 0, stall_at = 0;           // at a point inside the worker
  int64_t crash = 0, lose_disk = 0, stall = 0;  // between steps
  int64_t leave = 0, join = 0, sleep = 0;       // rebalances; the whole machine sleeps
  int64_t retriable = 0, abort = 0, fatal = 0, lost = 0, hold = 0, late = 0;  // of calls
  int64_t ingest = 0;                                                         // of the producer
  int64_t view = 0, view_away = 0;
  int64_t view_hold = 0, view_thread = 0;  // a late request; a stalled view thread
  int64_t rot = 0;                         // single keys of the view spoiled
  int64_t meanwhile = 0;                   // others go on between two calls of a worker
  int64_t compact = 0;                     // of the changelogs
  int64_t deaf = 0;                        // a member that hears nothing of its group
};

class World;
struct Instance;

// Hears the worker of one instance. An alarm is a violation; not in a self-test, where the auditor
// must notice.
class Ear : public shard::WorkerProbe {
 public:
  Ear(World* world, const Instance* instance) : world_(world), instance_(instance) {}
  void Aborted(std::string_view why) override;
  void Alarm(std::string_view what, std::string_view detail) override;
  void Event(std::string_view what, std::string_view detail) override;

 private:
  World* const world_;
  const Instance* const instance_;
};

struct Instance {
  int service = 0;
  int slot = 0;
  std::string name;
  std::unique_ptr<Ear> ear;
  std::unique_ptr<kafka::Log> log;
  store::MemoryStoreFactory disks;
  std::unique_ptr<shard::ViewWriter> view;
  std::unique_ptr<shard::Worker> worker;  // null: the process is down
  int64_t stalled_until_us = 0;
  int64_t view_stalled_until_us = 0;  // the view's thread alone
  int64_t deaf_until_us = 0;          // goes on working, its heartbeats are lost
  bool inside = false;                // the worker's Step is on the stack
  bool frozen = false;                // inside a stall of the whole process
  bool wanted = true;                 // part of the deployment now
};

class World {
 public:
  explicit World(const Setup& setup);
  ~World();

  // --- time and steps ---
  int64_t now_us() const { return now_us_; }
  void Advance(int64_t by_us);
  void StepWorker(Instance* instance);
  void StepView(Instance* instance);

  // --- processes ---
  void Start(Instance* instance);
  void Kill(Instance* instance);   // kill -9
  void Leave(Instance* instance);  // SIGTERM
  void LoseDisks(Instance* instance);
  std::vector<Instance*> Up();
  std::vector<std::unique_ptr<Instance>>& instances() { return instances_; }
  // The instance of `service` that says that it owns the shard.
  Instance* OwnerOf(int service, int32_t shard);

  // --- what faults may happen now ---
  Mix mix;
  bool faults_on = false;
  int64_t faults_injected = 0;

  kafka::FakeLog& log() { return *log_; }
  redis::FakeViewServer& views() { return *views_; }
  Changelogs& changelogs() { return changelogs_; }
  Poison& poison() { return poison_; }
  Rng& rng() { return rng_; }
  const Setup& setup() const { return setup_; }
  int32_t shards() const { return shards_; }
  bool has_event_pool() const { return has_event_pool_; }
  const shard::Program& program(int service) const { return *programs_.at(size_t(service)); }
  std::string Topic(std::string_view domain, std::string_view kind) const;

  // Notes for the trace and its hash.
  void Note(std::string_view text);
  uint64_t trace_hash() const { return trace_hash_; }
  void Violation(std::string text);
  const std::vector<std::string>& violations() const { return violations_; }

  // --- single keys of the view ---
  void RotView();
  // True when `found` (nullopt: absent) is what a fault made of the key.
  bool Rotted(const std::string& full_key, const std::optional<std::string>& found) const;

  // Called when an instance died, so that its commands are asked again.
  std::function<void(Instance*)> on_death;

 private:
  bool AtPoint(Instance* instance, std::string_view point);
  // Everything else goes on for longer than a session lasts, while this worker stands still.
  void Stall(Instance* instance);
  void Meanwhile();
  Instance* Find(std::string_view process);
  kafka::FakeFault Fault(const kafka::FakeCall& call);
  void MakePrograms();
  void MakeTopics();

  const Setup setup_;
  Rng rng_;
  Poison poison_;
  int64_t now_us_;
  int32_t shards_;
  bool has_event_pool_;
  int64_t batch_max_;
  int64_t cache_max_;
  int stall_depth_ = 0;
  uint64_t trace_hash_ = 0;
  std::vector<std::string> violations_;
  std::unique_ptr<kafka::FakeLog> log_;
  Changelogs changelogs_;
  std::set<std::pair<std::string, std::optional<std::string>>> rotted_;
  std::unique_ptr<redis::FakeViewServer> views_;
  std::vector<std::unique_ptr<shard::Program>> programs_;
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace regulars::sim

#endif  // REGULARS_TESTS_SIM_WORLD_H_
