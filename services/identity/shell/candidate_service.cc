#include "services/identity/shell/candidate_service.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "services/identity/candidates/candidate_codec.h"
#include "services/identity/shell/privacy_service.h"

namespace regulars::identity {
namespace {

constexpr char kListMethod[] = "/regulars.identity.v1.CandidateService/ListCandidates";
constexpr char kConfirmMethod[] = "/regulars.identity.v1.CandidateService/ConfirmCandidate";
constexpr char kRejectMethod[] = "/regulars.identity.v1.CandidateService/RejectCandidate";

template <typename Request>
absl::StatusOr<service::Work> DecisionOf(std::string_view type, const Request& request,
                                         const rpc::Caller& caller) {
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                            model::ParseName(request.name(), candidates::kCandidatePattern));
  REGULARS_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  v1::CandidateCommand command;
  command.set_actor(caller.key_id);
  command.set_request(request.SerializeAsString());
  service::Work work;
  work.kind = shard::InputKind::kCommand;
  work.entity = ids[1];
  work.type = std::string(type);
  work.payload = command.SerializeAsString();
  work.request_id = request.request_id();
  work.request_hash = service::HashRequest(request);
  return work;
}

absl::StatusOr<service::Work> ListingOf(const v1::ListCandidatesRequest& request) {
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName name, model::ParseMemberName(request.parent()));
  service::Work work;
  work.entity = name.member.value();
  work.type = std::string(candidates::kListCandidates);
  work.payload = request.SerializeAsString();
  return work;
}

template <typename Call>
void Submit(service::Gateway* gateway, const Call& call,
            const absl::StatusOr<service::Work>& work) {
  if (!work.ok()) return call.Finish(work.status());
  gateway->Submit(call, *work);
}

absl::Status MayLink(const rpc::Caller& caller) {
  return rpc::CheckRight(caller, rpc::Right::kLinkMembers);
}

}  // namespace

grpc::ServerUnaryReactor* CandidateService::ListCandidates(grpc::CallbackServerContext* context,
                                                           const v1::ListCandidatesRequest* request,
                                                           v1::ListCandidatesResponse* response) {
  using Call = rpc::UnaryCall<v1::ListCandidatesRequest, v1::ListCandidatesResponse>;
  return rpc::Handle(edge_, kListMethod, context, request, request->parent(), response,
                     [this](const Call& call) {
                       const absl::Status may = MayLink(call.caller());
                       if (!may.ok()) return call.Finish(may);
                       Submit(gateway_, call, ListingOf(call.request()));
                     });
}

grpc::ServerUnaryReactor* CandidateService::ConfirmCandidate(
    grpc::CallbackServerContext* context, const v1::ConfirmCandidateRequest* request,
    v1::Candidate* response) {
  using Call = rpc::UnaryCall<v1::ConfirmCandidateRequest, v1::Candidate>;
  return rpc::Handle(
      edge_, kConfirmMethod, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = MayLink(call.caller());
        if (!may.ok()) return call.Finish(may);
        Submit(gateway_, call,
               DecisionOf(candidates::kConfirmCandidate, call.request(), call.caller()));
      });
}

grpc::ServerUnaryReactor* CandidateService::RejectCandidate(
    grpc::CallbackServerContext* context, const v1::RejectCandidateRequest* request,
    v1::Candidate* response) {
  using Call = rpc::UnaryCall<v1::RejectCandidateRequest, v1::Candidate>;
  return rpc::Handle(
      edge_, kRejectMethod, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = MayLink(call.caller());
        if (!may.ok()) return call.Finish(may);
        Submit(gateway_, call,
               DecisionOf(candidates::kRejectCandidate, call.request(), call.caller()));
      });
}

}  // namespace regulars::identity
