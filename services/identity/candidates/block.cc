#include "services/identity/candidates/block.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "libs/base/assert.h"

namespace regulars::identity::candidates {

Outcome OnJoined(Turn* turn, const v1::BlockJoined& joined) {
  if (!turn->on()) return Outcome::kMatchingOff;
  auto block = turn->step->state.Read<v1::BlockState>(kBlockSub).value_or(v1::BlockState());
  if (block.full()) return Outcome::kBlockFull;
  const auto& known = block.members();
  if (std::find(known.begin(), known.end(), joined.member()) == known.end()) {
    if (block.members_size() == kBlockMembersMax) {
      block.clear_members();
      block.set_full(true);
      turn->step->state.Write(kBlockSub, block);
      turn->step->Sum("blocks_full");
      return Outcome::kBlockFull;
    }
    block.add_members(joined.member());
    turn->step->state.Write(kBlockSub, block);
  }
  v1::CandidateMessage message;
  v1::BlockNeighbours* neighbours = message.mutable_neighbours();
  neighbours->set_revision(joined.revision());
  for (const std::string& member : block.members()) {
    if (member != joined.member()) neighbours->add_members(member);
  }
  if (neighbours->members_size() > 0) Send(turn, joined.member(), std::move(message));
  return Outcome::kJoined;
}

Outcome OnLeft(Turn* turn, const v1::BlockLeft& left) {
  auto block = turn->step->state.Read<v1::BlockState>(kBlockSub);
  if (!block.has_value() || block->full()) return Outcome::kLeft;
  auto* members = block->mutable_members();
  members->erase(std::remove(members->begin(), members->end(), left.member()), members->end());
  if (members->empty()) {
    turn->step->state.Delete(kBlockSub);
  } else {
    turn->step->state.Write(kBlockSub, *block);
  }
  return Outcome::kLeft;
}

std::string CheckBlock(const shard::EntityState& state) {
  const std::optional<std::string> bytes = state.Get(kBlockSub);
  if (!bytes.has_value()) return "";
  v1::BlockState block;
  REGULARS_ASSERT(block.ParseFromString(*bytes), "a block does not parse");
  if (block.full() != (block.members_size() == 0)) return "a block without members is not full";
  if (block.members_size() > kBlockMembersMax) return "a block of more members than allowed";
  const std::set<std::string_view> distinct(block.members().begin(), block.members().end());
  if (distinct.size() != static_cast<size_t>(block.members_size())) {
    return "a block knows a member twice";
  }
  return "";
}

}  // namespace regulars::identity::candidates
