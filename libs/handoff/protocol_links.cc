// What identity decides: merges and splits.
#include <algorithm>
#include <utility>

#include "libs/base/text.h"
#include "libs/handoff/protocol.h"

namespace regulars::handoff {

bool Protocol::Left(const v1::Whereabouts& line, uint32_t epoch, const std::string& member,
                    uint32_t life, uint32_t ended) {
  auto at =
      keys_.Load<v1::KnownFragment>(kAtPrefix, line.fragment_id()).value_or(v1::KnownFragment());
  if (at.here() > line.epoch() + 1) return false;
  if (!at.member().empty() && at.epoch() > line.epoch()) return true;
  at.set_member(member);
  at.set_epoch(epoch);
  at.set_number(line.epoch());
  at.set_life(life);
  at.set_ended(ended);
  at.clear_via();
  keys_.Store(kAtPrefix, line.fragment_id(), at);
  return true;
}

void Protocol::Counted(const std::string& fragment, uint32_t number) {
  auto at = keys_.Load<v1::KnownFragment>(kAtPrefix, fragment).value_or(v1::KnownFragment());
  at.set_here(std::max(at.here(), number + 1));
  if (at.epoch() <= number) {
    const uint32_t here = at.here();
    at.Clear();
    at.set_here(here);
  }
  keys_.Store(kAtPrefix, fragment, at);
}

std::string_view Protocol::TakeMerge(const Merge& merge, Cargo* cargo) {
  if (merge.loser != entity_) return "merge_survivor";
  if (keys_.Has(kMovePrefix, merge.merge_id)) return "merge_again";
  keys_.Store(kMovePrefix, merge.merge_id, v1::AppliedMove());
  LearnNames(merge.names);
  // Of a life that ended before: what it lists left with it all the same.
  const bool late = merge.loser_epoch < root_.life() || merge.loser_epoch < root_.ended();
  const uint32_t ended = late ? 0 : merge.loser_epoch + 1;
  Lines lines;
  for (const v1::Whereabouts& line : merge.fragments) {
    if (Left(line, line.epoch() + 1, merge.survivor, merge.survivor_epoch, ended)) {
      lines[line.fragment_id()] = line;
    }
  }
  if (!late) {
    // What identity did not list goes along.
    ForEachFragment([&](const std::string& fragment, const v1::KnownFragment& at) {
      if (at.member().empty()) lines.try_emplace(fragment, LineOf(fragment));
    });
    v1::Redirect* redirect = root_.mutable_redirect();
    redirect->set_survivor(merge.survivor);
    redirect->set_merge_id(merge.merge_id);
    redirect->set_settled(false);
    redirect->set_survivor_life(merge.survivor_epoch);
    root_.set_ended(ended);
  }
  v1::Outgoing move;
  move.set_move_id(merge.merge_id);
  move.set_kind(v1::MOVE_KIND_MERGE);
  move.set_to(merge.survivor);
  move.set_whole(!late);
  move.set_life(merge.survivor_epoch);
  Begin(std::move(move), lines, cargo);
  return late ? "merge_late" : "merge";
}

std::string_view Protocol::TakeSplit(const Split& split, Cargo* cargo) {
  if (keys_.Has(kSplitPrefix, split.split_id)) return "split_again";
  v1::AppliedSplit mark;
  mark.set_split_id(split.split_id);
  keys_.Store(kSplitPrefix, split.split_id, mark);
  for (const SplitPart& part : split.parts) {
    LearnNames(part.names);
    if (part.member == entity_) ComeHome(split, part);
  }
  for (const SplitPart& part : split.parts) {
    if (part.member != entity_) SendPart(split, part, cargo);
  }
  Pump(cargo);
  return split.member == entity_ ? "split" : "split_home";
}

void Protocol::ComeHome(const Split& split, const SplitPart& part) {
  Live(part.epoch);
  for (const v1::Whereabouts& line : part.fragments) Counted(line.fragment_id(), line.epoch());
  if (split.member == entity_) return;  // what stays needs no move
  const std::string move_id = Cat(split.split_id, "/", split.member, "/", entity_);
  const auto applied = keys_.Load<v1::AppliedMove>(kMovePrefix, move_id);
  if (!applied.has_value() || !applied->last()) Expect(move_id);
}

// Also from part to part: a page of an earlier life may still come here.
void Protocol::SendPart(const Split& split, const SplitPart& part, Cargo* cargo) {
  Lines lines;
  for (const v1::Whereabouts& line : part.fragments) {
    if (Left(line, line.epoch(), part.member, part.epoch, 0)) lines[line.fragment_id()] = line;
  }
  v1::Outgoing move;
  move.set_move_id(Cat(split.split_id, "/", entity_, "/", part.member));
  move.set_kind(v1::MOVE_KIND_SPLIT);
  move.set_to(part.member);
  move.set_life(part.epoch);
  Begin(std::move(move), lines, cargo);
}

void Protocol::LearnNames(const std::vector<v1::MovedName>& names) {
  for (const v1::MovedName& moved : names) {
    if (keys_.Has(kNamePrefix, moved.member())) continue;
    v1::Name name;
    name.set_fragment_id(moved.fragment_id());
    keys_.Store(kNamePrefix, moved.member(), name);
  }
}

}  // namespace regulars::handoff
