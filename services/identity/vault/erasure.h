// Erasure: what is left of a member is a tombstone, so that nothing late brings it back.
//
// At the member: every state key goes (data key, contact, consents, identifiers), `erased` stays.
// At each of its identifiers: the anchor goes, `erased_anchor` stays, and a touch that happened
// before the erasure leads nowhere any more; one that happened after it begins another member.
// Facts that must count once for ever (orders, refunds, codes) stay at the identifier. Ledgers keep
// the member id: random-looking, and nothing leads to it. Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_VAULT_ERASURE_H_
#define REGULARS_SERVICES_IDENTITY_VAULT_ERASURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/identity/v1/privacy_events.pb.h"
#include "regulars/identity/v1/privacy_state.pb.h"

namespace regulars::identity::vault {

inline constexpr std::string_view kErasedSub = "erased";
inline constexpr std::string_view kErasedAnchorSub = "erased_anchor";
// Who leads to an erased member and was not told yet; `erase` is the timer that goes on.
inline constexpr std::string_view kErasingSub = "erasing";
inline constexpr std::string_view kEraseTimer = "erase";
inline constexpr size_t kToldAtOnceMax = 200;  // of shard::kPublishesPerInputMax

struct EraseFacts {
  std::string member;
  std::string actor;
  std::string reason;
  Micros now_us = 0;
  // Entities that lead to it: identifier keys, ids of members that became part of it.
  std::vector<std::string> leads;
  int64_t identifier_count = 0;
};

// In order of precedence.
enum class EraseOutcome : uint8_t {
  kAlreadyErased,  // answered as the first time
  kMemberUnknown,  // there is nothing of such a member
  kErased,
};
[[nodiscard]] std::string_view OutcomeLabel(EraseOutcome outcome);

struct EraseDecision {
  EraseOutcome outcome = EraseOutcome::kMemberUnknown;
  v1::Erasure erasure;  // unset for kMemberUnknown
};
// Publishes MemberErased, and IdentifierErased to every entity that leads to the member: to the
// first kToldAtOnceMax at once, to the others by a timer.
EraseDecision EraseMember(const shard::EntityState& state, const EraseFacts& facts,
                          shard::Effects* effects);

// The timer: tells the next ones.
void GoOnErasing(const shard::EntityState& state, std::string_view member, Micros now_us,
                 shard::Effects* effects);

// nullopt if the member was not erased.
[[nodiscard]] std::optional<v1::Erasure> ReadErasure(const shard::EntityState& state);

// Tells an identifier that its member is gone.
void PublishIdentifierErased(std::string_view member, const std::string& identifier_key,
                             Micros erased_us, shard::Effects* effects);

// At the identifier. `anchor_member` is the member it is anchored at, "" = none; `anchor_sub` the
// state key of the anchor.
enum class UnanchorOutcome : uint8_t {
  kElsewhere,   // it is anchored at another member, or at none: nothing changes
  kUnanchored,  // the anchor is gone
};
[[nodiscard]] std::string_view OutcomeLabel(UnanchorOutcome outcome);
UnanchorOutcome Unanchor(const v1::IdentifierErased& erased, std::string_view anchor_member,
                         std::string_view anchor_sub, shard::Effects* effects);

// Whether a touch of that instant belongs to a member that was erased since.
[[nodiscard]] bool HappenedBeforeErasure(const shard::EntityState& identifier, Micros occurred_us);

// What becomes of such a touch, if it is no repeat: a dead letter of class MEMBER_ERASED, counted
// in touches_dead_lettered as every other.
[[nodiscard]] shard::Effects SetAsideErased();

// Whether it led to a member that was erased and leads nowhere since.
[[nodiscard]] bool IsUnanchored(const shard::EntityState& identifier);

// Empty when nothing is left of an erased member, else what is.
[[nodiscard]] std::string CheckErased(const shard::EntityState& state);

}  // namespace regulars::identity::vault

#endif  // REGULARS_SERVICES_IDENTITY_VAULT_ERASURE_H_
