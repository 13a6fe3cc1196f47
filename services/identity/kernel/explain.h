// Why a member is one: the way from one of its fragments to another. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_EXPLAIN_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_EXPLAIN_H_

#include <string>
#include <vector>

#include "regulars/identity/v1/identity_state.pb.h"

namespace regulars::identity {

// A shortest way from `from` to `to` along the edges, in its order; of equal ones always the same.
// Empty if there is none, or the two are one. Edges beyond those that a member may hold are left
// out when they come (member_book.h), so that a way exists only where it is needed.
[[nodiscard]] std::vector<v1::MemberEdge> WayBetween(const std::vector<v1::MemberEdge>& edges,
                                                     const std::string& from,
                                                     const std::string& to);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_EXPLAIN_H_
