// gRPC of what joins and parts members, and of why they are as they are. A call is answered by the
// owner of the member's shard; a merge asks the other member's owner for its summary first, on
// another instance by LinkPeerService. SplitMember and ExplainLink hide identifiers before they go
// anywhere, as LookupMember does. Thread-safety: gRPC's callback threads. Lifecycle: outlives the
// server; `edge` and `gateway` outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_LINK_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_LINK_SERVICE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/identity_links.pb.h"
#include "regulars/identity/v1/link_service.grpc.pb.h"
#include "services/identity/shell/clear_identifier.h"

namespace regulars::identity {

inline constexpr size_t kSplitIdentifiersMax = 100;

// The commands as they go to the owner, with the operation id under which they take effect once.
// The hash of the request is made of hidden identifiers: nothing personal is in it. Errors, in
// order of precedence:
//   INVALID_ARGUMENT   NAME_MALFORMED
//   PERMISSION_DENIED  POOL_MISMATCH        the other member is of another pool
//   INVALID_ARGUMENT   REQUEST_ID_INVALID
//   INVALID_ARGUMENT   IDENTIFIERS_MISSING, IDENTIFIERS_TOO_MANY, IDENTIFIER_INVALID
//   NOT_FOUND          POOL_UNKNOWN
struct MergeWork {
  service::Work work;  // its payload waits for what the other member's owner says
  v1::MergeMembersCommand command;
};
absl::StatusOr<MergeWork> WorkOf(const v1::MergeMembersRequest& request, const rpc::Caller& caller);
absl::StatusOr<service::Work> WorkOf(const v1::SplitMemberRequest& request,
                                     const rpc::Caller& caller, const PepperOf& peppers,
                                     const SpellingOf& spellings);
absl::StatusOr<service::Work> WorkOf(const v1::UndoMergeRequest& request,
                                     const rpc::Caller& caller);

class LinkService final : public v1::LinkService::CallbackService {
 public:
  LinkService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers, SpellingOf spellings);

  grpc::ServerUnaryReactor* MergeMembers(grpc::CallbackServerContext* context,
                                         const v1::MergeMembersRequest* request,
                                         v1::MergeMembersResponse* response) override;
  grpc::ServerUnaryReactor* SplitMember(grpc::CallbackServerContext* context,
                                        const v1::SplitMemberRequest* request,
                                        v1::MemberSplit* response) override;
  grpc::ServerUnaryReactor* UndoMerge(grpc::CallbackServerContext* context,
                                      const v1::UndoMergeRequest* request,
                                      v1::MemberSplit* response) override;
  grpc::ServerUnaryReactor* ListMerges(grpc::CallbackServerContext* context,
                                       const v1::ListMergesRequest* request,
                                       v1::ListMergesResponse* response) override;
  grpc::ServerUnaryReactor* ListLinks(grpc::CallbackServerContext* context,
                                      const v1::ListLinksRequest* request,
                                      v1::ListLinksResponse* response) override;
  grpc::ServerUnaryReactor* ListSuppressedLinks(grpc::CallbackServerContext* context,
                                                const v1::ListSuppressedLinksRequest* request,
                                                v1::ListSuppressedLinksResponse* response) override;
  grpc::ServerUnaryReactor* ExplainLink(grpc::CallbackServerContext* context,
                                        const v1::ExplainLinkRequest* request,
                                        v1::ExplainLinkResponse* response) override;

 private:
  using MergeCall = rpc::UnaryCall<v1::MergeMembersRequest, v1::MergeMembersResponse>;
  // Where the member is: asks the other one's owner, then submits.
  void Merge(const MergeCall& call, MergeWork merge);

  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  const PepperOf peppers_;
  const SpellingOf spellings_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_LINK_SERVICE_H_
