#include "services/identity/kernel/link_commands.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/model/hashed_id.h"
#include "services/identity/kernel/births.h"
#include "services/identity/kernel/link_kernel.h"
#include "services/identity/kernel/parts.h"

namespace regulars::identity {
namespace {

CommandResult Refuse(CommandOutcome outcome, std::string detail = "") {
  return {outcome, std::move(detail), {}};
}

// What a command without its operation id and its dry run says.
template <typename Command>
uint64_t ContentHash(std::string_view name, Command command) {
  command.clear_dry_run();
  command.clear_actor();
  if constexpr (std::is_same_v<Command, v1::MergeMembersCommand>) command.clear_other();
  return Xxh3(Cat(name, "/", command.SerializeAsString()));
}

std::string OperationKey(std::string_view operation_id) {
  return Cat(kOperationPrefix, model::HashedId({operation_id}));
}

// The refusals that every command has first.
std::optional<CommandResult> CheckFirst(Step* step, const MemberBook& book,
                                        std::string_view operation_id, uint64_t content_hash) {
  const auto done = step->state.Read<v1::LinkOperation>(OperationKey(operation_id));
  if (done.has_value()) {
    if (done->content_hash() != content_hash) return Refuse(CommandOutcome::kOperationConflict);
    CommandResult result{CommandOutcome::kRepeated, "", {}};
    REGULARS_ASSERT(result.answer.ParseFromString(done->answer()), "an answer does not parse");
    return result;
  }
  if (!book.born()) return Refuse(CommandOutcome::kMemberUnknown);
  return std::nullopt;
}

// Being merged, or with a merge whose followers have not all followed.
bool IsBusy(const MemberBook& book) {
  if (book.proposing() || book.root().deferred_count() > 0) return true;
  const std::vector<v1::AbsorbedMember> names = book.Names();
  return std::any_of(names.begin(), names.end(), [](const auto& name) {
    return !name.settled() || name.awaited_services_size() > 0;
  });
}

CommandResult Remember(Step* step, MemberBook* book, std::string_view operation_id,
                       uint64_t content_hash, v1::LinkCommandAnswer answer) {
  v1::LinkOperation done;
  done.set_content_hash(content_hash);
  done.set_answer(answer.SerializeAsString());
  step->state.Write(OperationKey(operation_id), done);
  book->Save();
  return {CommandOutcome::kDone, "", std::move(answer)};
}

Summary ToSummary(const v1::MemberSummary& other) {
  Summary summary;
  summary.member = other.member();
  summary.fragments.assign(other.fragments().begin(), other.fragments().end());
  summary.do_not_link.assign(other.do_not_link().begin(), other.do_not_link().end());
  summary.names.assign(other.names().begin(), other.names().end());
  summary.merges_us.assign(other.merge_times_us().begin(), other.merge_times_us().end());
  summary.edges = other.edge_count();
  return summary;
}

// `apart` leaves `book`; the end of both ways to split.
CommandResult Split(Step* step, MemberBook* book, const std::set<std::string>& apart,
                    const std::string& operation_id, const std::string& actor, bool dry_run,
                    uint64_t content_hash) {
  const SplitPlan plan = PlanSplit(*book, apart, step->now_us());
  if (plan.parts.size() < 2) return Refuse(CommandOutcome::kNothingToSplit);
  if (plan.parts.size() > kPartsMax) {
    return Refuse(CommandOutcome::kLimitBroken, Cat("parts:", plan.parts.size()));
  }
  const auto pairs = static_cast<int64_t>(book->root().do_not_link_count() + plan.parts.size());
  if (pairs > kDoNotLinkMax) return Refuse(CommandOutcome::kLimitBroken, "do_not_link");
  const std::string split_id =
      model::HashedId({"split", book->id(), Cat(book->root().epoch()), operation_id});
  v1::LinkCommandAnswer answer;
  *answer.mutable_split() = DescribeSplit(*book, plan, split_id, actor, step->now_us());
  answer.set_dry_run(dry_run);
  if (dry_run) return {CommandOutcome::kDryRun, "", std::move(answer)};
  CarryOutSplit(step, book, plan, answer.split());
  return Remember(step, book, operation_id, content_hash, std::move(answer));
}

}  // namespace

std::string_view OutcomeLabel(CommandOutcome outcome) {
  switch (outcome) {
    case CommandOutcome::kRepeated:
      return "repeated";
    case CommandOutcome::kOperationConflict:
      return "operation_conflict";
    case CommandOutcome::kMemberUnknown:
      return "member_unknown";
    case CommandOutcome::kMergeWithItself:
      return "merge_with_itself";
    case CommandOutcome::kMemberIsAlias:
      return "member_is_alias";
    case CommandOutcome::kOtherUnknown:
      return "other_unknown";
    case CommandOutcome::kOtherIsAlias:
      return "other_is_alias";
    case CommandOutcome::kMergeInProgress:
      return "merge_in_progress";
    case CommandOutcome::kMergeUnknown:
      return "merge_unknown";
    case CommandOutcome::kIdentifierUnknown:
      return "identifier_unknown";
    case CommandOutcome::kNothingToSplit:
      return "nothing_to_split";
    case CommandOutcome::kDoNotLink:
      return "do_not_link";
    case CommandOutcome::kLimitBroken:
      return "limit_broken";
    case CommandOutcome::kDryRun:
      return "dry_run";
    case CommandOutcome::kDone:
      return "done";
  }
  REGULARS_ASSERT(false, "unknown command outcome");
}

std::string_view ReasonOf(CommandOutcome outcome) {
  switch (outcome) {
    case CommandOutcome::kRepeated:
    case CommandOutcome::kDryRun:
    case CommandOutcome::kDone:
      return "";
    case CommandOutcome::kOperationConflict:
      return "REQUEST_ID_CONFLICT";
    case CommandOutcome::kMemberUnknown:
    case CommandOutcome::kOtherUnknown:
      return "MEMBER_UNKNOWN";
    case CommandOutcome::kMergeWithItself:
      return "MERGE_WITH_ITSELF";
    case CommandOutcome::kMemberIsAlias:
    case CommandOutcome::kOtherIsAlias:
      return "MEMBER_IS_ALIAS";
    case CommandOutcome::kMergeInProgress:
      return "MERGE_IN_PROGRESS";
    case CommandOutcome::kMergeUnknown:
      return "MERGE_UNKNOWN";
    case CommandOutcome::kIdentifierUnknown:
      return "IDENTIFIER_NOT_AT_MEMBER";
    case CommandOutcome::kNothingToSplit:
      return "NOTHING_TO_SPLIT";
    case CommandOutcome::kDoNotLink:
      return "DO_NOT_LINK";
    case CommandOutcome::kLimitBroken:
      return "LIMIT_BROKEN";
  }
  REGULARS_ASSERT(false, "unknown command outcome");
}

void AskForMerge(Step* step, const MemberBook& book, std::string_view other,
                 const std::string& actor, bool override_do_not_link) {
  v1::LinkMessage message;
  v1::Link* link = message.mutable_link();
  link->mutable_first()->set_member(book.id());
  link->mutable_first()->set_fragment_id(book.root().fragment_id());
  link->mutable_second()->set_member(std::string(other));
  link->mutable_edge()->set_rule_version("command");
  link->mutable_edge()->set_occurred_us(step->now_us());
  link->mutable_edge()->set_actor(actor);
  link->set_override_do_not_link(override_do_not_link);
  link->set_first_root(book.id());
  *link->mutable_first_birth() = book.root().birth();
  step->Send(other, message);
}

CommandResult MergeMembers(Step* step, const v1::MergeMembersCommand& command) {
  MemberBook book(&step->state, step->entity());
  const uint64_t hash = ContentHash("merge", command);
  if (auto refused = CheckFirst(step, book, command.operation_id(), hash); refused.has_value()) {
    return *std::move(refused);
  }
  const v1::MemberSummary& other = command.other();
  if (command.other_member() == book.id() || book.HasName(command.other_member()) ||
      other.parent() == book.id()) {
    return Refuse(CommandOutcome::kMergeWithItself);
  }
  if (!book.is_root()) return Refuse(CommandOutcome::kMemberIsAlias, book.root().parent());
  if (other.member().empty()) return Refuse(CommandOutcome::kOtherUnknown);
  if (!other.parent().empty()) return Refuse(CommandOutcome::kOtherIsAlias, other.parent());
  if (book.proposing() || other.busy()) return Refuse(CommandOutcome::kMergeInProgress);
  if (const auto broken = CheckUnion(step->rules(), SummaryOf(book), ToSummary(other),
                                     step->now_us(), command.override_do_not_link());
      broken.has_value()) {
    return Refuse(
        broken->rule == "do_not_link" ? CommandOutcome::kDoNotLink : CommandOutcome::kLimitBroken,
        broken->rule);
  }
  v1::LinkCommandAnswer answer;
  answer.set_dry_run(command.dry_run());
  answer.set_survivor(IsOlder(other.birth(), book.root().birth()) ? other.member() : book.id());
  if (command.dry_run()) return {CommandOutcome::kDryRun, "", std::move(answer)};
  AskForMerge(step, book, command.other_member(), command.actor(), command.override_do_not_link());
  return Remember(step, &book, command.operation_id(), hash, std::move(answer));
}

CommandResult SplitMember(Step* step, const v1::SplitMemberCommand& command) {
  MemberBook book(&step->state, step->entity());
  const uint64_t hash = ContentHash("split", command);
  if (auto refused = CheckFirst(step, book, command.operation_id(), hash); refused.has_value()) {
    return *std::move(refused);
  }
  if (!book.is_root()) return Refuse(CommandOutcome::kMemberIsAlias, book.root().parent());
  if (IsBusy(book)) return Refuse(CommandOutcome::kMergeInProgress);
  std::set<std::string> apart;
  const std::vector<v1::MemberFragment> fragments = book.Fragments();
  for (const std::string& hmac : command.identifier_hmacs()) {
    bool found = false;
    for (const v1::MemberFragment& fragment : fragments) {
      if (fragment.identifier().hmac() != hmac) continue;
      apart.insert(fragment.fragment_id());
      found = true;
    }
    if (!found) return Refuse(CommandOutcome::kIdentifierUnknown);
  }
  if (apart.empty() || apart.size() == fragments.size()) {
    return Refuse(CommandOutcome::kNothingToSplit);
  }
  return Split(step, &book, apart, command.operation_id(), command.actor(), command.dry_run(),
               hash);
}

CommandResult UndoMerge(Step* step, const v1::UndoMergeCommand& command) {
  MemberBook book(&step->state, step->entity());
  const uint64_t hash = ContentHash("undo", command);
  if (auto refused = CheckFirst(step, book, command.operation_id(), hash); refused.has_value()) {
    return *std::move(refused);
  }
  if (!book.is_root()) return Refuse(CommandOutcome::kMemberIsAlias, book.root().parent());
  if (IsBusy(book)) return Refuse(CommandOutcome::kMergeInProgress);
  // The absorbed member and everything that had become part of it.
  const std::vector<v1::AbsorbedMember> names = book.Names();
  std::set<std::string> members;
  for (const v1::AbsorbedMember& name : names) {
    if (name.merge_id() == command.merge_id()) members.insert(name.member());
  }
  if (members.empty()) return Refuse(CommandOutcome::kMergeUnknown);
  for (size_t before = 0; before != members.size();) {
    before = members.size();
    for (const v1::AbsorbedMember& name : names) {
      if (members.contains(name.absorbed_by())) members.insert(name.member());
    }
  }
  std::set<std::string> apart;
  for (const v1::MemberFragment& fragment : book.Fragments()) {
    if (members.contains(fragment.home())) apart.insert(fragment.fragment_id());
  }
  return Split(step, &book, apart, command.operation_id(), command.actor(), command.dry_run(),
               hash);
}

v1::MemberSummary SummarizeMember(const shard::EntityState& state, std::string_view member) {
  Draft draft(state);
  const MemberBook book(&draft, member);
  v1::MemberSummary summary;
  if (!book.born()) return summary;
  summary.set_member(std::string(member));
  summary.set_parent(book.root().parent());
  summary.set_busy(book.proposing());
  *summary.mutable_birth() = book.root().birth();
  if (!book.is_root()) return summary;
  const Summary own = SummaryOf(book);
  for (const v1::MemberFragment& fragment : own.fragments) *summary.add_fragments() = fragment;
  for (const std::string& name : own.names) summary.add_names(name);
  for (const Micros at_us : own.merges_us) summary.add_merge_times_us(at_us);
  for (const v1::DoNotLink& pair : own.do_not_link) *summary.add_do_not_link() = pair;
  summary.set_edge_count(own.edges);
  return summary;
}

}  // namespace regulars::identity
