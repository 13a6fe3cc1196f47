// The words and flags of a call: `regularsctl verify --service=points --json`. Flags may stand
// anywhere, as --name=value or --name value. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_COMMAND_LINE_H_
#define REGULARS_TOOLS_REGULARSCTL_COMMAND_LINE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace regulars::ctl {

class CommandLine {
 public:
  // INVALID_ARGUMENT names the flag that is unknown or lacks its value.
  static absl::StatusOr<CommandLine> Parse(int argc, const char* const* argv);

  // Words that are no flags, without the program's name.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  [[nodiscard]] bool Has(std::string_view flag) const { return Last(flag).has_value(); }
  // The last one wins.
  [[nodiscard]] std::optional<std::string> Last(std::string_view flag) const;
  [[nodiscard]] std::vector<std::string> All(std::string_view flag) const;
  // "10s", "500ms"; INVALID_ARGUMENT otherwise.
  [[nodiscard]] absl::StatusOr<absl::Duration> Duration(std::string_view flag,
                                                        absl::Duration fallback) const;

 private:
  std::vector<std::string> words_;
  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_COMMAND_LINE_H_
