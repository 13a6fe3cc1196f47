#include "services/identity/shell/link_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/model/names.h"
#include "libs/seal/crypto.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/codec/link_queries.h"
#include "services/identity/shell/explain_link.h"
#include "services/identity/shell/link_peer_service.h"
#include "services/identity/shell/privacy_service.h"

namespace regulars::identity {
namespace {

constexpr char kMergeMethod[] = "/regulars.identity.v1.LinkService/MergeMembers";
constexpr char kSplitMethod[] = "/regulars.identity.v1.LinkService/SplitMember";
constexpr char kUndoMethod[] = "/regulars.identity.v1.LinkService/UndoMerge";
constexpr char kListMergesMethod[] = "/regulars.identity.v1.LinkService/ListMerges";
constexpr char kListLinksMethod[] = "/regulars.identity.v1.LinkService/ListLinks";
constexpr char kListSuppressedLinksMethod[] =
    "/regulars.identity.v1.LinkService/ListSuppressedLinks";
constexpr char kExplainMethod[] = "/regulars.identity.v1.LinkService/ExplainLink";
constexpr std::string_view kMergePattern = "pools/{pool}/members/{member}/merges/{merge}";

// An operation that its caller does not name has a name, too: its messages are made of it.
std::string NewRequestId() {
  const std::string hex = absl::BytesToHexString(seal::RandomBytes(16));
  return Cat(hex.substr(0, 8), "-", hex.substr(8, 4), "-4", hex.substr(13, 3), "-8",
             hex.substr(17, 3), "-", hex.substr(20));
}

// `command` says everything but who asks, under which id, and whether it is meant.
template <typename Command, typename Request>
service::Work Sign(std::string_view type, const std::string& member, const Request& request,
                   const rpc::Caller& caller, Command* command) {
  service::Work work;
  work.kind = shard::InputKind::kCommand;
  work.entity = member;
  work.type = std::string(type);
  work.request_hash = service::HashRequest(*command);
  work.request_id = request.request_id().empty() ? NewRequestId() : request.request_id();
  command->set_operation_id(work.request_id);
  command->set_actor(caller.key_id);
  command->set_dry_run(request.validate_only());
  work.payload = command->SerializeAsString();
  return work;
}

template <typename Request, typename Response>
void Write(service::Gateway* gateway, const absl::StatusOr<service::Work>& work,
           const rpc::UnaryCall<Request, Response>& call) {
  if (!work.ok()) return call.Finish(work.status());
  gateway->Submit(call, *work);
}

// A list of a member, asked at its owner.
template <typename Request, typename Response>
void List(service::Gateway* gateway, std::string_view query,
          const rpc::UnaryCall<Request, Response>& call) {
  const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
  if (!may.ok()) return call.Finish(may);
  const auto parent = model::ParseMemberName(call.request().parent());
  if (!parent.ok()) return call.Finish(parent.status());
  service::Work work;
  work.entity = parent->member.value();
  work.type = std::string(query);
  work.payload = call.request().SerializeAsString();
  gateway->Submit(call, std::move(work));
}

absl::Status Refused(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message,
                     {{"field", "identifiers"}});
}

}  // namespace

absl::StatusOr<MergeWork> WorkOf(const v1::MergeMembersRequest& request,
                                 const rpc::Caller& caller) {
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName name, model::ParseMemberName(request.name()));
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName other, model::ParseMemberName(request.other()));
  REGULARS_RETURN_IF_ERROR(rpc::Edge::PoolMatches(caller, request.other()));
  REGULARS_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  MergeWork merge;
  merge.command.set_other_member(other.member.value());
  merge.command.set_override_do_not_link(request.override_do_not_link());
  merge.work = Sign(kMergeMembers, name.member.value(), request, caller, &merge.command);
  return merge;
}

absl::StatusOr<service::Work> WorkOf(const v1::SplitMemberRequest& request,
                                     const rpc::Caller& caller, const PepperOf& peppers,
                                     const SpellingOf& spellings) {
  REGULARS_ASSIGN_OR_RETURN(const model::MemberName name, model::ParseMemberName(request.name()));
  REGULARS_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  if (request.identifiers().empty()) {
    return Refused("IDENTIFIERS_MISSING", "name the identifiers that leave");
  }
  if (static_cast<size_t>(request.identifiers_size()) > kSplitIdentifiersMax) {
    return Refused("IDENTIFIERS_TOO_MANY", Cat("at most ", kSplitIdentifiersMax));
  }
  v1::SplitMemberCommand command;
  for (int i = 0; i < request.identifiers_size(); ++i) {
    REGULARS_ASSIGN_OR_RETURN(*command.add_identifier_hmacs(),
                              HmacOf(request.identifiers(i), name.pool.value(),
                                     Cat("identifiers[", i, "]"), peppers, spellings));
  }
  return Sign(kSplitMember, name.member.value(), request, caller, &command);
}

absl::StatusOr<service::Work> WorkOf(const v1::UndoMergeRequest& request,
                                     const rpc::Caller& caller) {
  REGULARS_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                            model::ParseName(request.name(), kMergePattern));
  REGULARS_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  v1::UndoMergeCommand command;
  command.set_merge_id(ids[2]);
  return Sign(kUndoMerge, ids[1], request, caller, &command);
}

LinkService::LinkService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers,
                         SpellingOf spellings)
    : edge_(edge),
      gateway_(gateway),
      peppers_(std::move(peppers)),
      spellings_(std::move(spellings)) {}

void LinkService::Merge(const MergeCall& call, MergeWork merge) {
  v1::SummarizeMemberRequest question;
  question.set_name(call.request().other());
  service::Work ask;
  ask.entity = merge.command.other_member();
  ask.type = std::string(kSummarizeMember);
  const auto kept = std::make_shared<MergeWork>(std::move(merge));  // shared: callbacks are copied
  gateway_->AskFirst<v1::MemberSummary>(
      call, std::move(ask), kSummarizeMethod, question,
      [this, call, kept](absl::StatusOr<v1::MemberSummary> other) {
        if (!other.ok()) return call.Finish(other.status());
        *kept->command.mutable_other() = *std::move(other);
        kept->work.payload = kept->command.SerializeAsString();
        gateway_->Submit(call, std::move(kept->work));
      });
}

grpc::ServerUnaryReactor* LinkService::MergeMembers(grpc::CallbackServerContext* context,
                                                    const v1::MergeMembersRequest* request,
                                                    v1::MergeMembersResponse* response) {
  return rpc::Handle(edge_, kMergeMethod, context, request, request->name(), response,
                     [this](const MergeCall& call) {
                       const absl::Status may =
                           rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
                       if (!may.ok()) return call.Finish(may);
                       absl::StatusOr<MergeWork> merge = WorkOf(call.request(), call.caller());
                       if (!merge.ok()) return call.Finish(merge.status());
                       const auto way = gateway_->WayTo(call.caller(), merge->work.entity);
                       if (!way.ok()) return call.Finish(way.status());
                       if (*way != nullptr) return rpc::Forward(*way, call);
                       Merge(call, *std::move(merge));
                     });
}

grpc::ServerUnaryReactor* LinkService::SplitMember(grpc::CallbackServerContext* context,
                                                   const v1::SplitMemberRequest* request,
                                                   v1::MemberSplit* response) {
  using Call = rpc::UnaryCall<v1::SplitMemberRequest, v1::MemberSplit>;
  return rpc::Handle(
      edge_, kSplitMethod, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
        if (!may.ok()) return call.Finish(may);
        Write(gateway_, WorkOf(call.request(), call.caller(), peppers_, spellings_), call);
      });
}

grpc::ServerUnaryReactor* LinkService::UndoMerge(grpc::CallbackServerContext* context,
                                                 const v1::UndoMergeRequest* request,
                                                 v1::MemberSplit* response) {
  using Call = rpc::UnaryCall<v1::UndoMergeRequest, v1::MemberSplit>;
  return rpc::Handle(
      edge_, kUndoMethod, context, request, request->name(), response, [this](const Call& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
        if (!may.ok()) return call.Finish(may);
        Write(gateway_, WorkOf(call.request(), call.caller()), call);
      });
}

grpc::ServerUnaryReactor* LinkService::ListMerges(grpc::CallbackServerContext* context,
                                                  const v1::ListMergesRequest* request,
                                                  v1::ListMergesResponse* response) {
  using Call = rpc::UnaryCall<v1::ListMergesRequest, v1::ListMergesResponse>;
  return rpc::Handle(edge_, kListMergesMethod, context, request, request->parent(), response,
                     [this](const Call& call) { List(gateway_, kListMerges, call); });
}

grpc::ServerUnaryReactor* LinkService::ListLinks(grpc::CallbackServerContext* context,
                                                 const v1::ListLinksRequest* request,
                                                 v1::ListLinksResponse* response) {
  using Call = rpc::UnaryCall<v1::ListLinksRequest, v1::ListLinksResponse>;
  return rpc::Handle(edge_, kListLinksMethod, context, request, request->parent(), response,
                     [this](const Call& call) { List(gateway_, kListLinks, call); });
}

grpc::ServerUnaryReactor* LinkService::ListSuppressedLinks(
    grpc::CallbackServerContext* context, const v1::ListSuppressedLinksRequest* request,
    v1::ListSuppressedLinksResponse* response) {
  using Call = rpc::UnaryCall<v1::ListSuppressedLinksRequest, v1::ListSuppressedLinksResponse>;
  return rpc::Handle(edge_, kListSuppressedLinksMethod, context, request, request->parent(),
                     response,
                     [this](const Call& call) { List(gateway_, kListSuppressedLinks, call); });
}

grpc::ServerUnaryReactor* LinkService::ExplainLink(grpc::CallbackServerContext* context,
                                                   const v1::ExplainLinkRequest* request,
                                                   v1::ExplainLinkResponse* response) {
  return rpc::Handle(
      edge_, kExplainMethod, context, request, request->parent(), response,
      [this](const ExplainCall& call) {
        const absl::Status may = rpc::CheckRight(call.caller(), rpc::Right::kLinkMembers);
        if (!may.ok()) return call.Finish(may);
        const auto pool = model::ParseName(call.request().parent(), "pools/{pool}");
        if (!pool.ok()) return call.Finish(pool.status());
        const auto first =
            HmacOf(call.request().first(), (*pool)[0], "first", peppers_, spellings_);
        if (!first.ok()) return call.Finish(first.status());
        const auto second =
            HmacOf(call.request().second(), (*pool)[0], "second", peppers_, spellings_);
        if (!second.ok()) return call.Finish(second.status());
        identity::ExplainLink(gateway_, call, *first, *second);
      });
}

}  // namespace regulars::identity
