// The form of PrivacyService's requests: what can be said about them without looking at state.
// Thread-safety: pure functions. Errors: INVALID_ARGUMENT with the reasons of
// privacy_service.proto, in the order given there.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_REQUESTS_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_REQUESTS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "libs/base/time.h"
#include "regulars/identity/v1/privacy_service.pb.h"

namespace regulars::identity::vault {

inline constexpr size_t kConsentSourceMax = 64;  // bytes
inline constexpr size_t kEvidenceMax = 128;
inline constexpr size_t kNoticeMax = 64;
inline constexpr size_t kReasonMax = 64;

[[nodiscard]] absl::Status Check(const v1::ResolveContactRequest& request);
[[nodiscard]] absl::Status Check(const v1::RecordConsentRequest& request);
[[nodiscard]] absl::Status Check(const v1::EraseMemberRequest& request);
[[nodiscard]] absl::Status Check(const v1::ExportMemberRequest& request);
[[nodiscard]] absl::Status Check(const v1::GetConsentRequest& request);
[[nodiscard]] absl::Status Check(const v1::ListConsentsRequest& request);
[[nodiscard]] absl::Status Check(const v1::DescribePartRequest& request);
[[nodiscard]] absl::Status Check(const v1::TellPartRequest& request);

// TIME_INVALID: before 1970 or after 9999.
[[nodiscard]] absl::StatusOr<Micros> MicrosOf(const google::protobuf::Timestamp& time);

// Purpose and channel of `pools/{pool}/members/{member}/consents/{purpose}.{channel}`.
// NAME_MALFORMED.
[[nodiscard]] absl::StatusOr<std::pair<std::string, std::string>> PairOfName(
    const std::string& name);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_REQUESTS_H_
