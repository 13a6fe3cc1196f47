// Merge, then split, and everything is as before.
#include <algorithm>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "services/identity/codec/identity_program.h"
#include "tests/sim_identity/scenario.h"

namespace regulars::sim_identity {
namespace {

shard::Reply AskUntilAnswered(World* world, const Asked& command) {
  for (;;) {
    shard::Reply reply = world->Ask(command);
    if (reply.code != absl::StatusCode::kUnavailable) return reply;
  }
}

std::vector<std::string> Roots(const World& world) {
  std::vector<std::string> roots;
  for (const std::string& member : AllMembers(world)) {
    if (RootOf(world, member)->parent().empty()) roots.push_back(member);
  }
  return roots;
}

// Identifiers of a root; `left` if one of them names somebody else by now.
std::vector<std::string> Hmacs(const identity::MapState& state, bool* left) {
  std::vector<std::string> hmacs;
  std::string from = "frag/";
  while (const auto found = state.Next("frag/", from)) {
    v1::MemberFragment fragment;
    fragment.ParseFromString(found->second);
    hmacs.push_back(fragment.identifier().hmac());
    *left = *left || fragment.detached();
    from = found->first + '\x01';
  }
  return hmacs;
}

Asked MergeOf(const World& world, const std::string& a, const std::string& b, std::string id) {
  v1::MergeMembersCommand merge;
  merge.set_other_member(b);
  merge.mutable_other()->ParseFromString(world.Query(identity::kSummarizeMember, b).payload);
  merge.set_operation_id(id);
  merge.set_override_do_not_link(true);
  return {a, std::string(identity::kMergeMembers), merge.SerializeAsString(), std::move(id)};
}

// The loser leaves again: by its merge, or by its identifiers.
Asked SplitOf(const std::string& survivor, const v1::MemberState& loser,
              const std::vector<std::string>& hmacs, bool undo, std::string id) {
  if (undo) {
    v1::UndoMergeCommand command;
    command.set_merge_id(loser.merge_id());
    command.set_operation_id(id);
    return {survivor, std::string(identity::kUndoMerge), command.SerializeAsString(),
            std::move(id)};
  }
  v1::SplitMemberCommand command;
  for (const std::string& hmac : hmacs) command.add_identifier_hmacs(hmac);
  command.set_operation_id(id);
  return {survivor, std::string(identity::kSplitMember), command.SerializeAsString(),
          std::move(id)};
}

}  // namespace

int64_t MergeThenSplit(World* world, Ledger* ledger, uint64_t seed, int64_t count,
                       int64_t* splits) {
  sim::Rng rng(seed ^ 0xca5e5);
  int64_t done = 0;
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<std::string> roots = Roots(*world);
    if (roots.size() < 2) return done;
    const auto any = [&] {
      return roots[static_cast<size_t>(rng.Below(static_cast<int64_t>(roots.size())))];
    };
    const std::string a = any(), b = any();
    if (a == b) continue;
    const std::string before = VisibleState(*world);
    const identity::MapState states[] = {*world->StateOf(a), *world->StateOf(b)};
    world->AdvanceTo(world->now_us() + 1);
    const shard::Reply merged = AskUntilAnswered(world, MergeOf(*world, a, b, Cat("case", i)));
    if (merged.reason == "LIMIT_BROKEN") continue;
    if (merged.code != absl::StatusCode::kOk) {
      world->Violation(Cat("a merge was refused: ", merged.reason));
      return done;
    }
    world->Drain();
    const bool a_lost = !RootOf(*world, a)->parent().empty();
    const std::string& loser = a_lost ? a : b;
    const std::string& survivor = a_lost ? b : a;
    if (RootOf(*world, loser)->parent() != survivor) {
      world->Violation("a merge was not carried out");
      return done;
    }
    // An identifier that left one of the two may be the other's now: identifiers do not tell then.
    bool left = false;
    const std::vector<std::string> hmacs = Hmacs(states[a_lost ? 0 : 1], &left);
    Hmacs(states[a_lost ? 1 : 0], &left);
    const bool undo = left || rng.PerMille(500);
    const shard::Reply split = AskUntilAnswered(
        world, SplitOf(survivor, *RootOf(*world, loser), hmacs, undo, Cat("back", i)));
    if (split.code != absl::StatusCode::kOk) {
      world->Violation(Cat("a split was refused: ", split.reason, " ", split.message));
      return done;
    }
    ++*splits;
    world->Drain();
    while (rng.PerMille(900)) ledger->StepOnce();
    if (Xxh3(VisibleState(*world)) != Xxh3(before)) {
      world->Violation("merge, then split: another state");
      return done;
    }
    ++done;
  }
  return done;
}

}  // namespace regulars::sim_identity
