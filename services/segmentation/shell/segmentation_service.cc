#include "services/segmentation/shell/segmentation_service.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/model/names.h"
#include "services/segmentation/codec/program.h"

namespace regulars::segmentation {
namespace {

constexpr char kGetMembershipMethod[] =
    "/regulars.segmentation.v1.SegmentationService/GetMembership";
constexpr char kListSegmentsMethod[] = "/regulars.segmentation.v1.SegmentationService/ListSegments";

}  // namespace

grpc::ServerUnaryReactor* SegmentationService::GetMembership(
    grpc::CallbackServerContext* context, const v1::GetMembershipRequest* request,
    v1::Membership* response) {
  return rpc::Handle(edge_, kGetMembershipMethod, context, request, request->name(), response,
                     [this](rpc::UnaryCall<v1::GetMembershipRequest, v1::Membership> call) {
                       auto ids = model::ParseName(call.request().name(),
                                                   "pools/{pool}/members/{member}/membership");
                       if (!ids.ok()) return call.Finish(ids.status());
                       service::Work work;
                       work.kind = shard::InputKind::kQuery;
                       work.entity = std::move((*ids)[1]);
                       work.type = std::string(kGetMembership);
                       work.payload = call.request().SerializeAsString();
                       work.view_subs = {""};  // the member's root
                       gateway_->Submit(call, std::move(work));
                     });
}

grpc::ServerUnaryReactor* SegmentationService::ListSegments(grpc::CallbackServerContext* context,
                                                            const v1::ListSegmentsRequest* request,
                                                            v1::ListSegmentsResponse* response) {
  return rpc::Handle(
      edge_, kListSegmentsMethod, context, request, request->parent(), response,
      [this](rpc::UnaryCall<v1::ListSegmentsRequest, v1::ListSegmentsResponse> call) {
        auto ids = model::ParseName(call.request().parent(), "pools/{pool}");
        if (!ids.ok()) return call.Finish(ids.status());
        gateway_->GatherSums(
            call.caller(), call.deadline_us(),
            [this, call](const absl::StatusOr<std::map<std::string, int64_t>>& sums) {
              if (!sums.ok()) return call.Finish(sums.status());
              const std::string& pool = call.caller().pool;
              auto page = segmentation::ListSegments(call.request(), pool, rules_(pool), *sums);
              if (page.ok()) call.response() = *std::move(page);
              call.Finish(page.status());
            });
      });
}

}  // namespace regulars::segmentation
