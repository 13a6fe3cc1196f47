#include "services/identity/shell/privacy_service.h"

#include <cctype>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {
namespace {

constexpr char kResolveContact[] = "/regulars.identity.v1.PrivacyService/ResolveContact";
constexpr char kRecordConsent[] = "/regulars.identity.v1.PrivacyService/RecordConsent";
constexpr char kGetConsent[] = "/regulars.identity.v1.PrivacyService/GetConsent";
constexpr char kListConsents[] = "/regulars.identity.v1.PrivacyService/ListConsents";
constexpr char kEraseMember[] = "/regulars.identity.v1.PrivacyService/EraseMember";
constexpr char kExportMember[] = "/regulars.identity.v1.PrivacyService/ExportMember";

constexpr std::string_view kUuidForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
constexpr std::string_view kConsentPattern = "pools/{pool}/members/{member}/consents/{consent}";

absl::StatusOr<std::string> MemberOf(const std::string& name) {
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName parsed, model::ParseMemberName(name));
  return parsed.member.value();
}

absl::StatusOr<std::string> MemberOfConsent(const std::string& name) {
  REGULARS_ASSIGN_OR_RETURN(std::vector<std::string> ids, model::ParseName(name, kConsentPattern));
  return std::move(ids[1]);
}

// `request_id`: empty for what has none.
template <typename Request, typename Response>
void Write(service::Gateway* gateway, std::string_view type,
           const absl::StatusOr<std::string>& member, const std::string& request_id,
           const rpc::UnaryCall<Request, Response>& call) {
  if (!member.ok()) return call.Finish(member.status());
  if (const absl::Status status = CheckRequestId(request_id); !status.ok()) {
    return call.Finish(status);
  }
  v1::PrivacyCommand command;
  command.set_actor(call.caller().key_id);
  command.set_request(call.request().SerializeAsString());
  service::Work work;
  work.kind = shard::InputKind::kCommand;
  work.entity = *member;
  work.type = std::string(type);
  work.payload = command.SerializeAsString();
  work.request_id = request_id;
  work.request_hash = service::HashRequest(call.request());
  gateway->Submit(call, std::move(work));
}

template <typename Request, typename Response>
void Ask(service::Gateway* gateway, std::string_view type,
         const absl::StatusOr<std::string>& member, const rpc::UnaryCall<Request, Response>& call) {
  if (!member.ok()) return call.Finish(member.status());
  service::Work work;
  work.kind = shard::InputKind::kQuery;
  work.entity = *member;
  work.type = std::string(type);
  work.payload = call.request().SerializeAsString();
  gateway->Submit(call, std::move(work));
}

}  // namespace

absl::Status CheckRequestId(std::string_view request_id) {
  bool valid = request_id.empty() || request_id.size() == kUuidForm.size();
  for (size_t i = 0; valid && i < request_id.size(); ++i) {
    const auto c = static_cast<unsigned char>(request_id[i]);
    valid = kUuidForm[i] == '-' ? c == '-' : std::isxdigit(c) != 0;
  }
  if (valid) return absl::OkStatus();
  return DomainError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
                     "request_id must be a UUID or empty");
}

grpc::ServerUnaryReactor* PrivacyService::ResolveContact(grpc::CallbackServerContext* context,
                                                         const v1::ResolveContactRequest* request,
                                                         v1::ResolveContactResponse* response) {
  using Call = rpc::UnaryCall<v1::ResolveContactRequest, v1::ResolveContactResponse>;
  return rpc::Handle(
      edge_, kResolveContact, context, request, request->name(), response,
      [this](const Call& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kResolveContact);
        if (!may.ok()) return call.Finish(may);
        Write(gateway_, vault::kResolveContact, MemberOf(call.request().name()), "", call);
      });
}

grpc::ServerUnaryReactor* PrivacyService::RecordConsent(grpc::CallbackServerContext* context,
                                                        const v1::RecordConsentRequest* request,
                                                        v1::Consent* response) {
  using Call = rpc::UnaryCall<v1::RecordConsentRequest, v1::Consent>;
  return rpc::Handle(edge_, kRecordConsent, context, request, request->parent(), response,
                     [this](const Call& call) {
                       Write(gateway_, vault::kRecordConsent, MemberOf(call.request().parent()),
                             call.request().request_id(), call);
                     });
}

grpc::ServerUnaryReactor* PrivacyService::GetConsent(grpc::CallbackServerContext* context,
                                                     const v1::GetConsentRequest* request,
                                                     v1::Consent* response) {
  using Call = rpc::UnaryCall<v1::GetConsentRequest, v1::Consent>;
  return rpc::Handle(
      edge_, kGetConsent, context, request, request->name(), response, [this](const Call& call) {
        Ask(gateway_, vault::kGetConsent, MemberOfConsent(call.request().name()), call);
      });
}

grpc::ServerUnaryReactor* PrivacyService::ListConsents(grpc::CallbackServerContext* context,
                                                       const v1::ListConsentsRequest* request,
                                                       v1::ListConsentsResponse* response) {
  using Call = rpc::UnaryCall<v1::ListConsentsRequest, v1::ListConsentsResponse>;
  return rpc::Handle(edge_, kListConsents, context, request, request->parent(), response,
                     [this](const Call& call) {
                       Ask(gateway_, vault::kListConsents, MemberOf(call.request().parent()), call);
                     });
}

grpc::ServerUnaryReactor* PrivacyService::EraseMember(grpc::CallbackServerContext* context,
                                                      const v1::EraseMemberRequest* request,
                                                      v1::EraseMemberResponse* response) {
  using Call = rpc::UnaryCall<v1::EraseMemberRequest, v1::EraseMemberResponse>;
  return rpc::Handle(
      edge_, kEraseMember, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kEraseMember);
        if (!may.ok()) return call.Finish(may);
        Write(gateway_, vault::kEraseMember, MemberOf(call.request().name()),
              call.request().request_id(), call);
      });
}

grpc::ServerUnaryReactor* PrivacyService::ExportMember(grpc::CallbackServerContext* context,
                                                       const v1::ExportMemberRequest* request,
                                                       v1::ExportMemberResponse* response) {
  using Call = rpc::UnaryCall<v1::ExportMemberRequest, v1::ExportMemberResponse>;
  return rpc::Handle(
      edge_, kExportMember, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kExportMember);
        if (!may.ok()) return call.Finish(may);
        Write(gateway_, vault::kExportMember, MemberOf(call.request().name()), "", call);
      });
}

}  // namespace regulars::identity
