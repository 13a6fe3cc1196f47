#include "services/messaging/codec/program.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/handoff/protocol.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "services/messaging/codec/body.h"
#include "services/messaging/codec/handed.h"
#include "services/messaging/codec/replies.h"
#include "services/messaging/kernel/send_book.h"

namespace regulars::messaging {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

}  // namespace

std::vector<std::string> SendViewSubs(std::string_view name, std::string_view member) {
  const std::optional<std::string> sub = SendSub(name.substr(name.rfind('/') + 1));
  if (!sub.has_value()) return {""};
  return {"", *sub, SendSubOf(*sub, member)};
}

absl::Status CheckCampaigns(const std::vector<Campaign>& campaigns) {
  if (campaigns.size() > kCampaignsPerPoolMax) {
    return Invalid("CAMPAIGN_INVALID", "too many campaigns in a pool");
  }
  std::vector<std::string> ids;
  for (const Campaign& campaign : campaigns) {
    const std::string& id = campaign.id;
    if (!IsCampaignId(id)) {
      return Invalid("CAMPAIGN_INVALID", "a campaign id is empty, too long or not of [a-z0-9_-]");
    }
    if (campaign.segment.empty()) return Invalid("CAMPAIGN_INVALID", "a campaign without segment");
    ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) {
    return Invalid("CAMPAIGN_INVALID", "a campaign id stands there twice");
  }
  return absl::OkStatus();
}

MessagingProgram::MessagingProgram(MessagingConfig config, const MoveLimits& move_limits)
    : config_(std::move(config)), move_limits_(move_limits) {
  const auto prepare = [](std::vector<Campaign>* campaigns) {
    REGULARS_ASSERT(CheckCampaigns(*campaigns).ok(), "unchecked campaigns");
    std::sort(campaigns->begin(), campaigns->end(),
              [](const Campaign& a, const Campaign& b) { return a.id < b.id; });
  };
  prepare(&config_.default_campaigns);
  for (auto& [pool, campaigns] : config_.pools) prepare(&campaigns);
}

std::vector<shard::InputTopic> MessagingProgram::inputs() const {
  return {{.domain = "segmentation", .kind = "events", .clock_channels = 1},
          {.domain = "messaging", .kind = "reports", .clock_channels = -1},
          {.domain = "identity", .kind = "events", .clock_channels = 1},
          {.domain = "messaging", .kind = std::string(events::kHandoffKind), .clock_channels = -2}};
}

const std::vector<Campaign>& MessagingProgram::CampaignsOf(const std::string& pool) const {
  const auto it = config_.pools.find(pool);
  return it == config_.pools.end() ? config_.default_campaigns : it->second;
}

absl::Status MessagingProgram::Decode(shard::Input* input, bool* skip) const {
  switch (input->kind) {
    case shard::InputKind::kRecord:
      return DecodeRecord(input, skip);
    case shard::InputKind::kCommand:
      return DecodeCommand(input);
    case shard::InputKind::kQuery:
      return DecodeQuery(input);
    case shard::InputKind::kTimer:
      break;
  }
  REGULARS_ASSERT(false, "messaging has no timers");
}

shard::Effects MessagingProgram::Apply(const shard::EntityState& state,
                                       const shard::Input& input) const {
  if (IsHanded(state, input)) {
    return ApplyHanded(state, input, CampaignsOf(input.pool), move_limits_);
  }
  const Moment moment{input.pool, input.entity, input.now_us};
  const Body& body = BodyOf(input);
  if (const Entry* entry = std::get_if<Entry>(&body)) {
    return ApplyEntry(state, CampaignsOf(input.pool), moment, *entry);
  }
  if (const auto* reported = std::get_if<Reported>(&body)) {
    return ApplyReport(state, moment, ReportOf(reported->event)).effects;
  }
  const auto& command = std::get<ProviderReport>(body);
  if (command.report.origin != input.entity) {
    // The entity does not know yet that the caller's is part of it.
    shard::Effects moving;
    moving.outcome = "member_moving";
    moving.reply = handoff::Protocol::Moving();
    return moving;
  }
  ReportResult result = ApplyReport(state, moment, command.report);
  result.effects.dead_letter.reset();
  result.effects.reply = ReportReply(input, result);
  return std::move(result.effects);
}

shard::Reply MessagingProgram::Query(const shard::EntityState& state,
                                     const shard::Input& input) const {
  if (const std::string survivor = ReadRoot(state).survivor(); !survivor.empty()) {
    return handoff::Protocol::AskSurvivor(survivor);
  }
  shard::Reply reply;
  const Body& body = BodyOf(input);
  if (const Lookup* lookup = std::get_if<Lookup>(&body)) {
    // Reads what the shell declares for the view: a send is found under the name it was decided by.
    const std::string& origin = lookup->member.empty() ? input.entity : lookup->member;
    const std::optional<FoundSend> found = FindSend(state, input.entity, lookup->send_id, origin);
    if (!found.has_value()) return UnknownSend();
    reply.payload = SendOf(input, found->send).SerializeAsString();
    return reply;
  }
  const Listing& listing = std::get<Listing>(body);
  const SendPage page = ReadSends(state, listing.sequence, listing.page_size);
  v1::ListSendsResponse response;
  for (const v1::SendState& send : page.sends) *response.add_sends() = SendOf(input, send);
  if (page.next_sequence > 0) response.set_next_page_token(Cat(page.next_sequence));
  reply.payload = response.SerializeAsString();
  return reply;
}

std::string MessagingProgram::CheckInvariants(const shard::EntityState& state) const {
  return CheckMember(state);
}

}  // namespace regulars::messaging
