// absl::Status <-> grpc::Status, in one place. An error on the wire has exactly one
// google.rpc.ErrorInfo (AIP-193) with domain "regulars.io", and a google.rpc.RetryInfo when the
// code says "come back" (UNAVAILABLE, RESOURCE_EXHAUSTED). A status without a reason of its own
// gets one from its code and, if it is INTERNAL or UNKNOWN, loses its message: internals stay
// inside. Pure functions, thread-safe.
#ifndef REGULARS_LIBS_RPC_STATUS_H_
#define REGULARS_LIBS_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "libs/base/time.h"

namespace regulars::rpc {

inline constexpr char kErrorDomain[] = "regulars.io";
inline constexpr Micros kRetryAfterDefault = 250 * kMicrosPerMilli;

[[nodiscard]] grpc::Status ToGrpc(const absl::Status& status);
// Keeps reason, metadata and retry delay of errors that ToGrpc made; others have none.
[[nodiscard]] absl::Status FromGrpc(const grpc::Status& status);

}  // namespace regulars::rpc

#endif  // REGULARS_LIBS_RPC_STATUS_H_
