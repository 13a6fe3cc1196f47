#include "libs/log/log.h"

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_format.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/base/wall_clock.h"

namespace regulars::log {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629).
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (lead == 0xed && byte(1) > 0x9f) return 0;  // surrogate
  if (lead == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return length;
}

void AppendText(std::string_view text, std::string* out) {
  const bool cut = text.size() > limits::kLogFieldMax;
  out->push_back('"');
  AppendJsonEscaped(cut ? text.substr(0, limits::kLogFieldMax) : text, out);
  if (cut) out->append("...");
  out->push_back('"');
}

void AppendField(const Field& field, std::string* out) {
  out->append(",\"");
  AppendJsonEscaped(field.key, out);
  out->append("\":");
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    AppendText(*text, out);
  } else if (const auto* whole = std::get_if<int64_t>(&field.value)) {
    Append(out, *whole);
  } else if (const auto* number = std::get_if<double>(&field.value)) {
    // JSON knows no infinity.
    out->append(std::isfinite(*number) ? absl::StrFormat("%.9g", *number) : std::string("null"));
  } else {
    out->append(std::get<bool>(field.value) ? "true" : "false");
  }
}

}  // namespace

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::optional<Level> ParseLevel(std::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError}) {
    if (name == LevelName(level)) return level;
  }
  return std::nullopt;
}

std::string Masked(std::string_view value) { return Cat("(", value.size(), " bytes)"); }

void AppendJsonEscaped(std::string_view text, std::string* out) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out->append("\\ufffd");
    } else if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(text.front());
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c < 0x20 || c == 0x7f) {
      out->append(absl::StrFormat("\\u%04x", c));
    } else {
      out->append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

Sink StdoutSink() {
  // Shared: std::function copies its target, the lock must stay one.
  auto mutex = std::make_shared<std::mutex>();
  return [mutex](std::string_view line) {
    const std::lock_guard<std::mutex> lock(*mutex);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
  };
}

Logger::Logger(Sink sink, std::string_view service, std::string_view version, Level level)
    : sink_(std::move(sink)), level_(level) {
  AppendField(Field("service", service), &prefix_);
  if (!version.empty()) AppendField(Field("version", version), &prefix_);
}

Logger Logger::Silent() { return Logger(nullptr, "", "", Level::kError); }

void Logger::Log(Level level, std::string_view message, std::initializer_list<Field> fields) const {
  if (!Enabled(level) || sink_ == nullptr) return;
  std::string line;
  line.reserve(256);
  Append(&line, "{\"ts\":\"", FormatRfc3339(WallMicros()), "\",\"level\":\"", LevelName(level),
         "\"", prefix_);
  AppendField(Field("msg", message), &line);
  for (const Field& field : fields) AppendField(field, &line);
  line.append("}\n");
  sink_(line);
}

void Logger::Error(std::string_view message, const absl::Status& status) const {
  const std::string code = absl::StatusCodeToString(status.code());
  const std::string reason = ReasonOf(status);
  Log(Level::kError, message,
      {{"error_code", code}, {"error_reason", reason}, {"error", StdView(status.message())}});
}

}  // namespace regulars::log
