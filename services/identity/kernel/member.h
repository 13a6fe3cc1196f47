// What a member consists of. The entity is the member id; it learns of its identifiers by records
// that identity sends to itself when it anchors one, so a touch of a known identifier costs nothing
// here. Thread-safety: pure functions and plain values.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/identity_events.pb.h"
#include "regulars/identity/v1/identity_state.pb.h"

namespace regulars::identity {

inline constexpr std::string_view kMemberSub = "member";
// Identifiers that a member lists; more are counted only.
inline constexpr size_t kIdentifiersListedMax = 100;

enum class AnchorOutcome : uint8_t {
  kAlreadyKnown,  // the identifier is listed: nothing changes
  kCountedOnly,   // the list is full
  kListed,        // the identifier was added, and the member with it if it was the first
};
std::string_view OutcomeLabel(AnchorOutcome outcome);

AnchorOutcome AddIdentifier(const shard::EntityState& state, const v1::IdentifierAnchored& anchored,
                            shard::Effects* effects);

// nullopt if nothing was anchored at this member id yet.
std::optional<v1::MemberState> ReadMember(const shard::EntityState& state);

// Empty when the member's state is sound, else what is wrong.
std::string CheckMember(const shard::EntityState& state);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_MEMBER_H_
