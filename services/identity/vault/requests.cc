#include "services/identity/vault/requests.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "services/identity/vault/consent.h"

namespace regulars::identity::vault {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

// A word that no person writes about: letters, digits and `also`.
bool IsReference(std::string_view text, size_t max, std::string_view also) {
  return text.size() <= max && std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  also.find(c) != std::string_view::npos;
         });
}

absl::Status CheckPair(const std::string& purpose, const std::string& channel) {
  if (!IsPurpose(purpose)) {
    return Invalid("PURPOSE_INVALID", "a purpose is 1 to 32 of a-z, 0-9 and _, a letter first");
  }
  if (!IsPurpose(channel)) {
    return Invalid("CHANNEL_INVALID", "a channel is 1 to 32 of a-z, 0-9 and _, a letter first");
  }
  return absl::OkStatus();
}

template <typename Request>
absl::Status CheckAsOf(const Request& request) {
  return request.has_as_of_time() ? MicrosOf(request.as_of_time()).status() : absl::OkStatus();
}

}  // namespace

absl::Status Check(const v1::ResolveContactRequest& request) {
  REGULARS_RETURN_IF_ERROR(CheckPair(request.purpose(), request.channel()));
  std::set<int> seen;
  bool good = request.kinds_size() > 0;
  for (const int kind : request.kinds()) {
    good = good && kind >= v1::CONTACT_KIND_PHONE && kind <= v1::CONTACT_KIND_ADDRESS &&
           seen.insert(kind).second;
  }
  if (!good) return Invalid("KINDS_INVALID", "name one or more fields, each once");
  return absl::OkStatus();
}

absl::Status Check(const v1::RecordConsentRequest& request) {
  const v1::Consent& consent = request.consent();
  REGULARS_RETURN_IF_ERROR(CheckPair(consent.purpose(), consent.channel()));
  if (consent.decision() != v1::CONSENT_DECISION_GRANTED &&
      consent.decision() != v1::CONSENT_DECISION_WITHDRAWN) {
    return Invalid("DECISION_MISSING", "say whether it was granted or withdrawn");
  }
  if (consent.source().empty() || !IsReference(consent.source(), kConsentSourceMax, "._:-")) {
    return Invalid("SOURCE_INVALID", "a source is 1 to 64 of A-Z, a-z, 0-9 and ._:-");
  }
  if (!IsReference(consent.evidence(), kEvidenceMax, "._:/-")) {
    return Invalid("EVIDENCE_INVALID", "evidence is at most 128 of A-Z, a-z, 0-9 and ._:/-");
  }
  if (!IsReference(consent.notice_version(), kNoticeMax, "._:-")) {
    return Invalid("NOTICE_INVALID", "a notice's version is at most 64 of A-Z, a-z, 0-9 and ._:-");
  }
  return consent.has_decide_time() ? MicrosOf(consent.decide_time()).status() : absl::OkStatus();
}

absl::Status Check(const v1::EraseMemberRequest& request) {
  if (IsReference(request.reason(), kReasonMax, "._:-")) return absl::OkStatus();
  return Invalid("REASON_INVALID", "a reason is at most 64 of A-Z, a-z, 0-9 and ._:-");
}

absl::Status Check(const v1::ExportMemberRequest&) { return absl::OkStatus(); }

absl::Status Check(const v1::GetConsentRequest& request) {
  REGULARS_RETURN_IF_ERROR(PairOfName(request.name()).status());
  return CheckAsOf(request);
}

absl::Status Check(const v1::ListConsentsRequest& request) { return CheckAsOf(request); }

absl::Status Check(const v1::DescribePartRequest& request) { return CheckAsOf(request); }

absl::Status Check(const v1::TellPartRequest&) { return absl::OkStatus(); }

absl::StatusOr<Micros> MicrosOf(const google::protobuf::Timestamp& time) {
  constexpr int64_t kSecondsMax = kMicrosMax / kMicrosPerSecond;
  if (time.seconds() < 0 || time.seconds() > kSecondsMax || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return Invalid("TIME_INVALID", "the time is before 1970 or after 9999, or not yet");
  }
  return time.seconds() * kMicrosPerSecond + time.nanos() / 1000;
}

absl::StatusOr<std::pair<std::string, std::string>> PairOfName(const std::string& name) {
  constexpr std::string_view kPattern = "pools/{pool}/members/{member}/consents/{consent}";
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids, model::ParseName(name, kPattern));
  const size_t dot = ids[2].find('.');
  std::pair<std::string, std::string> pair;
  if (dot != std::string::npos) pair = {ids[2].substr(0, dot), ids[2].substr(dot + 1)};
  if (!IsPurpose(pair.first) || !IsPurpose(pair.second)) {
    return DomainError(absl::StatusCode::kInvalidArgument, "NAME_MALFORMED",
                       "a consent is named {purpose}.{channel}",
                       {{"pattern", std::string(kPattern)}});
  }
  return pair;
}

}  // namespace regulars::identity::vault
