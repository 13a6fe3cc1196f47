#include "services/identity/shell/privacy_peer_service.h"

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/privacy_state.pb.h"
#include "services/identity/shell/person.h"
#include "services/identity/vault/privacy_codec.h"

namespace regulars::identity {
namespace {

// The member that a signed question names.
template <typename Request, typename Response>
absl::StatusOr<std::string> MemberOf(const PepperOf& peppers,
                                     const rpc::UnaryCall<Request, Response>& call) {
  if (!IsSigned(peppers(call.caller().pool), call.request())) {
    return DomainError(absl::StatusCode::kPermissionDenied, "RIGHT_MISSING",
                       "only an instance of identity may ask this");
  }
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName name,
                            model::ParseMemberName(call.request().name()));
  return name.member.value();
}

}  // namespace

service::Work DescribeWork(const std::string& member, const v1::DescribePartRequest& question) {
  service::Work work;
  work.entity = member;
  work.type = std::string(vault::kDescribePart);
  work.payload = question.SerializeAsString();
  return work;
}

service::Work TellWork(const std::string& member, const v1::TellPartRequest& question,
                       const rpc::Caller& caller) {
  v1::TellPartRequest unsigned_question = question;  // what is logged makes no second call
  unsigned_question.clear_ticket();
  v1::PrivacyCommand command;
  command.set_actor(caller.key_id);
  command.set_request(unsigned_question.SerializeAsString());
  service::Work work;
  work.kind = shard::InputKind::kCommand;
  work.entity = member;
  work.type = std::string(vault::kTellPart);
  work.payload = command.SerializeAsString();
  work.request_hash = service::HashRequest(unsigned_question);
  return work;
}

grpc::ServerUnaryReactor* PrivacyPeerService::DescribePart(grpc::CallbackServerContext* context,
                                                           const v1::DescribePartRequest* request,
                                                           v1::PartDescription* response) {
  using Call = rpc::UnaryCall<v1::DescribePartRequest, v1::PartDescription>;
  return rpc::Handle(edge_, kDescribePartMethod, context, request, request->name(), response,
                     [this](const Call& call) {
                       const auto member = MemberOf(peppers_, call);
                       if (!member.ok()) return call.Finish(member.status());
                       gateway_->Submit(call, DescribeWork(*member, call.request()));
                     });
}

grpc::ServerUnaryReactor* PrivacyPeerService::TellPart(grpc::CallbackServerContext* context,
                                                       const v1::TellPartRequest* request,
                                                       v1::PartTold* response) {
  using Call = rpc::UnaryCall<v1::TellPartRequest, v1::PartTold>;
  return rpc::Handle(edge_, kTellPartMethod, context, request, request->name(), response,
                     [this](const Call& call) {
                       const auto member = MemberOf(peppers_, call);
                       if (!member.ok()) return call.Finish(member.status());
                       gateway_->Submit(call, TellWork(*member, call.request(), call.caller()));
                     });
}

}  // namespace regulars::identity
