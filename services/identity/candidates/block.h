// A block: the entity of one blocking key. It knows which members have the key, and tells each that
// joins who the others are; it holds no value and opens nothing. Once more than kBlockMembersMax
// have the key it says nothing about anybody: the block forgets all of them and stays so, counted
// in the sum blocks_full. Thread-safety: pure functions over a Turn.
#ifndef REGULARS_SERVICES_IDENTITY_CANDIDATES_BLOCK_H_
#define REGULARS_SERVICES_IDENTITY_CANDIDATES_BLOCK_H_

#include <string>

#include "libs/shard/kernel.h"
#include "regulars/identity/v1/candidate_links.pb.h"
#include "services/identity/candidates/turn.h"

namespace regulars::identity::candidates {

Outcome OnJoined(Turn* turn, const v1::BlockJoined& joined);
// Also while matching is off: who is erased leaves.
Outcome OnLeft(Turn* turn, const v1::BlockLeft& left);

// Empty when what the entity keeps as a block is sound, else what is wrong.
[[nodiscard]] std::string CheckBlock(const shard::EntityState& state);

}  // namespace regulars::identity::candidates

#endif  // REGULARS_SERVICES_IDENTITY_CANDIDATES_BLOCK_H_
