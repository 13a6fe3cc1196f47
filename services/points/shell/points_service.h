// gRPC front of the ledger: authenticates, checks the form of names and request ids, and hands
// every call to the gateway (libs/service), which answers GetBalance from the view and takes the
// rest to the owner of the member's shard: entries are not in the view. The rules are the kernel's;
// errors per method are in points_service.proto. Thread-safety: stateless; gRPC calls it from many
// threads. Lifecycle: edge, gateway and metrics outlive it.
#ifndef REGULARS_SERVICES_POINTS_SHELL_POINTS_SERVICE_H_
#define REGULARS_SERVICES_POINTS_SHELL_POINTS_SERVICE_H_

#include <memory>

#include "libs/metrics/metrics.h"
#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/points/v1/points_service.grpc.pb.h"

namespace regulars::points {

class PointsService final : public v1::PointsService::CallbackService {
 public:
  // Also shows regulars_points_ledger_imbalance: over the owned shards, at every scrape; must be 0.
  PointsService(rpc::Edge* edge, service::Gateway* gateway, metrics::Registry* metrics);

  grpc::ServerUnaryReactor* GetBalance(grpc::CallbackServerContext* context,
                                       const v1::GetBalanceRequest* request,
                                       v1::Balance* response) override;
  grpc::ServerUnaryReactor* ListEntries(grpc::CallbackServerContext* context,
                                        const v1::ListEntriesRequest* request,
                                        v1::ListEntriesResponse* response) override;
  grpc::ServerUnaryReactor* RedeemPoints(grpc::CallbackServerContext* context,
                                         const v1::RedeemPointsRequest* request,
                                         v1::RedeemPointsResponse* response) override;
  grpc::ServerUnaryReactor* ReversePoints(grpc::CallbackServerContext* context,
                                          const v1::ReversePointsRequest* request,
                                          v1::ReversePointsResponse* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  metrics::Gauge imbalance_;
  std::shared_ptr<void> on_scrape_;  // ends with this object
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_SHELL_POINTS_SERVICE_H_
