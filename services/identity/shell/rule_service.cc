#include "services/identity/shell/rule_service.h"

#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/model/identifier.h"
#include "libs/model/names.h"
#include "services/identity/codec/shown.h"

namespace regulars::identity {
namespace {

constexpr std::string_view kPoolPattern = "pools/{pool}";
constexpr int32_t kDifferencesDefault = 20;
constexpr int32_t kDifferencesMax = 1'000;
constexpr Micros kRetryAfterUs = 5 * kMicrosPerSecond;

absl::Status DeadlineOver(const char* when) {
  return DomainError(absl::StatusCode::kDeadlineExceeded, "DEADLINE_OVER",
                     Cat("the deadline had passed ", when));
}

void ShowEnd(const std::string& pool, const types::v1::Identifier& id, const std::string& member,
             v1::SimulatedIdentifier* out) {
  out->set_type(id.type());
  out->set_scope(id.scope());
  out->set_identifier_key(model::IdentifierKey(id.hmac()));
  out->set_member(MemberName(pool, member));
}

void ShowExample(const std::string& pool, const simulate::Example& example,
                 v1::LinkDifference* out) {
  out->set_would_join(example.would_join);
  out->set_rule(example.rule);
  out->set_limit(example.limit);
  out->set_touch_id(example.evidence.touch_id());
  SetTime(example.evidence.occurred_us(), out->mutable_occur_time());
  SetTime(example.decided_us, out->mutable_decide_time());
  ShowEnd(pool, example.evidence.first(), example.first_member, out->mutable_first());
  ShowEnd(pool, example.evidence.second(), example.second_member, out->mutable_second());
}

v1::RuleSimulation Show(const Simulation& what, const simulate::Difference& difference) {
  v1::RuleSimulation out;
  out.set_rules_now(RulesTag(what.now));
  out.set_rules_then(RulesTag(what.then));
  out.set_version_reused(out.rules_now() != out.rules_then() &&
                         what.now.version == what.then.version);
  out.set_links(difference.links);
  out.set_members_now(difference.members_now);
  out.set_members_then(difference.members_then);
  out.set_merges_now(difference.merges_now);
  out.set_merges_then(difference.merges_then);
  out.set_members_come_together(difference.come_together);
  out.set_members_fall_apart(difference.fall_apart);
  out.mutable_newly_stopped()->insert(difference.newly_stopped.begin(),
                                      difference.newly_stopped.end());
  out.mutable_no_longer_stopped()->insert(difference.no_longer_stopped.begin(),
                                          difference.no_longer_stopped.end());
  out.set_links_undecided(difference.links_undecided);
  out.set_members_not_reproduced(difference.members_not_reproduced);
  for (const simulate::Example& example : difference.examples) {
    ShowExample(what.pool, example, out.add_differences());
  }
  return out;
}

}  // namespace

RuleService::RuleService(rpc::Edge* edge, kafka::Log* log, const log::Logger* logger,
                         RuleServiceOptions options)
    : edge_(edge), log_(log), logger_(logger), options_(std::move(options)) {}

RuleService::~RuleService() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

grpc::ServerWriteReactor<v1::SimulateRulesResponse>* RuleService::SimulateRules(
    grpc::CallbackServerContext* context, const v1::SimulateRulesRequest* request) {
  const std::shared_ptr<SimulationStream> stream = SimulationStream::Make(edge_);
  absl::StatusOr<Task> task = TaskOf(*context, *request);
  const absl::Status begun = task.ok() ? Begin(*std::move(task), stream) : task.status();
  if (!begun.ok()) stream->End(begun);
  return stream.get();
}

absl::StatusOr<RuleService::Task> RuleService::TaskOf(
    const grpc::ServerContextBase& context, const v1::SimulateRulesRequest& request) const {
  REGULARS_ASSIGN_OR_RETURN(const rpc::Caller caller,
                            edge_->Authenticate(context, request.parent()));
  Task task;
  task.started_us = MonotonicMicros();
  if (const Micros deadline = rpc::DeadlineMicros(context); deadline != 0) {
    const Micros left = deadline - WallMicros();
    if (left <= 0) return DeadlineOver("when the call arrived");
    task.deadline_us = task.started_us + left;
  }
  REGULARS_RETURN_IF_ERROR(rpc::CheckRight(caller, rpc::Right::kSimulateRules));
  REGULARS_RETURN_IF_ERROR(model::ParseName(request.parent(), kPoolPattern).status());
  const auto known = options_.pools.find(caller.pool);
  if (known == options_.pools.end()) {
    return DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN",
                       "the pool is not configured here", {{"pool", caller.pool}});
  }
  const int32_t examples = request.differences_max();
  if (examples < 0 || examples > kDifferencesMax) {
    return DomainError(absl::StatusCode::kInvalidArgument, "DIFFERENCES_MAX_INVALID",
                       Cat("differences_max: must be 0 to ", kDifferencesMax));
  }
  REGULARS_ASSIGN_OR_RETURN(task.what.then, ParseRules(request.rules()));
  task.what.now = known->second;
  REGULARS_RETURN_IF_ERROR(CheckSimulated(task.what.now, task.what.then));
  task.what.pool = caller.pool;
  task.what.changelog = options_.changelog;
  task.what.shards = options_.shards;
  task.what.examples_max = static_cast<size_t>(examples == 0 ? kDifferencesDefault : examples);
  task.what.memory_bytes_max = options_.memory_bytes_max;
  task.key_id = caller.key_id;
  return task;
}

absl::Status RuleService::Begin(Task task, const std::shared_ptr<SimulationStream>& stream) {
  const std::lock_guard lock(mutex_);
  if (running_) {
    return WithRetryAfter(
        DomainError(absl::StatusCode::kResourceExhausted, "SIMULATION_RUNNING",
                    "this instance simulates other rules now; one simulation at a time"),
        kRetryAfterUs);
  }
  if (thread_.joinable()) thread_.join();  // its call was answered, or is just now
  running_ = true;
  thread_ = std::thread([this, task = std::move(task), stream] { Run(task, stream); });
  return absl::OkStatus();
}

absl::Status RuleService::GoOn(const Task& task, SimulationStream* stream) const {
  if (stopping_) {
    return WithRetryAfter(DomainError(absl::StatusCode::kUnavailable, "STOPPING",
                                      "this instance stops; ask another one"),
                          kRetryAfterUs);
  }
  if (stream->gone()) return absl::CancelledError("the caller went away");
  const Micros now_us = MonotonicMicros();
  if (task.deadline_us != 0 && now_us >= task.deadline_us) {
    return DeadlineOver("before all was simulated");
  }
  if (now_us - task.started_us >= options_.time_us_max) {
    return DomainError(absl::StatusCode::kDeadlineExceeded, "SIMULATION_TOO_LONG",
                       "it takes longer than simulate_s_max allows");
  }
  return absl::OkStatus();
}

void RuleService::Run(const Task& task, const std::shared_ptr<SimulationStream>& stream) {
  SimulationPorts ports;
  ports.log = log_;
  ports.progress = [&](int64_t read, int64_t total) { stream->Show(read, total); };
  ports.go_on = [&] { return GoOn(task, stream.get()); };
  absl::StatusOr<v1::RuleSimulation> result = v1::RuleSimulation();
  {
    const absl::StatusOr<simulate::Difference> difference = Simulate(task.what, ports);
    if (difference.ok()) {
      result = Show(task.what, *difference);
    } else {
      result = difference.status();
    }
  }
  logger_->Info("rules simulated", {{"pool", task.what.pool},
                                    {"key_id", task.key_id},
                                    {"rules", RulesTag(task.what.then)},
                                    {"outcome", absl::StatusCodeToString(result.status().code())},
                                    {"took_ms", (MonotonicMicros() - task.started_us) / 1000}});
  {
    // Before the answer: who has it may ask again.
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  stream->End(std::move(result));
}

}  // namespace regulars::identity
