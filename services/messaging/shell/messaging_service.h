// gRPC front of messaging: authenticates, checks the form of names and request ids, and hands every
// call to the owner of the member's shard (libs/service Gateway). The rules are the kernel's;
// errors per method are in messaging_service.proto. Thread-safety: stateless; gRPC calls it from
// many threads. Lifecycle: edge and gateway outlive it.
#ifndef REGULARS_SERVICES_MESSAGING_SHELL_MESSAGING_SERVICE_H_
#define REGULARS_SERVICES_MESSAGING_SHELL_MESSAGING_SERVICE_H_

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/messaging/v1/messaging_service.grpc.pb.h"

namespace regulars::messaging {

// Empty, or a UUID as AIP-155 wants it (8-4-4-4-12 hex digits).
[[nodiscard]] bool IsRequestId(std::string_view text);

class MessagingService final : public v1::MessagingService::CallbackService {
 public:
  MessagingService(rpc::Edge* edge, service::Gateway* gateway) : edge_(edge), gateway_(gateway) {}

  grpc::ServerUnaryReactor* GetSend(grpc::CallbackServerContext* context,
                                    const v1::GetSendRequest* request, v1::Send* response) override;
  grpc::ServerUnaryReactor* ListSends(grpc::CallbackServerContext* context,
                                      const v1::ListSendsRequest* request,
                                      v1::ListSendsResponse* response) override;
  grpc::ServerUnaryReactor* ReportDelivery(grpc::CallbackServerContext* context,
                                           const v1::ReportDeliveryRequest* request,
                                           v1::Send* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SHELL_MESSAGING_SERVICE_H_
