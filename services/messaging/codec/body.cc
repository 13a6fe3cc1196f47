#include "services/messaging/codec/body.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/assert.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_handoff.pb.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "services/messaging/codec/program.h"
#include "services/messaging/kernel/move.h"

namespace regulars::messaging {
namespace {

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, message);
}

void SetBody(shard::Input* input, Body body) {
  input->body = std::make_shared<const Body>(std::move(body));
}

std::string LastSegment(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// `pools/{pool}/members/{member}/sends/{send}`: the member.
std::string MemberIn(const std::string& name) {
  const size_t sends = name.rfind("/sends/");
  if (sends == std::string::npos) return "";
  return LastSegment(name.substr(0, sends));
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

bool IsMember(std::string_view id) {
  return !id.empty() && id.size() <= handoff::kIdBytesMax &&
         id.find('\0') == std::string_view::npos;
}

// `forwarded`: it came to another member, who sent it on to the entity.
bool IsOf(std::string_view member, const shard::Input& input, bool forwarded) {
  return forwarded ? IsMember(member) : member == input.entity;
}

absl::Status DecodeEntry(shard::Input* input, bool forwarded) {
  segmentation::v1::SegmentEntered event;
  if (!event.ParseFromString(input->payload) || input->payload.size() > kEntryBytesMax ||
      !IsOf(event.member(), *input, forwarded) || event.segment().empty() ||
      !IsValidInstant(event.occurrence_us())) {
    return Invalid("EVENT_MALFORMED",
                   "the bytes are no SegmentEntered of the record's member with an occurrence");
  }
  SetBody(input, Entry{.segment = event.segment(),
                       .occurrence_us = event.occurrence_us(),
                       .reason = event.reason().text(),
                       .event_id = input->id,
                       .member = event.member(),
                       .continues = event.continues_occurrence_us() != 0});
  return absl::OkStatus();
}

absl::Status DecodeReport(shard::Input* input, bool forwarded) {
  v1::DeliveryReported event;
  if (!event.ParseFromString(input->payload) || !IsOf(event.member(), *input, forwarded) ||
      (!event.origin_member().empty() && !IsMember(event.origin_member()))) {
    return Invalid("EVENT_MALFORMED", "the bytes are no DeliveryReported of the record's member");
  }
  REGULARS_RETURN_IF_ERROR(CheckReport(ReportOf(event)));
  SetBody(input, Reported{std::move(event)});
  return absl::OkStatus();
}

absl::Status DecodeOne(shard::Input* input, bool* skip, bool forwarded) {
  if (input->type == events::kSegmentEntered) return DecodeEntry(input, forwarded);
  if (input->type == events::kDeliveryReported) return DecodeReport(input, forwarded);
  *skip = true;
  return absl::OkStatus();
}

bool IsPage(const std::string& cargo) {
  v1::MessagingPage page;
  if (!page.ParseFromString(cargo)) return false;
  const auto names = [](const auto& member, const auto& send_id) {
    return IsMember(member) && SendSub(send_id).has_value();
  };
  return std::all_of(page.sends().begin(), page.sends().end(),
                     [&](const v1::SendState& send) {
                       return names(send.decision().origin_member(), send.decision().send_id());
                     }) &&
         std::all_of(page.reports().begin(), page.reports().end(),
                     [&](const v1::DeliveryReported& report) {
                       return names(report.origin_member(), report.send_id());
                     });
}

absl::Status DecodeHandoff(handoff::Inbound inbound, shard::Input* input) {
  Handoff body{.inbound = std::move(inbound), .record = nullptr};
  const auto* message = std::get_if<handoff::v1::HandoffMessage>(&body.inbound);
  if (message != nullptr && message->has_page() && !IsPage(message->page().cargo())) {
    return Invalid("PAYLOAD_MALFORMED", "the cargo is no page of messaging");
  }
  if (message != nullptr && message->has_record()) {
    const handoff::v1::ForwardedRecord& record = message->record();
    shard::Input inner = *input;
    inner.type = record.type();
    inner.id = record.id();
    inner.payload = record.payload();
    inner.time_us = record.time_us();
    bool skip = false;
    REGULARS_RETURN_IF_ERROR(DecodeOne(&inner, &skip, /*forwarded=*/true));
    if (!skip) {
      body.record = inner.body;
      body.named = NamedBy(BodyOf(inner));
    }
  }
  SetBody(input, std::move(body));
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

}  // namespace

const Body& BodyOf(const shard::Input& input) {
  REGULARS_ASSERT(input.body != nullptr, "an input without a body");
  return *static_cast<const Body*>(input.body.get());
}

std::string NamedBy(const Body& record) {
  if (const auto* entry = std::get_if<Entry>(&record)) return entry->member;
  if (const auto* reported = std::get_if<Reported>(&record))
    return ReportOf(reported->event).origin;
  return "";
}

absl::Status DecodeRecord(shard::Input* input, bool* skip) {
  std::optional<handoff::Inbound> inbound;
  REGULARS_RETURN_IF_ERROR(handoff::ReadInbound(*input, &inbound));
  if (inbound.has_value()) return DecodeHandoff(*std::move(inbound), input);
  return DecodeOne(input, skip, /*forwarded=*/false);
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
  Report report{.send_id = LastSegment(request.name()),
                .delivered = request.outcome() == v1::DELIVERY_OUTCOME_DELIVERED,
                .attempts = request.attempts(),
                .provider_message_id = request.provider_message_id(),
                .http_status = request.http_status(),
                .failure = request.failure(),
                .finished_us = input->now_us,
                .origin = MemberIn(request.name())};
  if (report.origin.empty()) report.origin = input->entity;
  if (request.has_report_time()) {
    const google::protobuf::Timestamp& time = request.report_time();
    if (time.seconds() < 0 || time.seconds() > kMicrosMax / kMicrosPerSecond) {
      return Invalid("REPORT_INVALID", "no valid instant");
    }
    report.finished_us = time.seconds() * kMicrosPerSecond + time.nanos() / 1000;
  }
  REGULARS_RETURN_IF_ERROR(CheckReport(report));
  SetBody(input, ProviderReport{std::move(report)});
  return absl::OkStatus();
}

absl::Status DecodeQuery(shard::Input* input) {
  if (input->type == kListSends) return DecodeListing(input);
  if (input->type != kGetSend) {
    return DomainError(absl::StatusCode::kUnimplemented, "QUERY_UNKNOWN", "no such query");
  }
  v1::GetSendRequest request;
  if (!request.ParseFromString(input->payload)) return Invalid("REQUEST_MALFORMED", "bad bytes");
  SetBody(input, Lookup{LastSegment(request.name()), MemberIn(request.name())});
  return absl::OkStatus();
}

}  // namespace regulars::messaging
