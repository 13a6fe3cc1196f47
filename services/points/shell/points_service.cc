#include "services/points/shell/points_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/points/shell/requests.h"

namespace regulars::points {
namespace {

constexpr char kGetBalance[] = "/regulars.points.v1.PointsService/GetBalance";
constexpr char kListEntries[] = "/regulars.points.v1.PointsService/ListEntries";
constexpr char kRedeemPoints[] = "/regulars.points.v1.PointsService/RedeemPoints";
constexpr char kRootSub[] = "";  // the member's root answers GetBalance
constexpr char kReversePoints[] = "/regulars.points.v1.PointsService/ReversePoints";

template <typename Request, typename Response>
void Ask(service::Gateway* gateway, std::string type, const absl::StatusOr<std::string>& member,
         std::vector<std::string> view_subs, rpc::UnaryCall<Request, Response> call) {
  if (!member.ok()) return call.Finish(member.status());
  service::Work work{.kind = shard::InputKind::kQuery,
                     .entity = *member,
                     .type = std::move(type),
                     .payload = call.request().SerializeAsString(),
                     .request_id = "",
                     .request_hash = "",
                     .view_subs = std::move(view_subs),
                     .position_token = call.request().position_token()};
  gateway->Submit(std::move(call), std::move(work));
}

template <typename Request, typename Response>
void Write(service::Gateway* gateway, std::string type, const absl::StatusOr<std::string>& member,
           rpc::UnaryCall<Request, Response> call) {
  if (!member.ok()) return call.Finish(member.status());
  const Request& request = call.request();
  if (const absl::Status status = CheckRequestId(request.request_id()); !status.ok()) {
    return call.Finish(status);
  }
  service::Work work{.kind = shard::InputKind::kCommand,
                     .entity = *member,
                     .type = std::move(type),
                     .payload = request.SerializeAsString(),
                     .request_id = request.request_id(),
                     .request_hash = service::HashRequest(request)};
  gateway->Submit(call, std::move(work),
                  [call](const std::string& token) { call.response().set_position_token(token); });
}

}  // namespace

PointsService::PointsService(rpc::Edge* edge, service::Gateway* gateway, metrics::Registry* metrics)
    : edge_(edge),
      gateway_(gateway),
      imbalance_(metrics->MakeGauge("regulars_points_ledger_imbalance",
                                    "points by which the books do not balance", {})),
      on_scrape_(metrics->OnScrape([this] {
        int64_t imbalance = 0;
        for (const shard::ShardStatus& shard : gateway_->Shards()) {
          imbalance += LedgerImbalance(shard.sums);
        }
        imbalance_.Set(static_cast<double>(imbalance));
      })) {}

grpc::ServerUnaryReactor* PointsService::GetBalance(grpc::CallbackServerContext* context,
                                                    const v1::GetBalanceRequest* request,
                                                    v1::Balance* response) {
  return rpc::Handle(edge_, kGetBalance, context, request, request->name(), response,
                     [this](rpc::UnaryCall<v1::GetBalanceRequest, v1::Balance> call) {
                       Ask(gateway_, "GetBalance", MemberOfBalance(call.request().name()),
                           {kRootSub}, call);
                     });
}

grpc::ServerUnaryReactor* PointsService::ListEntries(grpc::CallbackServerContext* context,
                                                     const v1::ListEntriesRequest* request,
                                                     v1::ListEntriesResponse* response) {
  return rpc::Handle(edge_, kListEntries, context, request, request->parent(), response,
                     [this](rpc::UnaryCall<v1::ListEntriesRequest, v1::ListEntriesResponse> call) {
                       Ask(gateway_, "ListEntries", MemberOfBalance(call.request().parent()), {},
                           call);
                     });
}

grpc::ServerUnaryReactor* PointsService::RedeemPoints(grpc::CallbackServerContext* context,
                                                      const v1::RedeemPointsRequest* request,
                                                      v1::RedeemPointsResponse* response) {
  return rpc::Handle(
      edge_, kRedeemPoints, context, request, request->name(), response,
      [this](rpc::UnaryCall<v1::RedeemPointsRequest, v1::RedeemPointsResponse> call) {
        Write(gateway_, "RedeemPoints", MemberOfBalance(call.request().name()), call);
      });
}

grpc::ServerUnaryReactor* PointsService::ReversePoints(grpc::CallbackServerContext* context,
                                                       const v1::ReversePointsRequest* request,
                                                       v1::ReversePointsResponse* response) {
  return rpc::Handle(
      edge_, kReversePoints, context, request, request->name(), response,
      [this](rpc::UnaryCall<v1::ReversePointsRequest, v1::ReversePointsResponse> call) {
        Write(gateway_, "ReversePoints", MemberOfRedemption(call.request().name()), call);
      });
}

}  // namespace regulars::points
