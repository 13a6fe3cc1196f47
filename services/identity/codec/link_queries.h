// Reads of the history of a member's links, at its owner: merges, evidence, what was stopped, and
// the two halves of ExplainLink. Payloads are the gRPC requests, answers the gRPC responses.
// Thread-safety: pure functions. Refusals: the reasons of link_service.proto.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_LINK_QUERIES_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_LINK_QUERIES_H_

#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/link_service.pb.h"
#include "services/identity/kernel/member_book.h"

namespace regulars::identity {

inline constexpr std::string_view kListMerges = "ListMerges";
inline constexpr std::string_view kListLinks = "ListLinks";
inline constexpr std::string_view kListSuppressedLinks = "ListSuppressedLinks";
inline constexpr std::string_view kDescribeAnchor = "DescribeAnchor";  // of an identifier
inline constexpr std::string_view kDescribePair = "DescribePair";

[[nodiscard]] bool IsLinkQuery(std::string_view type);
[[nodiscard]] shard::Reply AnswerLinkQuery(const shard::EntityState& state,
                                           const shard::Input& input);

// As they are shown; newest first.
[[nodiscard]] std::vector<v1::Merge> MergesOf(const MemberBook& book, std::string_view pool);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_LINK_QUERIES_H_
