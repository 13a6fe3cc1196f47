#include "services/identity/shell/identity_service.h"

#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/identifier.h"
#include "libs/model/names.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {
namespace {

template <typename Request, typename Response>
void Ask(service::Gateway* gateway, rpc::UnaryCall<Request, Response> call,
         const absl::StatusOr<std::string>& entity, std::string_view query,
         std::string_view view_sub) {
  if (!entity.ok()) return call.Finish(entity.status());
  std::vector<std::string> subs;
  if (!view_sub.empty()) subs.emplace_back(view_sub);
  gateway->Submit(std::move(call), {.kind = shard::InputKind::kQuery,
                                    .entity = *entity,
                                    .type = std::string(query),
                                    .payload = "",
                                    .request_id = "",
                                    .request_hash = "",
                                    .view_subs = std::move(subs),
                                    .position_token = ""});
}

}  // namespace

absl::StatusOr<std::string> EntityOf(const v1::LookupMemberRequest& request,
                                     const PepperOf& peppers, const SpellingOf& spellings) {
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                            model::ParseName(request.parent(), "pools/{pool}"));
  REGULARS_ASSIGN_OR_RETURN(const std::string hmac,
                            HmacOf(request.identifier(), ids[0], "identifier", peppers, spellings));
  return model::IdentifierKey(hmac);
}

absl::StatusOr<std::string> EntityOf(const v1::GetMemberRequest& request) {
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName name, model::ParseMemberName(request.name()));
  return name.member.value();
}

IdentityService::IdentityService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers,
                                 SpellingOf spellings)
    : edge_(edge),
      gateway_(gateway),
      peppers_(std::move(peppers)),
      spellings_(std::move(spellings)) {}

grpc::ServerUnaryReactor* IdentityService::LookupMember(grpc::CallbackServerContext* context,
                                                        const v1::LookupMemberRequest* request,
                                                        v1::LookupMemberResponse* response) {
  using Call = rpc::UnaryCall<v1::LookupMemberRequest, v1::LookupMemberResponse>;
  return rpc::Handle(edge_, "/regulars.identity.v1.IdentityService/LookupMember", context, request,
                     request->parent(), response, [this](const Call& call) {
                       Ask(gateway_, call, EntityOf(call.request(), peppers_, spellings_),
                           kLookupMember, kAnchorSub);
                     });
}

grpc::ServerUnaryReactor* IdentityService::GetMember(grpc::CallbackServerContext* context,
                                                     const v1::GetMemberRequest* request,
                                                     v1::Member* response) {
  using Call = rpc::UnaryCall<v1::GetMemberRequest, v1::Member>;
  return rpc::Handle(edge_, "/regulars.identity.v1.IdentityService/GetMember", context, request,
                     request->name(), response, [this](const Call& call) {
                       const bool full = call.request().view() == v1::MEMBER_VIEW_FULL;
                       // The history is at the owner only.
                       Ask(gateway_, call, EntityOf(call.request()),
                           full ? kGetMemberFull : kGetMember, full ? "" : kMemberSub);
                     });
}

}  // namespace regulars::identity
