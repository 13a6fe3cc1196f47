// gRPC between instances of identity: what the owner of an entity knows that a call elsewhere
// needs. Thread-safety: gRPC's callback threads. Lifecycle: outlives the server; `edge` and
// `gateway` outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_LINK_PEER_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_LINK_PEER_SERVICE_H_

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/link_service.grpc.pb.h"

namespace regulars::identity {

// For Gateway::AskFirst.
inline constexpr char kSummarizeMethod[] = "/regulars.identity.v1.LinkPeerService/SummarizeMember";
inline constexpr char kAnchorMethod[] = "/regulars.identity.v1.LinkPeerService/DescribeAnchor";
inline constexpr char kPairMethod[] = "/regulars.identity.v1.LinkPeerService/DescribePair";

class LinkPeerService final : public v1::LinkPeerService::CallbackService {
 public:
  LinkPeerService(rpc::Edge* edge, service::Gateway* gateway) : edge_(edge), gateway_(gateway) {}

  grpc::ServerUnaryReactor* SummarizeMember(grpc::CallbackServerContext* context,
                                            const v1::SummarizeMemberRequest* request,
                                            v1::MemberSummary* response) override;
  grpc::ServerUnaryReactor* DescribeAnchor(grpc::CallbackServerContext* context,
                                           const v1::DescribeAnchorRequest* request,
                                           v1::AnchorDescription* response) override;
  grpc::ServerUnaryReactor* DescribePair(grpc::CallbackServerContext* context,
                                         const v1::DescribePairRequest* request,
                                         v1::PairDescription* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_LINK_PEER_SERVICE_H_
