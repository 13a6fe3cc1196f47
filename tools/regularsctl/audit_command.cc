// `regularsctl audit`: runs the auditor until SIGTERM or for a time, one line per finding, figures
// on a health port.
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/metrics/metrics.h"
#include "libs/service/health.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/auditor.h"

namespace regulars::ctl {
namespace {

constexpr absl::Duration kBetweenRounds = absl::Milliseconds(500);
constexpr absl::Duration kStuck = absl::Minutes(3);  // one partition takes at most a minute

struct Probe {
  explicit Probe(metrics::Registry& r)
      : transactions(r.MakeCounter("regulars_audit_transactions_total",
                                   "transactions whose @shard the auditor followed", {})),
        lag(r.MakeGauge("regulars_audit_lag_records",
                        "offsets that are written and not audited yet", {})) {
    for (const char* kind : kAuditKinds) {
      findings[kind] = r.MakeCounter("regulars_audit_findings_total",
                                     "torn, lost or miscounted transactions", {{"kind", kind}});
    }
  }
  metrics::Counter transactions;
  metrics::Gauge lag;
  std::map<std::string, metrics::Counter> findings;
};

// SIGTERM and SIGINT are taken where they are asked for, from before the first thread is made.
class Stop {
 public:
  explicit Stop(absl::Time until) : until_(until) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // Waits for at most `pause`. True when it is time to end.
  bool Wait(absl::Duration pause) {
    const timespec turn = absl::ToTimespec(std::min(pause, until_ - absl::Now()));
    const timespec none{0, 0};
    if (sigtimedwait(&signals_, nullptr, turn.tv_sec < 0 ? &none : &turn) > 0) stopped_ = true;
    return stopped_ || absl::Now() >= until_;
  }

 private:
  const absl::Time until_;
  sigset_t signals_{};
  bool stopped_ = false;
};

// What the health port tells; the auditor's thread writes.
class State {
 public:
  void Progress() { seen_us_ = absl::ToUnixMicros(absl::Now()); }
  void Round(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mu_);
    status_ = status.ok() ? "" : std::string(status.message());
  }
  [[nodiscard]] std::string Live() const {
    const absl::Time seen = absl::FromUnixMicros(seen_us_);
    return absl::Now() - seen < kStuck ? "" : "the auditor makes no progress";
  }
  [[nodiscard]] std::string Ready() const {
    const std::lock_guard<std::mutex> lock(mu_);
    return status_;
  }

 private:
  std::atomic<int64_t> seen_us_ = absl::ToUnixMicros(absl::Now());
  mutable std::mutex mu_;
  std::string status_ = "the first round is not over";
};

void Say(const Findings& round, Probe* probe, std::FILE* to) {
  probe->transactions.Add(std::max<int64_t>(0, round.figure("transactions")));
  for (const char* kind : kAuditKinds) probe->findings[kind].Add(round.figure(kind));
  for (const std::string& sentence : round.sentences()) {
    std::fprintf(to, "%s\n", sentence.c_str());
  }
  if (!round.sentences().empty()) std::fflush(to);
}

// Rounds until it is time to end; the status of the last one.
absl::Status Follow(Auditor* auditor, Stop* stop, State* state, Probe* probe, std::FILE* to,
                    Findings* all) {
  absl::Status status;
  do {
    Findings round;
    status = auditor->Look(&round);
    Say(round, probe, to);
    all->Merge(round);
    probe->lag.Set(static_cast<double>(auditor->lag()));
    if (!status.ok()) {
      std::fprintf(stderr, "regularsctl: %s\n", std::string(status.message()).c_str());
    }
    state->Round(status);
  } while (!stop->Wait(kBetweenRounds));
  return status;
}

Answer AnswerOf(const Findings& findings, int64_t lag) {
  Answer answer;
  answer.json["ok"] = findings.ok();
  for (const auto& [name, value] : findings.figures()) answer.json[name] = value;
  answer.json["findings"] = findings.sentences();
  answer.json["lag_records"] = lag;
  answer.text = Cat("audit: ", Grouped(findings.figure("transactions")), " transactions, ",
                    Grouped(findings.figure("output_records")), " output records, ",
                    findings.ok() ? "clean" : "something is WRONG", "\n");
  answer.exit_code = findings.ok() ? kExitOk : kExitWrong;
  return answer;
}

}  // namespace

absl::StatusOr<Answer> RunAudit(Context* context) {
  const CommandLine& line = context->line();
  REGULARS_ASSIGN_OR_RETURN(const absl::Duration span,
                            line.Duration("for", absl::InfiniteDuration()));
  Stop stop(absl::Now() + span);
  metrics::Registry registry;
  Probe probe(registry);
  State state;
  Auditor::Options options;
  REGULARS_ASSIGN_OR_RETURN(options.services, context->Services());
  options.from_start = line.Has("from-start");
  options.stop = [&] {
    state.Progress();
    return stop.Wait(absl::ZeroDuration());
  };
  std::unique_ptr<service::HealthServer> health;
  if (const auto listen = line.Last("listen")) {
    REGULARS_ASSIGN_OR_RETURN(health, service::HealthServer::Start(
                                          *listen, {.live = [&] { return state.Live(); },
                                                    .ready = [&] { return state.Ready(); },
                                                    .metrics = [&] { return registry.Text(); }}));
  }
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  Auditor auditor(context->reader(), options);
  REGULARS_RETURN_IF_ERROR(auditor.Start());
  std::FILE* const to = line.Has("json") ? stderr : stdout;
  Findings findings;
  const absl::Status status = Follow(&auditor, &stop, &state, &probe, to, &findings);
  if (findings.ok()) REGULARS_RETURN_IF_ERROR(status);
  return AnswerOf(findings, auditor.lag());
}

}  // namespace regulars::ctl
