#include "libs/rpc/status.h"

#include <string>
#include <utility>

#include "google/protobuf/any.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::rpc {
namespace {

bool MayRetry(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted;
}

bool IsInternal(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string reason = ReasonOf(status);
  std::string message(status.message());
  if (reason.empty()) {
    reason = absl::StatusCodeToString(status.code());
    if (IsInternal(status.code())) message = "internal error; the log of the service has more";
  }
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kErrorDomain);
  for (auto& [key, value] : MetadataOf(status)) (*info.mutable_metadata())[key] = value;
  wire.add_details()->PackFrom(info);
  if (MayRetry(status.code())) {
    const Micros delay = RetryAfterOf(status).value_or(kRetryAfterDefault);
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(delay / kMicrosPerSecond);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay % kMicrosPerSecond * 1000));
    wire.add_details()->PackFrom(retry);
  }
  // The canonical codes of absl and gRPC have the same numbers.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      wire.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status wire;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  bool has_retry = false;
  if (wire.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : wire.details()) {
      if (detail.Is<google::rpc::ErrorInfo>()) detail.UnpackTo(&info);
      if (detail.Is<google::rpc::RetryInfo>()) has_retry = detail.UnpackTo(&retry);
    }
  }
  absl::Status out(code, status.error_message());
  if (IsValidReason(info.reason())) {
    ErrorMetadata metadata(info.metadata().begin(), info.metadata().end());
    out = DomainError(code, info.reason(), status.error_message(), metadata);
  }
  const Micros delay =
      retry.retry_delay().seconds() * kMicrosPerSecond + retry.retry_delay().nanos() / 1000;
  return has_retry && delay >= 0 ? WithRetryAfter(std::move(out), delay) : out;
}

}  // namespace regulars::rpc
