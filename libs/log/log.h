// The log: one JSON object per line on stdout, for a collector.
//
//   {"ts":"1997-01-01T00:00:00.000001Z","level":"info","service":"points","msg":"shard
//   owned","shard":3}
//
// Law 8: no clear personal datum. Fields are ids, counts, reasons and error texts of this code; a
// value that came from a caller goes through Masked() first. Control characters and bytes that are
// not UTF-8 are escaped, so no value can forge a line; a text is cut at limits::kLogFieldMax bytes.
// Thread-safety: a Logger may be used from every thread; a line is written in one call.
// Lifecycle: no globals; main makes one Logger and passes references. The sink outlives the
// loggers. Errors: a line that cannot be written is lost; nothing waits for the log except a full
// pipe.
#ifndef REGULARS_LIBS_LOG_LOG_H_
#define REGULARS_LIBS_LOG_LOG_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "absl/status/status.h"

namespace regulars::log {

enum class Level { kDebug, kInfo, kWarn, kError };

[[nodiscard]] std::string_view LevelName(Level level);
[[nodiscard]] std::optional<Level> ParseLevel(std::string_view name);

// One key and its value: text, integer, number or truth. The key is a literal of this code.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <typename Int, typename = std::enable_if_t<std::is_integral_v<Int>>>
  Field(std::string_view k, Int v) : key(k), value(static_cast<int64_t>(v)) {}

  std::string_view key;
  std::variant<std::string_view, int64_t, double, bool> value;
};

// "(12 bytes)": says that there was a value without saying which.
[[nodiscard]] std::string Masked(std::string_view value);

// Appends `text` as the inside of a JSON string. Exposed for the metrics and health answers.
void AppendJsonEscaped(std::string_view text, std::string* out);

// Takes one whole line with its line feed. Must be thread-safe.
using Sink = std::function<void(std::string_view line)>;
[[nodiscard]] Sink StdoutSink();

class Logger {
 public:
  Logger(Sink sink, std::string_view service, std::string_view version, Level level);

  // A logger that drops everything: for tests and tools.
  static Logger Silent();

  [[nodiscard]] bool Enabled(Level level) const { return level >= level_; }
  void Log(Level level, std::string_view message, std::initializer_list<Field> fields = {}) const;

  void Debug(std::string_view m, std::initializer_list<Field> f = {}) const {
    Log(Level::kDebug, m, f);
  }
  void Info(std::string_view m, std::initializer_list<Field> f = {}) const {
    Log(Level::kInfo, m, f);
  }
  void Warn(std::string_view m, std::initializer_list<Field> f = {}) const {
    Log(Level::kWarn, m, f);
  }
  void Error(std::string_view m, std::initializer_list<Field> f = {}) const {
    Log(Level::kError, m, f);
  }
  // An error with the status' code, reason and message as fields error_code, error_reason, error.
  void Error(std::string_view message, const absl::Status& status) const;

 private:
  Sink sink_;
  std::string prefix_;  // the fields that every line has, already encoded
  Level level_;
};

}  // namespace regulars::log

#endif  // REGULARS_LIBS_LOG_LOG_H_
