#include "libs/base/status.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars {
namespace {

constexpr absl::string_view kInfoUrl = "regulars.dev/error_info";
constexpr absl::string_view kRetryUrl = "regulars.dev/retry_info";
constexpr std::size_t kReasonMax = 63;

// The payload never leaves the process: netstrings (length, colon, bytes), the reason first, then
// key and value in turn.
void PutNetstring(std::string_view text, std::string* out) { Append(out, text.size(), ":", text); }

std::vector<std::string> ReadNetstrings(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const std::size_t colon = bytes.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos ||
        !absl::SimpleAtoi(AbslView(bytes.substr(0, colon)), &size) ||
        size > bytes.size() - colon - 1) {
      return {};
    }
    out.emplace_back(bytes.substr(colon + 1, size));
    bytes.remove_prefix(colon + 1 + size);
  }
  return out;
}

std::vector<std::string> InfoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kInfoUrl);
  if (!payload.has_value()) return {};
  return ReadNetstrings(std::string(*payload));
}

bool IsUpperOrDigit(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

bool IsValidReason(std::string_view reason) {
  if (reason.size() < 3 || reason.size() > kReasonMax) return false;
  if (reason.front() < 'A' || reason.front() > 'Z' || !IsUpperOrDigit(reason.back())) return false;
  return std::all_of(reason.begin(), reason.end(),
                     [](char c) { return IsUpperOrDigit(c) || c == '_'; });
}

absl::Status DomainError(absl::StatusCode code, std::string_view reason, std::string_view message,
                         const ErrorMetadata& metadata) {
  REGULARS_ASSERT(code != absl::StatusCode::kOk, "an error needs an error code");
  REGULARS_ASSERT(IsValidReason(reason), "reason of an error is malformed");
  std::string payload;
  PutNetstring(reason, &payload);
  for (const auto& [key, value] : metadata) {
    PutNetstring(key, &payload);
    PutNetstring(value, &payload);
  }
  absl::Status status(code, AbslView(message));
  status.SetPayload(kInfoUrl, absl::Cord(payload));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const std::vector<std::string> info = InfoOf(status);
  return info.empty() ? "" : info.front();
}

ErrorMetadata MetadataOf(const absl::Status& status) {
  const std::vector<std::string> info = InfoOf(status);
  ErrorMetadata out;
  for (std::size_t i = 1; i + 1 < info.size(); i += 2) out.emplace_back(info[i], info[i + 1]);
  return out;
}

absl::Status WithRetryAfter(absl::Status status, Micros delay) {
  REGULARS_ASSERT(!status.ok() && delay >= 0, "only an error is retried, and not in the past");
  status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(delay)));
  return status;
}

std::optional<Micros> RetryAfterOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryUrl);
  Micros delay = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &delay)) return std::nullopt;
  return delay;
}

}  // namespace regulars
