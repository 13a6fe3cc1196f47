// gRPC of identity: two reads, both answered from the view by any instance, or by the owner of the
// shard they concern (Gateway).
// LookupMember hides the identifier before it goes anywhere: what travels on is its key.
// Thread-safety: gRPC's callback threads. Lifecycle: outlives the server; `edge` and `gateway`
// outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_IDENTITY_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_IDENTITY_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/identity_service.grpc.pb.h"
#include "services/identity/shell/clear_identifier.h"

namespace regulars::identity {

// The entity that a lookup asks: the identifier's key.
//   INVALID_ARGUMENT  NAME_MALFORMED, IDENTIFIER_INVALID
//   NOT_FOUND         POOL_UNKNOWN
absl::StatusOr<std::string> EntityOf(const v1::LookupMemberRequest& request,
                                     const PepperOf& peppers, const SpellingOf& spellings);
// The entity that a read of a member asks: its id. INVALID_ARGUMENT NAME_MALFORMED.
absl::StatusOr<std::string> EntityOf(const v1::GetMemberRequest& request);

class IdentityService final : public v1::IdentityService::CallbackService {
 public:
  IdentityService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers,
                  SpellingOf spellings);

  grpc::ServerUnaryReactor* LookupMember(grpc::CallbackServerContext* context,
                                         const v1::LookupMemberRequest* request,
                                         v1::LookupMemberResponse* response) override;
  grpc::ServerUnaryReactor* GetMember(grpc::CallbackServerContext* context,
                                      const v1::GetMemberRequest* request,
                                      v1::Member* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  const PepperOf peppers_;
  const SpellingOf spellings_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_IDENTITY_SERVICE_H_
