// The running auditor: reads the changelogs and the topics they count as they grow, and says what
// was torn, lost or miscounted. The checks are those of `verify` (audit/), without waiting for
// rest.
//
// It works in rounds. Of every changelog it reads what is stable, at most kRecordsPerRound at a
// time and whole transactions; then of every output partition what the chains explain
// (audit/output_watch.h). So it holds the last `@shard` per shard and the counts of a bounded
// number of transactions, wherever it starts.
//
// A break is looked at twice: the cleaner may have been at work between the last `@shard` read and
// the end. The second look reads again from where that `@shard` was; when it is gone, the chain
// begins anew with the oldest one that is still there (figure `chains_restarted`), when it is still
// there, nothing between was removed and the break is real.
//
// Nothing is written, no group is joined. Thread-safety: none. Errors: a status means that a part
// could not be read now; nothing is lost by it, call Look again.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDITOR_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDITOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/regularsctl/audit/findings.h"
#include "tools/regularsctl/log_reader.h"

namespace regulars::ctl {

// Figures of the auditor that must stay 0; the `kind` of its metric.
inline constexpr const char* kAuditKinds[] = {"chain_breaks", "torn_transactions", "keys_garbled",
                                              "output_mismatches"};
inline constexpr int64_t kRecordsPerRound = 5'000;
inline constexpr int64_t kOpenPromisesMax = 50'000;  // per shard: its changelog waits

class Auditor {
 public:
  struct Options {
    std::vector<std::string> services;
    bool from_start = false;  // else from the last `@shard` of every shard
    int64_t records_per_round = kRecordsPerRound;
    // Asked before every partition: true ends the round at once.
    std::function<bool()> stop = [] { return false; };
  };
  // `log` must outlive the object.
  Auditor(LogReader* log, Options options);
  ~Auditor();

  // Finds topics and positions. NOT_FOUND names a topic.
  absl::Status Start();
  // One round; it is given up after a few errors. `findings` gets its figures and sentences.
  absl::Status Look(Findings* findings);
  // Offsets between what is written and what was read, after the last round.
  [[nodiscard]] int64_t lag() const;

 private:
  struct Service;
  struct Changelog;
  struct Output;
  absl::Status StartService(Service* service);
  absl::Status LookAt(Service* service, Changelog* changelog, Findings* findings);
  absl::Status LookAgain(const Service& service, const Changelog& changelog, int64_t low,
                         int64_t end, bool at_end, Changelog* next, Findings* findings);
  absl::Status LookAt(Service* service, Output* output, Findings* findings);

  LogReader* const log_;
  const Options options_;
  std::vector<std::unique_ptr<Service>> services_;
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDITOR_H_
