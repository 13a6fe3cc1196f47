#include "services/identity/shell/privacy_service.h"

#include <cctype>
#include <functional>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/shell/person.h"
#include "services/identity/shell/privacy_peer_service.h"
#include "services/identity/vault/messages.h"
#include "services/identity/vault/person.h"
#include "services/identity/vault/privacy_codec.h"
#include "services/identity/vault/requests.h"

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

// A read, as the one member that is named answers it.
template <typename Request, typename Response>
service::Work WorkOf(shard::InputKind kind, std::string_view type, const std::string& member,
                     const rpc::UnaryCall<Request, Response>& call) {
  service::Work work;
  work.kind = kind;
  work.entity = member;
  work.type = std::string(type);
  work.payload = call.request().SerializeAsString();
  if (kind == shard::InputKind::kQuery) return work;
  v1::PrivacyCommand command;
  command.set_actor(call.caller().key_id);
  command.set_request(work.payload);
  work.payload = command.SerializeAsString();
  work.request_hash = service::HashRequest(call.request());
  return work;
}

using ResolveCall = rpc::UnaryCall<v1::ResolveContactRequest, v1::ResolveContactResponse>;
using ExportCall = rpc::UnaryCall<v1::ExportMemberRequest, v1::ExportMemberResponse>;
using GetCall = rpc::UnaryCall<v1::GetConsentRequest, v1::Consent>;
using ListCall = rpc::UnaryCall<v1::ListConsentsRequest, v1::ListConsentsResponse>;

// How the owners of the parts are asked for a call.
template <typename Call>
DescribeAsk DescribeAskOf(service::Gateway* gateway, const seal::Pepper* pepper, const Call& call) {
  return [gateway, pepper, call](const std::string& member, v1::DescribePartRequest question,
                                 std::function<void(absl::StatusOr<v1::PartDescription>)> done) {
    Sign(*pepper, &question);
    gateway->AskFirst<v1::PartDescription>(call, DescribeWork(member, question),
                                           kDescribePartMethod, question, std::move(done));
  };
}
template <typename Call>
TellAsk TellAskOf(service::Gateway* gateway, const seal::Pepper* pepper, const Call& call) {
  return [gateway, pepper, call](const std::string& member, v1::TellPartRequest question,
                                 std::function<void(absl::StatusOr<v1::PartTold>)> done) {
    Sign(*pepper, &question);
    gateway->AskFirst<v1::PartTold>(call, TellWork(member, question, call.caller()),
                                    kTellPartMethod, question, std::move(done));
  };
}

// What every part is asked first.
v1::DescribePartRequest QuestionOf(const ResolveCall&) { return {}; }
v1::DescribePartRequest QuestionOf(const ExportCall&) {
  v1::DescribePartRequest question;
  question.set_show_history(true);
  return question;
}
v1::DescribePartRequest QuestionOf(const GetCall& call) {
  v1::DescribePartRequest question;
  if (call.request().has_as_of_time()) *question.mutable_as_of_time() = call.request().as_of_time();
  return question;
}
v1::DescribePartRequest QuestionOf(const ListCall& call) {
  v1::DescribePartRequest question;
  if (call.request().has_as_of_time()) *question.mutable_as_of_time() = call.request().as_of_time();
  question.set_show_history(call.request().show_history());
  return question;
}

// The answer for the person, from what the parts said.
void AnswerFor(service::Gateway*, const seal::Pepper*, const ListCall& call,
               const vault::Parts& parts) {
  call.response() = vault::ConsentsOfPerson(call.caller().pool, parts);
  call.Finish(absl::OkStatus());
}

void AnswerFor(service::Gateway*, const seal::Pepper*, const GetCall& call,
               const vault::Parts& parts) {
  const auto pair = vault::PairOfName(call.request().name());
  if (!pair.ok()) return call.Finish(pair.status());
  call.response() = vault::ConsentOfPerson(call.caller().pool, parts, pair->first, pair->second);
  call.response().clear_history();
  call.Finish(absl::OkStatus());
}

void AnswerFor(service::Gateway* gateway, const seal::Pepper* pepper, const ResolveCall& call,
               const vault::Parts& parts) {
  const v1::ResolveContactRequest& request = call.request();
  const v1::Consent consent =
      vault::ConsentOfPerson(call.caller().pool, parts, request.purpose(), request.channel());
  if (consent.decision() != v1::CONSENT_DECISION_GRANTED) {
    return call.Finish(DomainError(absl::StatusCode::kFailedPrecondition, "CONSENT_MISSING",
                                   "the member has not consented to this purpose on this channel"));
  }
  const auto unknown = [] {
    return DomainError(absl::StatusCode::kNotFound, "CONTACT_UNKNOWN",
                       "none of these fields is known");
  };
  auto questions = vault::QuestionsOf(call.caller().pool, parts, request);
  if (questions.empty()) return call.Finish(unknown());
  GatherTold(TellAskOf(gateway, pepper, call), std::move(questions),
             [call, parts, unknown](absl::StatusOr<std::vector<v1::PartTold>> told) {
               if (!told.ok()) return call.Finish(told.status());
               call.response() =
                   vault::FieldsOfPerson(call.caller().pool, parts, call.request(), *told);
               call.Finish(call.response().fields().empty() ? unknown() : absl::OkStatus());
             });
}

void AnswerFor(service::Gateway* gateway, const seal::Pepper* pepper, const ExportCall& call,
               const vault::Parts& parts) {
  std::vector<v1::TellPartRequest> questions;
  for (const v1::PartDescription& part : parts) {
    questions.emplace_back().set_name(vault::NameOf(call.caller().pool, part.member()));
  }
  GatherTold(TellAskOf(gateway, pepper, call), std::move(questions),
             [call, parts](absl::StatusOr<std::vector<v1::PartTold>> told) {
               if (!told.ok()) return call.Finish(told.status());
               call.response().set_json(
                   vault::JsonOf(vault::ExportOfPerson(call.caller().pool, parts, *told)));
               call.Finish(absl::OkStatus());
             });
}

// A read: of the member alone, and of all that it is one person with if it says so.
template <typename Request, typename Response>
void Read(service::Gateway* gateway, const PepperOf& peppers, shard::InputKind kind,
          std::string_view type, const absl::StatusOr<std::string>& member,
          const rpc::UnaryCall<Request, Response>& call) {
  if (!member.ok()) return call.Finish(member.status());
  const auto way = gateway->WayTo(call.caller(), *member);
  if (!way.ok()) return call.Finish(way.status());
  if (*way != nullptr) return rpc::Forward(*way, call);
  const seal::Pepper* pepper = peppers(call.caller().pool);
  gateway->AskFirst<Response>(
      call, WorkOf(kind, type, *member, call), call.method(), call.request(),
      [gateway, pepper, call, name = *member](absl::StatusOr<Response> alone) {
        const std::string reason = alone.ok() ? "" : ReasonOf(alone.status());
        const bool is_several = reason == vault::kMemberHasParts || reason == "MEMBER_IS_ALIAS";
        if (!is_several || pepper == nullptr) {
          if (alone.ok()) call.response() = *std::move(alone);
          return call.Finish(alone.status());
        }
        GatherPerson(DescribeAskOf(gateway, pepper, call), call.caller().pool, name,
                     QuestionOf(call), [gateway, pepper, call](absl::StatusOr<vault::Parts> parts) {
                       if (!parts.ok()) return call.Finish(parts.status());
                       AnswerFor(gateway, pepper, call, *parts);
                     });
      });
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
  return rpc::Handle(edge_, kResolveContact, context, request, request->name(), response,
                     [this](const Call& call) {
                       const absl::Status may =
                           rpc::CheckRight(call.caller(), rpc::Right::kResolveContact);
                       if (!may.ok()) return call.Finish(may);
                       Read(gateway_, peppers_, shard::InputKind::kCommand, vault::kResolveContact,
                            MemberOf(call.request().name()), call);
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
  return rpc::Handle(edge_, kGetConsent, context, request, request->name(), response,
                     [this](const Call& call) {
                       Read(gateway_, peppers_, shard::InputKind::kQuery, vault::kGetConsent,
                            MemberOfConsent(call.request().name()), call);
                     });
}

grpc::ServerUnaryReactor* PrivacyService::ListConsents(grpc::CallbackServerContext* context,
                                                       const v1::ListConsentsRequest* request,
                                                       v1::ListConsentsResponse* response) {
  using Call = rpc::UnaryCall<v1::ListConsentsRequest, v1::ListConsentsResponse>;
  return rpc::Handle(edge_, kListConsents, context, request, request->parent(), response,
                     [this](const Call& call) {
                       Read(gateway_, peppers_, shard::InputKind::kQuery, vault::kListConsents,
                            MemberOf(call.request().parent()), call);
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
        Read(gateway_, peppers_, shard::InputKind::kCommand, vault::kExportMember,
             MemberOf(call.request().name()), call);
      });
}

}  // namespace regulars::identity
