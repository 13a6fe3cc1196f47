#include "libs/handoff/inbound.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "libs/base/status.h"
#include "libs/events/types.h"
#include "regulars/identity/v1/identity_events.pb.h"

namespace regulars::handoff {
namespace {

absl::Status Malformed(std::string_view what) {
  return DomainError(absl::StatusCode::kInvalidArgument, "PAYLOAD_MALFORMED", what);
}

// Part of a state key.
bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax &&
         std::none_of(id.begin(), id.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20; });
}

// False if one is no id. Epochs may be missing: 0.
template <typename Ids, typename Epochs>
bool ReadFragments(const Ids& ids, const Epochs& epochs, std::vector<v1::Whereabouts>* out) {
  for (int i = 0; i < ids.size(); ++i) {
    if (!IsId(ids[i])) return false;
    v1::Whereabouts at;
    at.set_fragment_id(ids[i]);
    if (i < epochs.size()) at.set_epoch(epochs[i]);
    out->push_back(std::move(at));
  }
  return true;
}

// `names`: of the absorbed members, then of `member`. An event without them tells none.
template <typename Ids>
bool ReadNames(const Ids& absorbed, const std::string& member, const Ids& first_fragments,
               std::vector<v1::MovedName>* out) {
  if (first_fragments.empty()) return true;
  if (first_fragments.size() != absorbed.size() + 1) return false;
  for (int i = 0; i < first_fragments.size(); ++i) {
    v1::MovedName name;
    name.set_member(i < absorbed.size() ? absorbed[i] : member);
    name.set_fragment_id(first_fragments[i]);
    if (!IsId(name.member()) || !IsId(name.fragment_id())) return false;
    out->push_back(std::move(name));
  }
  return true;
}

absl::Status ReadMerge(const shard::Input& input, std::optional<Inbound>* inbound) {
  identity::v1::MergeCommitted event;
  if (!event.ParseFromString(input.payload)) return Malformed("MergeCommitted does not parse");
  Merge merge{.merge_id = event.merge_id(),
              .loser = event.loser(),
              .survivor = event.survivor(),
              .loser_epoch = event.loser_epoch(),
              .survivor_epoch = event.survivor_epoch()};
  if (!IsId(merge.merge_id) || !IsId(merge.loser) || !IsId(merge.survivor) ||
      merge.loser == merge.survivor ||
      !ReadFragments(event.fragment_ids(), event.fragment_epochs(), &merge.fragments) ||
      !ReadNames(event.absorbed_members(), merge.loser, event.first_fragment_ids(), &merge.names)) {
    return Malformed("MergeCommitted without a valid id, loser, survivor, name or fragment");
  }
  *inbound = std::move(merge);
  return absl::OkStatus();
}

absl::Status ReadSplit(const shard::Input& input, std::optional<Inbound>* inbound) {
  identity::v1::SplitCommitted event;
  if (!event.ParseFromString(input.payload)) return Malformed("SplitCommitted does not parse");
  Split split{.split_id = event.split_id(), .member = event.member()};
  bool valid = IsId(split.split_id) && IsId(split.member);
  for (const identity::v1::SplitPart& from : event.parts()) {
    SplitPart part{.member = from.member(), .epoch = from.member_epoch()};
    valid = valid && IsId(part.member) &&
            ReadFragments(from.fragment_ids(), from.fragment_epochs(), &part.fragments) &&
            ReadNames(from.absorbed_members(), part.member, from.first_fragment_ids(), &part.names);
    split.parts.push_back(std::move(part));
  }
  if (!valid) return Malformed("SplitCommitted without a valid id, member, part or fragment");
  *inbound = std::move(split);
  return absl::OkStatus();
}

absl::Status ReadMessage(const shard::Input& input, std::optional<Inbound>* inbound) {
  v1::HandoffMessage message;
  if (!message.ParseFromString(input.payload)) return Malformed("HandoffMessage does not parse");
  const bool page = message.has_page();
  if (message.body_case() == v1::HandoffMessage::BODY_NOT_SET || message.to() != input.entity ||
      !IsId(message.from()) ||
      (page && (message.page().move_id().empty() || !IsId(message.page().origin()) ||
                message.page().number() == 0))) {
    return Malformed("HandoffMessage without a valid address or body");
  }
  *inbound = std::move(message);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadInbound(const shard::Input& input, std::optional<Inbound>* inbound) {
  inbound->reset();
  if (input.kind != shard::InputKind::kRecord) return absl::OkStatus();
  if (input.type == events::kMergeCommitted) return ReadMerge(input, inbound);
  if (input.type == events::kSplitCommitted) return ReadSplit(input, inbound);
  if (input.type == events::kHandoffMessage) return ReadMessage(input, inbound);
  return absl::OkStatus();
}

}  // namespace regulars::handoff
