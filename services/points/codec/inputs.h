// The parsed form of an input (shard::Input::body) and how it is made. Internal to the codec.
#ifndef REGULARS_SERVICES_POINTS_CODEC_INPUTS_H_
#define REGULARS_SERVICES_POINTS_CODEC_INPUTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "libs/handoff/inbound.h"
#include "libs/shard/kernel.h"
#include "services/points/kernel/ledger.h"
#include "services/points/kernel/program_config.h"

namespace regulars::points {

inline constexpr int64_t kAmountMinorMax = 10'000'000'000'000;  // touch.proto: 10^13
inline constexpr std::string_view kMemberResolvedType = "io.regulars.identity.v1.MemberResolved";

// The first touch of a member, of a kind that moves no points.
struct MemberSeen {
  std::string fragment_id;
};
struct BalanceQuery {};
struct EntriesQuery {
  int page_size = 0;          // 1..1000
  int64_t from_sequence = 0;  // newest entry of the page; 0 = the newest there is
};

// A merge, a split or a message between members. `record`: the body (Body) of the record that a
// message carries, if it carries one that moves points; `named`: the member that it names.
struct Handoff {
  handoff::Inbound inbound;
  std::shared_ptr<const void> record;
  std::string named{};
};

using Body = std::variant<MemberSeen, PaidOrder, RefundedOrder, Redemption, Reversal, BalanceQuery,
                          EntriesQuery, Handoff>;

inline constexpr std::string_view kBalancePattern =
    "pools/{pool}/members/{member}/balances/{program}";
inline constexpr std::string_view kRedemptionPattern =
    "pools/{pool}/members/{member}/balances/{program}/redemptions/{redemption}";

// Fills body and entity, or sets *skip. The body is a Body. A command or query that the gateway
// brings from an alias has the survivor as its entity and the alias in its name.
[[nodiscard]] absl::Status DecodeRecord(shard::Input* input, bool* skip);
[[nodiscard]] absl::Status DecodeCommand(const ProgramConfig* program, shard::Input* input);
[[nodiscard]] absl::Status DecodeQuery(const ProgramConfig* program, shard::Input* input);

[[nodiscard]] const Body& BodyOf(const shard::Input& input);

// Opaque to callers (AIP-158): the sequence of the next entry, bound to its ledger by a hash.
[[nodiscard]] std::string PageToken(std::string_view balance_name, int64_t from_sequence);
// nullopt when it is none of this ledger's.
[[nodiscard]] std::optional<int64_t> ParsePageToken(std::string_view balance_name,
                                                    std::string_view token);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_CODEC_INPUTS_H_
