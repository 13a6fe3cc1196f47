// What a subcommand says: text for people, JSON for programs, and the exit code.
#ifndef REGULARS_TOOLS_REGULARSCTL_ANSWER_H_
#define REGULARS_TOOLS_REGULARSCTL_ANSWER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tools/regularsctl/context.h"

namespace regulars::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitWrong = 1;  // something was found to be wrong
inline constexpr int kExitError = 2;  // could not look, or was called wrongly

struct Answer {
  int exit_code = kExitOk;
  std::string text;
  nlohmann::json json;
};

// A table with columns as wide as their widest cell; the first row is the heading.
[[nodiscard]] std::string Table(const std::vector<std::vector<std::string>>& rows);
// 1234567 -> "1,234,567".
[[nodiscard]] std::string Grouped(int64_t number);

// The subcommands. Errors become one sentence on stderr and kExitError.
absl::StatusOr<Answer> RunVerify(Context* context);
absl::StatusOr<Answer> RunAudit(Context* context);
absl::StatusOr<Answer> RunLag(Context* context);
absl::StatusOr<Answer> RunTopics(Context* context);
absl::StatusOr<Answer> RunMember(Context* context);
absl::StatusOr<Answer> RunPoints(Context* context);
absl::StatusOr<Answer> RunDeadLetters(Context* context);
absl::StatusOr<Answer> RunParked(Context* context);
absl::StatusOr<Answer> RunKeys(Context* context);
absl::StatusOr<Answer> RunIdentity(Context* context);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_ANSWER_H_
