// gRPC front of segmentation: authenticates, checks the form of names, and hands GetMembership to
// the gateway (libs/service), which answers it from the view or takes it to the owner of the
// member's shard. ListSegments adds up the control sums of all shards, also those of other
// instances. The rules are the kernel's; errors per method are in segmentation_service.proto.
// Thread-safety: stateless; gRPC calls it from many threads. Lifecycle: edge, gateway and program
// outlive it.
#ifndef REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTATION_SERVICE_H_
#define REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTATION_SERVICE_H_

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/segmentation/v1/segmentation_service.grpc.pb.h"
#include "services/segmentation/shell/segments.h"

namespace regulars::segmentation {

class SegmentationService final : public v1::SegmentationService::CallbackService {
 public:
  SegmentationService(rpc::Edge* edge, service::Gateway* gateway, RulesOfPool rules)
      : edge_(edge), gateway_(gateway), rules_(std::move(rules)) {}

  grpc::ServerUnaryReactor* GetMembership(grpc::CallbackServerContext* context,
                                          const v1::GetMembershipRequest* request,
                                          v1::Membership* response) override;
  grpc::ServerUnaryReactor* ListSegments(grpc::CallbackServerContext* context,
                                         const v1::ListSegmentsRequest* request,
                                         v1::ListSegmentsResponse* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  const RulesOfPool rules_;
};

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_SHELL_SEGMENTATION_SERVICE_H_
