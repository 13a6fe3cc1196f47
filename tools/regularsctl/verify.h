// `regularsctl verify`: waits until the system is quiet, folds the log again and holds everything
// that was made from it against the fold. The checks themselves are in audit/, without I/O.
//
// Nothing is written anywhere, no consumer group is joined. Memory: the fold of one shard at a time
// plus the counts of the transactions that the chains still show. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_VERIFY_H_
#define REGULARS_TOOLS_REGULARSCTL_VERIFY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/kafka/inspect.h"
#include "libs/kafka/port.h"
#include "libs/redis/view.h"
#include "tools/regularsctl/audit/findings.h"

namespace regulars::ctl {

inline constexpr const char* kStatefulServices[] = {"identity", "points", "segmentation",
                                                    "messaging"};

struct VerifyPorts {
  kafka::Log* log = nullptr;
  kafka::Inspector* inspector = nullptr;
  redis::View* view = nullptr;  // null: the view is not checked
  std::function<absl::Time()> now;
  std::function<void(absl::Duration)> pause;
};

struct VerifyOptions {
  std::vector<std::string> services;  // of kStatefulServices
  int32_t generation = 1;
  absl::Duration wait = absl::Seconds(10);  // for quiet, and again for the view
  std::vector<std::string> data;            // folders that hold local stores, at any depth <= 4
};

// A status means that it could not be checked: the log is not there, or does not come to rest.
absl::Status Verify(const VerifyPorts& ports, const VerifyOptions& options, Findings* findings);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_VERIFY_H_
