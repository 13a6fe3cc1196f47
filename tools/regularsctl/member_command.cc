// `regularsctl member show`: who a member is, what it has, where it belongs, what was sent to it.
#include <google/protobuf/util/json_util.h>

#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/identity_service.grpc.pb.h"
#include "regulars/messaging/v1/messaging_service.grpc.pb.h"
#include "regulars/points/v1/points_service.grpc.pb.h"
#include "regulars/segmentation/v1/segmentation_service.grpc.pb.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/json_text.h"
#include "tools/regularsctl/service_calls.h"

namespace regulars::ctl {
namespace {

constexpr char kUsage[] = "member show POOL MEMBER, or POOL --identifier=TYPE[/SCOPE]:VALUE";
constexpr int32_t kSendsShown = 5;

absl::StatusOr<std::string> Lookup(ServiceCalls* calls, const std::string& pool,
                                   const std::string& identifier) {
  const size_t colon = identifier.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == identifier.size()) {
    return absl::InvalidArgumentError(kUsage);
  }
  const std::string kind = identifier.substr(0, colon);
  const size_t slash = kind.find('/');
  identity::v1::LookupMemberRequest request;
  request.set_parent(Cat("pools/", pool));
  request.mutable_identifier()->set_type(kind.substr(0, slash));
  if (slash != std::string::npos) request.mutable_identifier()->set_scope(kind.substr(slash + 1));
  request.mutable_identifier()->set_value(identifier.substr(colon + 1));
  REGULARS_ASSIGN_OR_RETURN(auto stub, calls->Stub<identity::v1::IdentityService>("identity"));
  identity::v1::LookupMemberResponse found;
  REGULARS_RETURN_IF_ERROR(
      calls->Call(*stub, &identity::v1::IdentityService::Stub::LookupMember, request, &found));
  return found.member();
}

// A service that has not met the member yet knows nothing of it: that is an answer.
absl::Status UnlessUnknown(const absl::Status& status) {
  return absl::IsNotFound(status) && ReasonOf(status) == "MEMBER_UNKNOWN" ? absl::OkStatus()
                                                                          : status;
}

class MemberPage {
 public:
  MemberPage(ServiceCalls* calls, std::string name) : calls_(calls), name_(std::move(name)) {}

  absl::StatusOr<Answer> Make() {
    REGULARS_RETURN_IF_ERROR(AddIdentity());
    REGULARS_RETURN_IF_ERROR(AddBalance());
    REGULARS_RETURN_IF_ERROR(AddSegments());
    REGULARS_RETURN_IF_ERROR(AddSends());
    answer_.text = Table(rows_);
    return std::move(answer_);
  }

 private:
  template <typename... Cells>
  void Row(const Cells&... cells) {
    rows_.push_back({std::string(cells)...});
  }

  absl::Status AddIdentity() {
    REGULARS_ASSIGN_OR_RETURN(auto stub, calls_->Stub<identity::v1::IdentityService>("identity"));
    identity::v1::GetMemberRequest request;
    request.set_name(name_);
    identity::v1::Member member;
    REGULARS_RETURN_IF_ERROR(
        calls_->Call(*stub, &identity::v1::IdentityService::Stub::GetMember, request, &member));
    answer_.json["member"] = JsonOf(member);
    name_ = member.name();
    Row("member", member.name());
    Row("since", TextOf(member.create_time()));
    for (const auto& id : member.identifiers()) {
      Row("identifier",
          Cat(id.type(), id.scope().empty() ? "" : Cat("/", id.scope()),
              id.verified() ? ", verified" : "", ", first seen ", TextOf(id.first_seen_time())));
    }
    for (const std::string& alias : member.aliases()) Row("alias", alias);
    return absl::OkStatus();
  }

  absl::Status AddBalance() {
    REGULARS_ASSIGN_OR_RETURN(auto stub, calls_->Stub<points::v1::PointsService>("points"));
    REGULARS_ASSIGN_OR_RETURN(const std::string program, calls_->PointsProgram());
    points::v1::GetBalanceRequest request;
    request.set_name(Cat(name_, "/balances/", program));
    points::v1::Balance balance;
    const absl::Status status =
        calls_->Call(*stub, &points::v1::PointsService::Stub::GetBalance, request, &balance);
    REGULARS_RETURN_IF_ERROR(UnlessUnknown(status));
    if (!status.ok()) {
      Row("points", "none yet");
      return absl::OkStatus();
    }
    answer_.json["balance"] = JsonOf(balance);
    Row("points",
        Cat(Grouped(balance.points()), " = ", Grouped(balance.issued_points()), " issued - ",
            Grouped(balance.redeemed_points()), " redeemed - ", Grouped(balance.expired_points()),
            " expired - ", Grouped(balance.reversed_points()), " reversed"));
    if (balance.next_expiring_points() > 0) {
      Row("next expiry", Cat(Grouped(balance.next_expiring_points()), " points at ",
                             TextOf(balance.next_expire_time())));
    }
    return absl::OkStatus();
  }

  absl::Status AddSegments() {
    REGULARS_ASSIGN_OR_RETURN(auto stub,
                              calls_->Stub<segmentation::v1::SegmentationService>("segmentation"));
    segmentation::v1::GetMembershipRequest request;
    request.set_name(Cat(name_, "/membership"));
    segmentation::v1::Membership membership;
    const absl::Status status = calls_->Call(
        *stub, &segmentation::v1::SegmentationService::Stub::GetMembership, request, &membership);
    REGULARS_RETURN_IF_ERROR(UnlessUnknown(status));
    if (!status.ok()) {
      Row("segments", "no purchase yet");
      return absl::OkStatus();
    }
    answer_.json["membership"] = JsonOf(membership);
    Row("purchases", Cat(membership.purchase_count(), ", the last at ",
                         TextOf(membership.last_purchase_time())));
    for (const auto& segment : membership.explanations()) {
      Row(segment.inside() ? "in segment" : "not in",
          Cat(segment.segment().substr(segment.segment().rfind('/') + 1), ": ", segment.text()));
    }
    return absl::OkStatus();
  }

  absl::Status AddSends() {
    REGULARS_ASSIGN_OR_RETURN(auto stub,
                              calls_->Stub<messaging::v1::MessagingService>("messaging"));
    messaging::v1::ListSendsRequest request;
    request.set_parent(name_);
    request.set_page_size(kSendsShown);
    messaging::v1::ListSendsResponse sends;
    REGULARS_RETURN_IF_ERROR(UnlessUnknown(
        calls_->Call(*stub, &messaging::v1::MessagingService::Stub::ListSends, request, &sends)));
    answer_.json["sends"] = JsonOf(sends);
    for (const auto& send : sends.sends()) {
      constexpr size_t kPrefix = std::string_view("SEND_STATUS_").size();
      Row("message",
          Cat(send.campaign(), ", ", messaging::v1::SendStatus_Name(send.status()).substr(kPrefix),
              ", decided ", TextOf(send.decide_time()), ": ", send.reason()));
    }
    if (sends.sends().empty()) Row("messages", "none");
    return absl::OkStatus();
  }

  ServiceCalls* const calls_;
  std::string name_;
  Answer answer_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

absl::StatusOr<Answer> RunMember(Context* context) {
  const auto& words = context->line().words();
  const auto identifier = context->line().Last("identifier");
  if (words.size() != (identifier ? 3U : 4U) || words[1] != "show") {
    return absl::InvalidArgumentError(kUsage);
  }
  if (!identifier && !model::IsValidMemberId(words[3])) {
    return absl::InvalidArgumentError(Cat("'", words[3], "' is no member id"));
  }
  REGULARS_ASSIGN_OR_RETURN(const auto calls, ServiceCalls::Make(context, words[2]));
  std::string name;
  if (identifier) {
    REGULARS_ASSIGN_OR_RETURN(name, Lookup(calls.get(), words[2], *identifier));
  } else {
    name = Cat("pools/", words[2], "/members/", words[3]);
  }
  return MemberPage(calls.get(), std::move(name)).Make();
}

}  // namespace regulars::ctl
