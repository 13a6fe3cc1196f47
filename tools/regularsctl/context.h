// What every subcommand starts from: settings, and the connections made of them. The settings are
// those of a service (libs/service/settings.h), from the same file and environment, with short
// flags for the few that a person types. Thread-safety: none.
#ifndef REGULARS_TOOLS_REGULARSCTL_CONTEXT_H_
#define REGULARS_TOOLS_REGULARSCTL_CONTEXT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/kafka/inspect.h"
#include "libs/kafka/rdkafka_log.h"
#include "libs/redis/redis_view.h"
#include "libs/service/settings.h"
#include "tools/regularsctl/command_line.h"
#include "tools/regularsctl/log_reader.h"

namespace regulars::ctl {

class Context {
 public:
  // INVALID_ARGUMENT: every problem of the settings, one per line.
  static absl::StatusOr<std::unique_ptr<Context>> Make(CommandLine line);

  [[nodiscard]] const CommandLine& line() const { return line_; }
  [[nodiscard]] const service::Settings& settings() const { return settings_; }
  // The services of --service, which may repeat; without it all stateful ones.
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> Services() const;

  // UNAVAILABLE when no broker answers.
  absl::Status OpenLog();
  // After OpenLog.
  [[nodiscard]] kafka::Log* log() { return log_.get(); }
  [[nodiscard]] kafka::Inspector* inspector() { return inspector_.get(); }
  [[nodiscard]] LogReader* reader() { return reader_.get(); }

  // Null when no Redis is configured.
  absl::StatusOr<std::unique_ptr<redis::RedisView>> OpenView() const;

 private:
  explicit Context(CommandLine line) : line_(std::move(line)) {}
  absl::StatusOr<kafka::RdkafkaOptions> KafkaOptions() const;

  const CommandLine line_;
  service::Settings settings_;
  std::unique_ptr<kafka::Log> log_;
  std::unique_ptr<kafka::Inspector> inspector_;
  std::unique_ptr<LogReader> reader_;
};

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_CONTEXT_H_
