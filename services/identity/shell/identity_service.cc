#include "services/identity/shell/identity_service.h"

#include <utility>

#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/model/identifier.h"
#include "libs/model/names.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/kernel/member.h"
#include "services/identity/kernel/resolve.h"

namespace regulars::identity {
namespace {

absl::Status Invalid(std::string_view message, std::string_view field) {
  return DomainError(absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID", message,
                     {{"field", std::string(field)}});
}

template <typename Request, typename Response>
void Ask(service::Gateway* gateway, rpc::UnaryCall<Request, Response> call,
         const absl::StatusOr<std::string>& entity, std::string_view query,
         std::string_view view_sub) {
  if (!entity.ok()) return call.Finish(entity.status());
  gateway->Submit(std::move(call), {.kind = shard::InputKind::kQuery,
                                    .entity = *entity,
                                    .type = std::string(query),
                                    .payload = "",
                                    .request_id = "",
                                    .request_hash = "",
                                    .view_subs = {std::string(view_sub)},
                                    .position_token = ""});
}

}  // namespace

absl::StatusOr<std::string> EntityOf(const v1::LookupMemberRequest& request,
                                     const PepperOf& peppers, const SpellingOf& spellings) {
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                            model::ParseName(request.parent(), "pools/{pool}"));
  const types::v1::ClearIdentifier& id = request.identifier();
  if (!model::IsIdentifierType(id.type())) {
    return Invalid("the type of the identifier is malformed", "identifier.type");
  }
  if (id.scope().size() > limits::kIdentifierScopeMax || !model::IsPlainText(id.scope())) {
    return Invalid("the scope of the identifier is malformed", "identifier.scope");
  }
  static const normalize::Options kDefaults;
  const normalize::Options* const options = spellings(ids[0]);
  // Also a value that is blocked now may have been recorded before.
  const normalize::Normalized normal = normalize::Normalize(
      id.type(), id.scope(), id.value(), options == nullptr ? kDefaults : *options);
  if (normal.value.empty()) {
    return Invalid("the value of the identifier is malformed, masked or needs a scope",
                   "identifier.value");
  }
  const seal::Pepper* pepper = peppers(ids[0]);
  if (pepper == nullptr) {
    return DomainError(absl::StatusCode::kNotFound, "POOL_UNKNOWN",
                       "this service has no such pool");
  }
  return model::IdentifierKey(pepper->Hmac(id.type(), id.scope(), normal.value));
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
                       Ask(gateway_, call, EntityOf(call.request()), kGetMember, kMemberSub);
                     });
}

}  // namespace regulars::identity
