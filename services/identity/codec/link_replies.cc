#include "services/identity/codec/link_replies.h"

#include <string>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "regulars/identity/v1/link_service.pb.h"
#include "services/identity/codec/shown.h"

namespace regulars::identity {
namespace {

absl::StatusCode CodeOf(CommandOutcome outcome) {
  switch (outcome) {
    case CommandOutcome::kRepeated:
    case CommandOutcome::kDryRun:
    case CommandOutcome::kDone:
      return absl::StatusCode::kOk;
    case CommandOutcome::kOperationConflict:
      return absl::StatusCode::kAlreadyExists;
    case CommandOutcome::kMergeWithItself:
      return absl::StatusCode::kInvalidArgument;
    case CommandOutcome::kMemberUnknown:
    case CommandOutcome::kOtherUnknown:
    case CommandOutcome::kMergeUnknown:
    case CommandOutcome::kIdentifierUnknown:
      return absl::StatusCode::kNotFound;
    case CommandOutcome::kMemberIsAlias:
    case CommandOutcome::kOtherIsAlias:
    case CommandOutcome::kMergeInProgress:
    case CommandOutcome::kNothingToSplit:
    case CommandOutcome::kDoNotLink:
    case CommandOutcome::kLimitBroken:
      return absl::StatusCode::kFailedPrecondition;
  }
  REGULARS_ASSERT(false, "unknown command outcome");
}

std::string SentenceOf(const CommandResult& result) {
  switch (result.outcome) {
    case CommandOutcome::kRepeated:
    case CommandOutcome::kDryRun:
    case CommandOutcome::kDone:
      return "";
    case CommandOutcome::kOperationConflict:
      return "this request_id was used with other content";
    case CommandOutcome::kMemberUnknown:
      return "no such member";
    case CommandOutcome::kMergeWithItself:
      return "the two are one member already";
    case CommandOutcome::kMemberIsAlias:
      return Cat("the member became part of ", result.detail);
    case CommandOutcome::kOtherUnknown:
      return "no such member as the other one";
    case CommandOutcome::kOtherIsAlias:
      return Cat("the other member became part of ", result.detail);
    case CommandOutcome::kMergeInProgress:
      return "a merge of the member is not settled yet; ask again";
    case CommandOutcome::kMergeUnknown:
      return "no merge of this id is part of the member";
    case CommandOutcome::kIdentifierUnknown:
      return "an identifier is none of this member's";
    case CommandOutcome::kNothingToSplit:
      return "nothing or everything would leave";
    case CommandOutcome::kDoNotLink:
      return "a split keeps the two apart";
    case CommandOutcome::kLimitBroken:
      return Cat("a guard rail would be broken: ", result.detail);
  }
  REGULARS_ASSERT(false, "unknown command outcome");
}

v1::MemberSplit ShownSplit(std::string_view pool, const v1::SplitCommitted& split) {
  v1::MemberSplit shown;
  shown.set_split_id(split.split_id());
  shown.set_member(MemberName(pool, split.member()));
  for (const v1::SplitPart& part : split.parts()) {
    v1::MemberSplitPart* out = shown.add_parts();
    out->set_member(MemberName(pool, part.member()));
    *out->mutable_fragment_ids() = part.fragment_ids();
    *out->mutable_aliases() = part.absorbed_members();
  }
  *shown.mutable_merge_ids() = split.merge_ids();
  SetTime(split.time_us(), shown.mutable_split_time());
  return shown;
}

}  // namespace

shard::Reply LinkingOffReply() {
  return {absl::StatusCode::kFailedPrecondition, "LINKING_OFF",
          "linking is not switched on for this pool", ""};
}

shard::Reply ReplyOf(std::string_view pool, const CommandResult& result) {
  const absl::StatusCode code = CodeOf(result.outcome);
  if (code != absl::StatusCode::kOk) {
    return {code, std::string(ReasonOf(result.outcome)), SentenceOf(result), ""};
  }
  if (result.answer.has_split()) {
    return {code, "", "", ShownSplit(pool, result.answer.split()).SerializeAsString()};
  }
  v1::MergeMembersResponse response;
  response.set_survivor(MemberName(pool, result.answer.survivor()));
  return {code, "", "", response.SerializeAsString()};
}

}  // namespace regulars::identity
