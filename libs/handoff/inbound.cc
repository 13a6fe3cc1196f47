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

absl::Status ReadMerge(const shard::Input& input, std::optional<Inbound>* inbound) {
  identity::v1::MergeCommitted event;
  if (!event.ParseFromString(input.payload)) return Malformed("MergeCommitted does not parse");
  Merge merge{.merge_id = event.merge_id(),
              .loser = event.loser(),
              .survivor = event.survivor(),
              .fragments = {}};
  if (!IsId(merge.merge_id) || !IsId(merge.loser) || !IsId(merge.survivor) ||
      merge.loser == merge.survivor ||
      !ReadFragments(event.fragment_ids(), event.fragment_epochs(), &merge.fragments)) {
    return Malformed("MergeCommitted without a valid id, loser, survivor or fragment");
  }
  *inbound = std::move(merge);
  return absl::OkStatus();
}

absl::Status ReadSplit(const shard::Input& input, std::optional<Inbound>* inbound) {
  identity::v1::SplitCommitted event;
  if (!event.ParseFromString(input.payload)) return Malformed("SplitCommitted does not parse");
  Split split{.split_id = event.split_id(),
              .member = event.member(),
              .parts = {},
              .merge_ids = {event.merge_ids().begin(), event.merge_ids().end()}};
  bool valid = IsId(split.split_id) && IsId(split.member) &&
               std::all_of(split.merge_ids.begin(), split.merge_ids.end(), IsId);
  for (const identity::v1::SplitPart& from : event.parts()) {
    SplitPart part{.member = from.member(), .fragments = {}};
    valid = valid && IsId(part.member) &&
            ReadFragments(from.fragment_ids(), from.fragment_epochs(), &part.fragments);
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
