// Errors of the environment and of the edge are absl::Status. What a caller may act on carries a
// DomainError: a canonical code plus one stable reason, which becomes google.rpc.ErrorInfo on the
// wire (AIP-193). libs/rpc maps it; nothing else needs to know gRPC.
//
// Example: return DomainError(absl::StatusCode::kNotFound, "MEMBER_NOT_FOUND", "no such member",
//                             {{"member", name}});
// Limits: a reason matches [A-Z][A-Z0-9_]+[A-Z0-9], <= 63 characters (asserted). Neither message
// nor metadata may hold personal data: both are logged.
#ifndef REGULARS_LIBS_BASE_STATUS_H_
#define REGULARS_LIBS_BASE_STATUS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/time.h"

namespace regulars {

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] bool IsValidReason(std::string_view reason);

// `code` must not be kOk.
[[nodiscard]] absl::Status DomainError(absl::StatusCode code, std::string_view reason,
                                       std::string_view message,
                                       const ErrorMetadata& metadata = {});

// The reason of a DomainError, "" when the status has none.
[[nodiscard]] std::string ReasonOf(const absl::Status& status);
[[nodiscard]] ErrorMetadata MetadataOf(const absl::Status& status);

// Tells the caller when to come back (google.rpc.RetryInfo). Keeps the reason.
[[nodiscard]] absl::Status WithRetryAfter(absl::Status status, Micros delay);
[[nodiscard]] std::optional<Micros> RetryAfterOf(const absl::Status& status);

}  // namespace regulars

#define REGULARS_STATUS_CONCAT_INNER_(a, b) a##b
#define REGULARS_STATUS_CONCAT_(a, b) REGULARS_STATUS_CONCAT_INNER_(a, b)

#define REGULARS_RETURN_IF_ERROR(expression)                                      \
  do {                                                                            \
    if (::absl::Status regulars_status_ = (expression); !regulars_status_.ok()) { \
      return regulars_status_;                                                    \
    }                                                                             \
  } while (false)

// REGULARS_ASSIGN_OR_RETURN(const int x, Parse(text)); returns the status of a failed StatusOr.
#define REGULARS_ASSIGN_OR_RETURN(declaration, expression)                                      \
  REGULARS_ASSIGN_OR_RETURN_IMPL_(REGULARS_STATUS_CONCAT_(regulars_or_, __LINE__), declaration, \
                                  expression)
#define REGULARS_ASSIGN_OR_RETURN_IMPL_(temporary, declaration, expression) \
  auto temporary = (expression);                                            \
  if (!temporary.ok()) return std::move(temporary).status();                \
  declaration = *std::move(temporary)

#endif  // REGULARS_LIBS_BASE_STATUS_H_
