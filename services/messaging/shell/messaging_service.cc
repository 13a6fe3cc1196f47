#include "services/messaging/shell/messaging_service.h"

#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/model/names.h"
#include "services/messaging/codec/program.h"

namespace regulars::messaging {
namespace {

constexpr char kGetSendMethod[] = "/regulars.messaging.v1.MessagingService/GetSend";
constexpr char kListSendsMethod[] = "/regulars.messaging.v1.MessagingService/ListSends";
constexpr char kReportDeliveryMethod[] = "/regulars.messaging.v1.MessagingService/ReportDelivery";
constexpr std::string_view kMemberPattern = "pools/{pool}/members/{member}";
constexpr std::string_view kSendPattern = "pools/{pool}/members/{member}/sends/{send}";

// The work of a call that names a member or one of its sends.
template <typename Request>
absl::StatusOr<service::Work> MakeWork(shard::InputKind kind, std::string_view type,
                                       std::string_view name, std::string_view pattern,
                                       const Request& request) {
  REGULARS_ASSIGN_OR_RETURN(std::vector<std::string> ids, model::ParseName(name, pattern));
  service::Work work;
  work.kind = kind;
  work.entity = std::move(ids[1]);
  work.type = std::string(type);
  work.payload = request.SerializeAsString();
  return work;
}

}  // namespace

bool IsRequestId(std::string_view text) {
  constexpr std::string_view kForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  bool valid = text.empty() || text.size() == kForm.size();
  for (size_t i = 0; valid && i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    valid = kForm[i] == '-' ? c == '-' : std::isxdigit(c) != 0;
  }
  return valid;
}

grpc::ServerUnaryReactor* MessagingService::GetSend(grpc::CallbackServerContext* context,
                                                    const v1::GetSendRequest* request,
                                                    v1::Send* response) {
  return rpc::Handle(edge_, kGetSendMethod, context, request, request->name(), response,
                     [this](rpc::UnaryCall<v1::GetSendRequest, v1::Send> call) {
                       auto work = MakeWork(shard::InputKind::kQuery, kGetSend,
                                            call.request().name(), kSendPattern, call.request());
                       if (!work.ok()) return call.Finish(work.status());
                       work->view_subs = SendViewSubs(call.request().name(), work->entity);
                       gateway_->Submit(call, *std::move(work));
                     });
}

grpc::ServerUnaryReactor* MessagingService::ListSends(grpc::CallbackServerContext* context,
                                                      const v1::ListSendsRequest* request,
                                                      v1::ListSendsResponse* response) {
  return rpc::Handle(edge_, kListSendsMethod, context, request, request->parent(), response,
                     [this](rpc::UnaryCall<v1::ListSendsRequest, v1::ListSendsResponse> call) {
                       auto work =
                           MakeWork(shard::InputKind::kQuery, kListSends, call.request().parent(),
                                    kMemberPattern, call.request());
                       if (!work.ok()) return call.Finish(work.status());
                       gateway_->Submit(call, *std::move(work));
                     });
}

grpc::ServerUnaryReactor* MessagingService::ReportDelivery(grpc::CallbackServerContext* context,
                                                           const v1::ReportDeliveryRequest* request,
                                                           v1::Send* response) {
  return rpc::Handle(
      edge_, kReportDeliveryMethod, context, request, request->name(), response,
      [this](rpc::UnaryCall<v1::ReportDeliveryRequest, v1::Send> call) {
        auto work = MakeWork(shard::InputKind::kCommand, kReportDelivery, call.request().name(),
                             kSendPattern, call.request());
        if (!work.ok()) return call.Finish(work.status());
        if (!IsRequestId(call.request().request_id())) {
          return call.Finish(DomainError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
                                         "request_id must be a UUID or empty"));
        }
        work->request_id = call.request().request_id();
        work->request_hash = service::HashRequest(call.request());
        gateway_->Submit(call, *std::move(work));
      });
}

}  // namespace regulars::messaging
