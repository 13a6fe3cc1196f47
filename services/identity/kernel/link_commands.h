// What a person decides: two members are one, or one is two. A command is checked as a whole before
// anything changes; a dry run is the same without the change. A merge is asked for here and carried
// out by the same messages as any link, under the same rules; a split is done at once.
// Thread-safety: pure functions over a Step.
#ifndef REGULARS_SERVICES_IDENTITY_KERNEL_LINK_COMMANDS_H_
#define REGULARS_SERVICES_IDENTITY_KERNEL_LINK_COMMANDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "regulars/identity/v1/identity_links.pb.h"
#include "services/identity/kernel/member_book.h"
#include "services/identity/kernel/step.h"

namespace regulars::identity {

// In order of precedence: the first that holds is the outcome. Every value above kDone is a refusal
// and changes nothing; its reason is ReasonOf.
enum class CommandOutcome : uint8_t {
  kRepeated,           // this operation took effect before: the same answer again
  kOperationConflict,  // the operation id was used for something else
  kMemberUnknown,      // there is no such member
  kMergeWithItself,    // a member and itself, or a member and one that is part of it
  kMemberIsAlias,      // the member became part of another one; the message names it
  kOtherUnknown,       // the other member is unknown
  kOtherIsAlias,       // the other member became part of another one
  kMergeInProgress,    // a merge of one of them is not settled yet
  kMergeUnknown,       // no merge of that id is part of the member
  kIdentifierUnknown,  // an identifier is none of the member's
  kNothingToSplit,     // nothing or everything would leave
  kDoNotLink,          // a split keeps the two apart
  kLimitBroken,        // a guard rail is broken; the message names it
  kDryRun,             // would be done
  kDone,               // done, or asked for
};

std::string_view OutcomeLabel(CommandOutcome outcome);
// Reason of the ErrorInfo; empty for what is no refusal.
std::string_view ReasonOf(CommandOutcome outcome);

struct CommandResult {
  CommandOutcome outcome = CommandOutcome::kDone;
  std::string detail;            // what the outcome's sentence leaves open
  v1::LinkCommandAnswer answer;  // of kRepeated, kDryRun, kDone
};

CommandResult MergeMembers(Step* step, const v1::MergeMembersCommand& command);
CommandResult SplitMember(Step* step, const v1::SplitMemberCommand& command);
CommandResult UndoMerge(Step* step, const v1::UndoMergeCommand& command);

// The message by which every merge that a person wants is asked for. `book` is a root; the rules
// are checked on the way, as for any link. `actor` is the key id of the credential.
void AskForMerge(Step* step, const MemberBook& book, std::string_view other,
                 const std::string& actor, bool override_do_not_link);

// What MergeMembers wants to know of the other member; also of one that does not exist.
v1::MemberSummary SummarizeMember(const shard::EntityState& state, std::string_view member);

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_KERNEL_LINK_COMMANDS_H_
