// One input about candidates while it is applied, and what became of it.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_TURN_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_TURN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "regulars/identity/v1/candidate_links.pb.h"
#include "regulars/identity/v1/candidate_state.pb.h"
#include "services/identity/kernel/step.h"
#include "services/identity/match/blocking.h"
#include "services/identity/match/matcher.h"
#include "services/identity/vault/erasure.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity::candidates {

inline constexpr std::string_view kSelfSub = "match/self";
inline constexpr std::string_view kCandidatePrefix = "candidate/";
inline constexpr std::string_view kBlockSub = "block";
inline constexpr std::string_view kBlockEntityPrefix = "b_";

// Of a block; one more, and the key says nothing.
inline constexpr int kBlockMembersMax = 50;
// Of a member, decided ones too; one more is not kept, and counted.
inline constexpr uint32_t kCandidatesMax = 32;

// An erased member tells everybody at once.
static_assert(vault::kToldAtOnceMax + 1 + match::kBlockingKeysMax + kCandidatesMax <=
              shard::kPublishesPerInputMax);
// A block that answers leads to so many comparisons.
static_assert(static_cast<size_t>(kBlockMembersMax) <= shard::kPublishesPerInputMax);

// In order of precedence. The label of the metric; no value is a refusal (decisions.h has those).
enum class Outcome : uint8_t {
  kMatchingOff,  // the pool has no matcher: nobody joins, nobody is compared
  kTakesNoPart,  // the member is unknown, erased, or part of another one
  kOutdated,     // about contact data that changed meanwhile
  kUnchanged,    // nothing that is compared has changed
  kBlockFull,    // more members than kBlockMembersMax have this key
  kJoined,       // the block knows the member
  kLeft,         // the block knows the member no more
  kChanged,      // the member told its blocks and candidates
  kAsked,        // the neighbours were asked to compare themselves
  kUnreadable,   // the key of the comparison is gone, or what it sealed is broken
  kKeptApart,    // the two stay apart: nothing is proposed
  kNoRoom,       // more candidates than kCandidatesMax
  kNothing,      // not enough speaks for it
  kProposed,     // a candidate, or another verdict about one
  kWithdrawn,    // what was a candidate is none any more
  kForgotten,    // the other one is gone
  kDecided,      // the other side was told what somebody decided
};
[[nodiscard]] std::string_view OutcomeLabel(Outcome outcome);

struct Turn {
  Step* step;
  vault::PoolKeys keys;
  const match::Matcher* matcher = nullptr;  // nullptr: matching is off

  [[nodiscard]] bool on() const { return matcher != nullptr && keys.on(); }
  [[nodiscard]] const std::string& entity() const { return step->entity(); }
};

// Into the links, to a block or a member.
void Send(Turn* turn, std::string_view to, v1::CandidateMessage message);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_TURN_H_
