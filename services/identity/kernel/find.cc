#include "services/identity/kernel/find.h"

#include "libs/base/assert.h"

namespace regulars::identity {
namespace {

LinkOutcome Forward(Step* step, std::string_view to, const v1::LinkMessage& message) {
  step->Send(to, message);
  return LinkOutcome::kForwarded;
}

// The root of the member's tree is another entity, or unknown here.
std::optional<LinkOutcome> FindMember(Step* step, MemberBook* book, std::string_view member,
                                      const v1::LinkMessage& message) {
  if (const auto gone = book->GoneTo(member); gone.has_value()) {
    return Forward(step, gone->member(), message);
  }
  if (!book->is_root()) return Forward(step, book->root().parent(), message);
  if (book->HasName(member)) return std::nullopt;
  // A part of a split that is asked for a member of another part: who split them knows.
  REGULARS_ASSERT(!book->root().revived_by().empty(), "a message reached a member it is not about");
  return Forward(step, book->root().revived_by(), message);
}

}  // namespace

std::optional<LinkOutcome> Find(Step* step, MemberBook* book, std::string_view member,
                                std::string_view fragment, Access access,
                                const v1::LinkMessage& message) {
  if (!book->born()) return Wait(step, book, message);
  if (!fragment.empty()) {
    if (const auto moved = book->MovedTo(fragment); moved.has_value()) {
      return Forward(step, moved->member(), message);
    }
  }
  const bool held = !fragment.empty() && book->is_root() && book->HasFragment(fragment);
  if (!held) {
    if (auto elsewhere = FindMember(step, book, member, message); elsewhere.has_value()) {
      return elsewhere;
    }
    // Its `Own` comes to the same member, so it will pass here.
    if (!fragment.empty()) return Wait(step, book, message);
  }
  if (access == Access::kWrites && book->proposing()) return Wait(step, book, message);
  return std::nullopt;
}

LinkOutcome Wait(Step* step, MemberBook* book, const v1::LinkMessage& message) {
  if (book->Defer(message)) {
    book->Save();
  } else {
    step->Send(step->entity(), message);
    step->Sum("links_sent_round");
  }
  return LinkOutcome::kWaits;
}

void Wake(Step* step, MemberBook* book) {
  for (const v1::LinkMessage& message : book->TakeDeferred()) step->Send(step->entity(), message);
}

}  // namespace regulars::identity
