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
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"

namespace regulars::messaging {
namespace {

struct Lookup {
  std::string send_id;
};
struct Listing {
  int64_t sequence = 0;
  size_t page_size = 0;
};
using Body = std::variant<Entry, Report, Lookup, Listing>;

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

void SetBody(shard::Input* input, Body body) {
  input->body = std::make_shared<const Body>(std::move(body));
}

const Body& BodyOf(const shard::Input& input) {
  REGULARS_ASSERT(input.body != nullptr, "an input without a body");
  return *static_cast<const Body*>(input.body.get());
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

void SetTime(Micros us, google::protobuf::Timestamp* time) {
  time->set_seconds(us / kMicrosPerSecond);
  time->set_nanos(static_cast<int32_t>(us % kMicrosPerSecond * 1000));
}

v1::Send SendOf(const shard::Input& input, const v1::SendState& state) {
  const v1::SendDecided& decision = state.decision();
  v1::Send send;
  send.set_name(
      Cat("pools/", input.pool, "/members/", input.entity, "/sends/", decision.send_id()));
  send.set_campaign(decision.campaign());
  send.set_channel(decision.channel());
  send.set_status(static_cast<v1::SendStatus>(state.status()));
  send.set_reason(decision.reason().text());
  SetTime(decision.occurrence_us(), send.mutable_occurrence_time());
  SetTime(decision.decided_us(), send.mutable_decide_time());
  if (state.finished_us() > 0) SetTime(state.finished_us(), send.mutable_finish_time());
  send.set_attempts(state.attempts());
  send.set_idempotency_key(decision.idempotency_key());
  send.set_provider_message_id(state.provider_message_id());
  send.set_failure(state.failure());
  return send;
}

absl::Status CheckReport(const Report& report) {
  if (report.attempts < 0 || report.attempts > kAttemptsMax) {
    return Invalid("REPORT_INVALID", "attempts out of range");
  }
  if (report.provider_message_id.size() > kProviderIdBytesMax ||
      report.failure.size() > kFailureBytesMax) {
    return Invalid("REPORT_INVALID", "provider's id or failure too long");
  }
  if (report.finished_us < 0 || report.finished_us > kMicrosMax) {
    return Invalid("REPORT_INVALID", "no valid instant");
  }
  return absl::OkStatus();
}

absl::Status DecodeEntry(shard::Input* input) {
  segmentation::v1::SegmentEntered event;
  if (!event.ParseFromString(input->payload) || event.member() != input->entity ||
      event.segment().empty() || !IsValidInstant(event.occurrence_us())) {
    return Invalid("EVENT_MALFORMED",
                   "the bytes are no SegmentEntered of the record's member with an occurrence");
  }
  SetBody(input, Entry{event.segment(), event.occurrence_us(), event.reason().text(), input->id,
                       event.continues_occurrence_us() != 0});
  return absl::OkStatus();
}

absl::Status DecodeReport(shard::Input* input) {
  v1::DeliveryReported event;
  if (!event.ParseFromString(input->payload) || event.member() != input->entity) {
    return Invalid("EVENT_MALFORMED", "the bytes are no DeliveryReported of the record's member");
  }
  Report report{
      event.send_id(),     event.delivered(), event.attempts(),   event.provider_message_id(),
      event.http_status(), event.failure(),   event.finished_us()};
  REGULARS_RETURN_IF_ERROR(CheckReport(report));
  SetBody(input, std::move(report));
  return absl::OkStatus();
}

absl::Status DecodeCommand(shard::Input* input) {
  if (input->type != kReportDelivery) {
    return DomainError(absl::StatusCode::kUnimplemented, "COMMAND_UNKNOWN", "no such command");
  }
  v1::ReportDeliveryRequest request;
  if (!request.ParseFromString(input->payload)) return Invalid("REQUEST_MALFORMED", "bad bytes");
  if (request.outcome() != v1::DELIVERY_OUTCOME_DELIVERED &&
      request.outcome() != v1::DELIVERY_OUTCOME_FAILED) {
    return Invalid("OUTCOME_MISSING", "outcome is neither delivered nor failed");
  }
  Report report{LastSegment(request.name()),
                request.outcome() == v1::DELIVERY_OUTCOME_DELIVERED,
                request.attempts(),
                request.provider_message_id(),
                request.http_status(),
                request.failure(),
                input->now_us};
  if (request.has_report_time()) {
    const google::protobuf::Timestamp& time = request.report_time();
    if (time.seconds() < 0 || time.seconds() > kMicrosMax / kMicrosPerSecond) {
      return Invalid("REPORT_INVALID", "no valid instant");
    }
    report.finished_us = time.seconds() * kMicrosPerSecond + time.nanos() / 1000;
  }
  REGULARS_RETURN_IF_ERROR(CheckReport(report));
  SetBody(input, std::move(report));
  return absl::OkStatus();
}

absl::Status DecodeListing(shard::Input* input) {
  v1::ListSendsRequest request;
  if (!request.ParseFromString(input->payload)) return Invalid("REQUEST_MALFORMED", "bad bytes");
  if (request.page_size() < 0) return Invalid("PAGE_SIZE_INVALID", "a negative page_size");
  Listing listing;
  listing.page_size = static_cast<size_t>(
      request.page_size() == 0 ? limits::kPageSizeDefault
                               : std::min(request.page_size(), limits::kPageSizeMax));
  if (!request.page_token().empty() &&
      (!absl::SimpleAtoi(request.page_token(), &listing.sequence) || listing.sequence < 1)) {
    return Invalid("PAGE_TOKEN_INVALID", "the page_token is not of an earlier page");
  }
  SetBody(input, listing);
  return absl::OkStatus();
}

absl::Status DecodeQuery(shard::Input* input) {
  if (input->type == kListSends) return DecodeListing(input);
  if (input->type != kGetSend) {
    return DomainError(absl::StatusCode::kUnimplemented, "QUERY_UNKNOWN", "no such query");
  }
  v1::GetSendRequest request;
  if (!request.ParseFromString(input->payload)) return Invalid("REQUEST_MALFORMED", "bad bytes");
  SetBody(input, Lookup{LastSegment(request.name())});
  return absl::OkStatus();
}

shard::Reply Unknown() {
  return {absl::StatusCode::kNotFound, "SEND_UNKNOWN", "no such send of this member", ""};
}

// The answer to ReportDelivery.
shard::Reply ReportReply(const shard::Input& input, const ReportResult& result) {
  if (result.outcome == Outcome::kUnknownSend) return Unknown();
  if (result.outcome == Outcome::kFinished) {
    return {absl::StatusCode::kFailedPrecondition, "SEND_FINISHED",
            "another final outcome is recorded", ""};
  }
  shard::Reply reply;
  reply.payload = SendOf(input, *result.send).SerializeAsString();
  return reply;
}

}  // namespace

absl::Status CheckCampaigns(const std::vector<Campaign>& campaigns) {
  if (campaigns.size() > kCampaignsPerPoolMax) {
    return Invalid("CAMPAIGN_INVALID", "too many campaigns in a pool");
  }
  std::vector<std::string> ids;
  for (const Campaign& campaign : campaigns) {
    const std::string& id = campaign.id;
    const bool well_formed = std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (id.empty() || id.size() > kCampaignIdBytesMax || !well_formed) {
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

MessagingProgram::MessagingProgram(MessagingConfig config) : config_(std::move(config)) {
  const auto prepare = [](std::vector<Campaign>* campaigns) {
    REGULARS_ASSERT(CheckCampaigns(*campaigns).ok(), "unchecked campaigns");
    std::sort(campaigns->begin(), campaigns->end(),
              [](const Campaign& a, const Campaign& b) { return a.id < b.id; });
  };
  prepare(&config_.default_campaigns);
  for (auto& [pool, campaigns] : config_.pools) prepare(&campaigns);
}

const std::vector<Campaign>& MessagingProgram::CampaignsOf(const std::string& pool) const {
  const auto it = config_.pools.find(pool);
  return it == config_.pools.end() ? config_.default_campaigns : it->second;
}

absl::Status MessagingProgram::Decode(shard::Input* input, bool* skip) const {
  switch (input->kind) {
    case shard::InputKind::kRecord:
      if (input->type == events::kSegmentEntered) return DecodeEntry(input);
      if (input->type == events::kDeliveryReported) return DecodeReport(input);
      *skip = true;
      return absl::OkStatus();
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
  const Moment moment{input.pool, input.entity, input.now_us};
  const Body& body = BodyOf(input);
  if (const Entry* entry = std::get_if<Entry>(&body)) {
    return ApplyEntry(state, CampaignsOf(input.pool), moment, *entry);
  }
  ReportResult result = ApplyReport(state, moment, std::get<Report>(body));
  if (input.kind == shard::InputKind::kCommand) {
    result.effects.dead_letter.reset();
    result.effects.reply = ReportReply(input, result);
  }
  return std::move(result.effects);
}

shard::Reply MessagingProgram::Query(const shard::EntityState& state,
                                     const shard::Input& input) const {
  shard::Reply reply;
  const Body& body = BodyOf(input);
  if (const Lookup* lookup = std::get_if<Lookup>(&body)) {
    const std::optional<v1::SendState> send = ReadSend(state, lookup->send_id);
    if (!send.has_value()) return Unknown();
    reply.payload = SendOf(input, *send).SerializeAsString();
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
