// Waiting until the log has come to rest: no open transaction, nothing grows, nobody is behind.
#ifndef REGULARS_TOOLS_REGULARSCTL_QUIET_H_
#define REGULARS_TOOLS_REGULARSCTL_QUIET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/kafka/port.h"
#include "tools/regularsctl/audit/findings.h"
#include "tools/regularsctl/log_reader.h"

namespace regulars::ctl {

// Figures: hanging_partitions (an open transaction that did not end while nothing else moved),
// lag_records (inputs that nobody consumes although nothing grows). UNAVAILABLE: the log was still
// growing when `wait` was over; the sentence names where.
absl::Status WaitQuiet(LogReader* log, const std::vector<std::string>& services,
                       absl::Duration wait, const std::function<absl::Time()>& now,
                       const std::function<void(absl::Duration)>& pause, Findings* findings);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_QUIET_H_
