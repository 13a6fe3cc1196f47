// gRPC of candidates: authenticates, checks right, names and request ids, and hands every call to
// the owner of the member's shard (Gateway). Who decides travels with the command, because it is
// part of the record. The rules are the kernel's (services/identity/candidates); errors per method
// are in candidate_service.proto. Thread-safety: stateless; gRPC calls it from many threads.
// Lifecycle: edge and gateway outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_CANDIDATE_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_CANDIDATE_SERVICE_H_

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/candidate_service.grpc.pb.h"

namespace regulars::identity {

class CandidateService final : public v1::CandidateService::CallbackService {
 public:
  CandidateService(rpc::Edge* edge, service::Gateway* gateway) : edge_(edge), gateway_(gateway) {}

  grpc::ServerUnaryReactor* ListCandidates(grpc::CallbackServerContext* context,
                                           const v1::ListCandidatesRequest* request,
                                           v1::ListCandidatesResponse* response) override;
  grpc::ServerUnaryReactor* ConfirmCandidate(grpc::CallbackServerContext* context,
                                             const v1::ConfirmCandidateRequest* request,
                                             v1::Candidate* response) override;
  grpc::ServerUnaryReactor* RejectCandidate(grpc::CallbackServerContext* context,
                                            const v1::RejectCandidateRequest* request,
                                            v1::Candidate* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_CANDIDATE_SERVICE_H_
