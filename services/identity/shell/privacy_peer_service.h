// gRPC between instances of identity: what one member of a person keeps (person.h). Takes signed
// questions only. Thread-safety: gRPC's callback threads. Lifecycle: outlives the server; `edge`
// and `gateway` outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_PEER_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_PEER_SERVICE_H_

#include <string>
#include <utility>

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/privacy_service.grpc.pb.h"
#include "services/identity/shell/clear_identifier.h"

namespace regulars::identity {

// For Gateway::AskFirst.
inline constexpr char kDescribePartMethod[] =
    "/regulars.identity.v1.PrivacyPeerService/DescribePart";
inline constexpr char kTellPartMethod[] = "/regulars.identity.v1.PrivacyPeerService/TellPart";

// What the owner of `member` is given to answer.
[[nodiscard]] service::Work DescribeWork(const std::string& member,
                                         const v1::DescribePartRequest& question);
[[nodiscard]] service::Work TellWork(const std::string& member, const v1::TellPartRequest& question,
                                     const rpc::Caller& caller);

class PrivacyPeerService final : public v1::PrivacyPeerService::CallbackService {
 public:
  PrivacyPeerService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers)
      : edge_(edge), gateway_(gateway), peppers_(std::move(peppers)) {}

  grpc::ServerUnaryReactor* DescribePart(grpc::CallbackServerContext* context,
                                         const v1::DescribePartRequest* request,
                                         v1::PartDescription* response) override;
  grpc::ServerUnaryReactor* TellPart(grpc::CallbackServerContext* context,
                                     const v1::TellPartRequest* request,
                                     v1::PartTold* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  const PepperOf peppers_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_PEER_SERVICE_H_
