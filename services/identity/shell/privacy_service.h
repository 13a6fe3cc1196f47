// gRPC of the vault: authenticates, checks rights, names and request ids, and hands every call to
// the owner of the member's shard (Gateway). Who asks travels with the command, because it is part
// of the record. A read of a person who is several members is answered by the instance that owns
// the name, which asks the owners of all of them (person.h). The rules are the kernel's
// (services/identity/vault); errors per method are in privacy_service.proto. Thread-safety:
// stateless; gRPC calls it from many threads. Lifecycle: edge and gateway outlive it.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_SERVICE_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_SERVICE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/privacy_service.grpc.pb.h"
#include "services/identity/shell/clear_identifier.h"

namespace regulars::identity {

// Empty, or a UUID as AIP-155 wants it (8-4-4-4-12 hex digits). INVALID_ARGUMENT
// REQUEST_ID_INVALID.
[[nodiscard]] absl::Status CheckRequestId(std::string_view request_id);

class PrivacyService final : public v1::PrivacyService::CallbackService {
 public:
  PrivacyService(rpc::Edge* edge, service::Gateway* gateway, PepperOf peppers)
      : edge_(edge), gateway_(gateway), peppers_(std::move(peppers)) {}

  grpc::ServerUnaryReactor* ResolveContact(grpc::CallbackServerContext* context,
                                           const v1::ResolveContactRequest* request,
                                           v1::ResolveContactResponse* response) override;
  grpc::ServerUnaryReactor* RecordConsent(grpc::CallbackServerContext* context,
                                          const v1::RecordConsentRequest* request,
                                          v1::Consent* response) override;
  grpc::ServerUnaryReactor* GetConsent(grpc::CallbackServerContext* context,
                                       const v1::GetConsentRequest* request,
                                       v1::Consent* response) override;
  grpc::ServerUnaryReactor* ListConsents(grpc::CallbackServerContext* context,
                                         const v1::ListConsentsRequest* request,
                                         v1::ListConsentsResponse* response) override;
  grpc::ServerUnaryReactor* EraseMember(grpc::CallbackServerContext* context,
                                        const v1::EraseMemberRequest* request,
                                        v1::EraseMemberResponse* response) override;
  grpc::ServerUnaryReactor* ExportMember(grpc::CallbackServerContext* context,
                                         const v1::ExportMemberRequest* request,
                                         v1::ExportMemberResponse* response) override;

 private:
  rpc::Edge* const edge_;
  service::Gateway* const gateway_;
  const PepperOf peppers_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_PRIVACY_SERVICE_H_
