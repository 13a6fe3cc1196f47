// ExplainLink: asks the owners of two identifiers, then those of their members, and says how the
// two stand to each other. What each owner knows is read at its own moment; nothing is changed.
// Thread-safety: as Gateway; the verdict is a pure function.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_EXPLAIN_LINK_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_EXPLAIN_LINK_H_

#include <string>

#include "libs/rpc/call.h"
#include "libs/service/gateway.h"
#include "regulars/identity/v1/link_service.pb.h"

namespace regulars::identity {

using ExplainCall = rpc::UnaryCall<v1::ExplainLinkRequest, v1::ExplainLinkResponse>;

inline constexpr int kAliasesFollowedMax = 8;

// What is known of one of the two.
struct LinkSide {
  std::string hmac;
  v1::AnchorDescription told;  // by the identifier
  std::string member;          // who is one person now; "" until it is known
  v1::PairDescription pair;    // by the member, and what aliases on the way there had stopped
};

// The first of LinkVerdict that holds. Member names are those of `pool`.
[[nodiscard]] v1::ExplainLinkResponse Judge(const std::string& pool, const LinkSide& first,
                                            const LinkSide& second);

// Answers the call, later. Errors: NOT_FOUND IDENTIFIER_UNKNOWN, and those of the owners.
void ExplainLink(service::Gateway* gateway, const ExplainCall& call, std::string first_hmac,
                 std::string second_hmac);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_EXPLAIN_LINK_H_
