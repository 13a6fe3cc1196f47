#include "services/identity/shell/link_peer_service.h"

#include <string>
#include <utility>

#include "libs/model/names.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/codec/link_queries.h"

namespace regulars::identity {
namespace {

template <typename Request, typename Response>
void Ask(service::Gateway* gateway, const rpc::UnaryCall<Request, Response>& call,
         std::string_view query, const absl::StatusOr<std::string>& entity) {
  const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
  if (!may.ok()) return call.Finish(may);
  if (!entity.ok()) return call.Finish(entity.status());
  service::Work work;
  work.entity = *entity;
  work.type = std::string(query);
  work.payload = call.request().SerializeAsString();
  gateway->Submit(call, std::move(work));
}

absl::StatusOr<std::string> MemberOf(const std::string& name) {
  absl::StatusOr<model::MemberName> parsed = model::ParseMemberName(name);
  if (!parsed.ok()) return parsed.status();
  return parsed->member.value();
}

}  // namespace

grpc::ServerUnaryReactor* LinkPeerService::SummarizeMember(
    grpc::CallbackServerContext* context, const v1::SummarizeMemberRequest* request,
    v1::MemberSummary* response) {
  using Call = rpc::UnaryCall<v1::SummarizeMemberRequest, v1::MemberSummary>;
  return rpc::Handle(edge_, kSummarizeMethod, context, request, request->name(), response,
                     [this](const Call& call) {
                       Ask(gateway_, call, kSummarizeMember, MemberOf(call.request().name()));
                     });
}

grpc::ServerUnaryReactor* LinkPeerService::DescribeAnchor(grpc::CallbackServerContext* context,
                                                          const v1::DescribeAnchorRequest* request,
                                                          v1::AnchorDescription* response) {
  using Call = rpc::UnaryCall<v1::DescribeAnchorRequest, v1::AnchorDescription>;
  return rpc::Handle(edge_, kAnchorMethod, context, request, request->parent(), response,
                     [this](const Call& call) {
                       Ask(gateway_, call, kDescribeAnchor,
                           absl::StatusOr<std::string>(call.request().identifier_key()));
                     });
}

grpc::ServerUnaryReactor* LinkPeerService::DescribePair(grpc::CallbackServerContext* context,
                                                        const v1::DescribePairRequest* request,
                                                        v1::PairDescription* response) {
  using Call = rpc::UnaryCall<v1::DescribePairRequest, v1::PairDescription>;
  return rpc::Handle(edge_, kPairMethod, context, request, request->name(), response,
                     [this](const Call& call) {
                       Ask(gateway_, call, kDescribePair, MemberOf(call.request().name()));
                     });
}

}  // namespace regulars::identity
