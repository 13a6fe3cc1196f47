#include "tools/regularsctl/command_line.h"

#include <algorithm>
#include <iterator>

#include "libs/base/text.h"

namespace regulars::ctl {
namespace {

constexpr std::string_view kSwitches[] = {"from-start", "help", "json"};
constexpr std::string_view kValued[] = {
    "ahead-days", "api-key-file", "brokers",   "config",      "data",       "endpoint",
    "for",        "listen",       "memory-mb", "rules",       "generation", "identifier",
    "limit",      "pool",         "reason",    "redis",       "report",     "retention-days",
    "service",    "set",          "tls-ca",    "topics-file", "profile",    "unseal-key-file",
    "wait"};

template <typename List>
bool IsIn(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

}  // namespace

absl::StatusOr<CommandLine> CommandLine::Parse(int argc, const char* const* argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "-h") {
      line.flags_.emplace_back("help", "");
      continue;
    }
    if (!word.starts_with("--") || word.size() == 2) {
      line.words_.emplace_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string_view name =
        word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    if (IsIn(kSwitches, name) && equals == std::string_view::npos) {
      line.flags_.emplace_back(name, "");
    } else if (!IsIn(kValued, name)) {
      return absl::InvalidArgumentError(Cat("unknown flag --", name));
    } else if (equals != std::string_view::npos) {
      line.flags_.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) {
      line.flags_.emplace_back(name, argv[++i]);
    } else {
      return absl::InvalidArgumentError(Cat("--", name, " needs a value"));
    }
  }
  return line;
}

std::optional<std::string> CommandLine::Last(std::string_view flag) const {
  std::optional<std::string> found;
  for (const auto& [name, value] : flags_) {
    if (name == flag) found = value;
  }
  return found;
}

std::vector<std::string> CommandLine::All(std::string_view flag) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : flags_) {
    if (name == flag) found.push_back(value);
  }
  return found;
}

absl::StatusOr<absl::Duration> CommandLine::Duration(std::string_view flag,
                                                     absl::Duration fallback) const {
  const std::optional<std::string> text = Last(flag);
  if (!text) return fallback;
  absl::Duration duration;
  if (!absl::ParseDuration(*text, &duration) || duration < absl::ZeroDuration() ||
      duration > absl::Hours(24)) {
    return absl::InvalidArgumentError(Cat("--", flag, " must be a duration like 10s or 500ms"));
  }
  return duration;
}

}  // namespace regulars::ctl
