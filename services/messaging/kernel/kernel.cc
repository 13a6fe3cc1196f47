#include "services/messaging/kernel/kernel.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "libs/base/assert.h"
#include "libs/base/base32.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "services/messaging/kernel/send_book.h"

namespace regulars::messaging {
namespace {

constexpr int kRulesVersion = 1;
constexpr int kCheckedSendsMax = 1000;
constexpr std::size_t kIdempotencyBytes = 16;

v1::SendDecided Decide(const Campaign& campaign, const Moment& moment, const Entry& entry) {
  v1::SendDecided decision;
  decision.set_send_id(SendId(campaign.id, entry.occurrence_us));
  decision.set_member(moment.member);
  decision.set_campaign(campaign.id);
  decision.set_occurrence_us(entry.occurrence_us);
  v1::SendReason* reason = decision.mutable_reason();
  reason->set_rule(Cat(campaign.id, "@", kRulesVersion));
  reason->set_text(Cat("entered ", entry.segment, " at ", FormatRfc3339(entry.occurrence_us), ": ",
                       entry.reason));
  reason->set_segment(entry.segment);
  reason->set_event_id(entry.event_id);
  decision.set_channel(campaign.channel);
  decision.set_idempotency_key(
      IdempotencyKey({moment.pool, entry.member, moment.now_us}, decision.send_id()));
  if (entry.member != moment.member) decision.set_origin_member(entry.member);
  decision.set_template_(campaign.template_name);
  decision.set_decided_us(moment.now_us);
  return decision;
}

void Record(const v1::SendDecided& decision, const Moment& moment, v1::MessagingRoot* root,
            shard::Effects* effects) {
  v1::SendState send;
  *send.mutable_decision() = decision;
  send.set_status(v1::SEND_STATUS_DECIDED);
  AddSend(std::move(send), root, effects);
  effects->publishes.push_back({"events", moment.member, std::string(events::kSendDecided),
                                Cat(OriginOf(decision), "/", decision.send_id()),
                                decision.SerializeAsString(), moment.now_us});
  PublishJob(decision, /*number=*/0, /*withdrawn=*/false, moment.now_us, effects);
}

void PublishResult(const v1::SendState& send, const Moment& moment, bool delivered,
                   shard::Effects* effects) {
  const v1::SendDecided& decision = send.decision();
  const std::string id = Cat(OriginOf(decision), "/", decision.send_id());
  if (delivered) {
    v1::SendDelivered event;
    event.set_send_id(decision.send_id());
    event.set_member(moment.member);
    event.set_campaign(decision.campaign());
    event.set_attempts(send.attempts());
    event.set_provider_message_id(send.provider_message_id());
    event.set_delivered_us(send.finished_us());
    event.set_origin_member(decision.origin_member());
    effects->publishes.push_back({"events", moment.member, std::string(events::kSendDelivered),
                                  Cat(id, "/delivered"), event.SerializeAsString(), moment.now_us});
  } else {
    v1::SendFailed event;
    event.set_send_id(decision.send_id());
    event.set_member(moment.member);
    event.set_campaign(decision.campaign());
    event.set_attempts(send.attempts());
    event.set_http_status(send.http_status());
    event.set_failure(send.failure());
    event.set_failed_us(send.finished_us());
    event.set_origin_member(decision.origin_member());
    effects->publishes.push_back({"events", moment.member, std::string(events::kSendFailed),
                                  Cat(id, "/failed"), event.SerializeAsString(), moment.now_us});
  }
  effects->sums.push_back({delivered ? "sends_delivered" : "sends_failed", 1});
}

}  // namespace

std::string_view OutcomeLabel(Outcome outcome) {
  switch (outcome) {
    case Outcome::kContinued:
      return "continued";
    case Outcome::kNoCampaign:
      return "no_campaign";
    case Outcome::kDecided:
      return "decided";
    case Outcome::kAlreadyDecided:
      return "already_decided";
    case Outcome::kUnknownSend:
      return "unknown_send";
    case Outcome::kAlreadyReported:
      return "already_reported";
    case Outcome::kFinished:
      return "finished";
    case Outcome::kDelivered:
      return "delivered";
    case Outcome::kFailed:
      return "failed";
  }
  REGULARS_ASSERT(false, "an outcome without a label");
}

bool IsCampaignId(std::string_view id) {
  return !id.empty() && id.size() <= kCampaignIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

std::string SendId(std::string_view campaign, Micros occurrence_us) {
  return Cat(campaign, "-", occurrence_us);
}

std::optional<std::string> SendSub(std::string_view send_id) {
  const size_t dash = send_id.rfind('-');
  if (dash == std::string_view::npos || !IsCampaignId(send_id.substr(0, dash))) return std::nullopt;
  int64_t occurrence = 0;
  const std::string_view digits = send_id.substr(dash + 1);
  // One spelling per send: digits as SendId writes them.
  if (!absl::SimpleAtoi(AbslView(digits), &occurrence) || Cat(occurrence) != digits) {
    return std::nullopt;
  }
  return Cat("send/", send_id.substr(0, dash), "/", occurrence);
}

std::string IdempotencyKey(const Moment& moment, std::string_view send_id) {
  std::string facts = moment.pool;
  facts += '\0';
  facts += moment.member;
  facts += '\0';
  facts += send_id;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(facts.data()), facts.size(), digest.data());
  return Base32Encode({reinterpret_cast<const char*>(digest.data()), kIdempotencyBytes});
}

shard::Effects ApplyEntry(const shard::EntityState& state, const std::vector<Campaign>& campaigns,
                          const Moment& moment, const Entry& entry) {
  REGULARS_ASSERT(campaigns.size() <= kCampaignsPerPoolMax, "too many campaigns");
  shard::Effects effects;
  if (entry.continues) {
    effects.outcome = std::string(OutcomeLabel(Outcome::kContinued));
    return effects;
  }
  v1::MessagingRoot root = ReadRoot(state);
  Outcome outcome = Outcome::kNoCampaign;
  for (const Campaign& campaign : campaigns) {
    if (campaign.segment != entry.segment) continue;
    const v1::SendDecided decision = Decide(campaign, moment, entry);
    if (FindSend(state, moment.member, decision.send_id(), entry.member).has_value()) {
      if (outcome == Outcome::kNoCampaign) outcome = Outcome::kAlreadyDecided;
      continue;
    }
    Record(decision, moment, &root, &effects);
    outcome = Outcome::kDecided;
  }
  if (outcome == Outcome::kDecided) effects.puts.push_back({"", root.SerializeAsString()});
  effects.outcome = std::string(OutcomeLabel(outcome));
  return effects;
}

ReportResult ApplyReport(const shard::EntityState& state, const Moment& moment,
                         const Report& report) {
  ReportResult result;
  std::optional<FoundSend> found = FindSend(state, moment.member, report.send_id, report.origin);
  if (found.has_value()) result.send = std::move(found->send);
  if (!result.send.has_value()) {
    result.effects.dead_letter = shard::DeadLetterEffect{"SEND_UNKNOWN", "no such send"};
  } else if (v1::SendState& send = *result.send; send.status() != v1::SEND_STATUS_DECIDED) {
    const bool same = (send.status() == v1::SEND_STATUS_DELIVERED) == report.delivered;
    result.outcome = same ? Outcome::kAlreadyReported : Outcome::kFinished;
  } else {
    result.outcome = report.delivered ? Outcome::kDelivered : Outcome::kFailed;
    send.set_status(report.delivered ? v1::SEND_STATUS_DELIVERED : v1::SEND_STATUS_FAILED);
    send.set_attempts(report.attempts);
    send.set_provider_message_id(report.provider_message_id);
    send.set_http_status(report.http_status);
    send.set_failure(report.delivered ? "" : report.failure);
    send.set_finished_us(report.finished_us);
    v1::MessagingRoot root = ReadRoot(state);
    root.set_delivered(root.delivered() + (report.delivered ? 1 : 0));
    root.set_failed(root.failed() + (report.delivered ? 0 : 1));
    result.effects.puts.push_back({found->sub, send.SerializeAsString()});
    result.effects.puts.push_back({"", root.SerializeAsString()});
    PublishResult(send, moment, report.delivered, &result.effects);
  }
  result.effects.outcome = std::string(OutcomeLabel(result.outcome));
  return result;
}

std::string CheckMember(const shard::EntityState& state) {
  const v1::MessagingRoot root = ReadRoot(state);
  const SendPage page = ReadSends(state, 0, kCheckedSendsMax);
  if (!root.handed() && root.next_send_sequence() != root.decided() + 1) {
    return "sequence differs from the count";
  }
  int64_t delivered = 0;
  int64_t failed = 0;
  int64_t expected = root.decided();
  int64_t above = root.next_send_sequence();
  for (const v1::SendState& send : page.sends) {
    if (root.handed() ? send.sequence() >= above : send.sequence() != above - 1) {
      return "the list has a gap or is out of order";
    }
    above = send.sequence();
    --expected;
    delivered += send.status() == v1::SEND_STATUS_DELIVERED ? 1 : 0;
    failed += send.status() == v1::SEND_STATUS_FAILED ? 1 : 0;
  }
  if (CountReports(state) != root.pending_reports()) return "reports that wait are miscounted";
  if (page.next_sequence != 0) return "";
  if (expected != 0) return "decided differs from the list";
  if (delivered != root.delivered() || failed != root.failed()) {
    return "delivered or failed differ from the sends";
  }
  return "";
}

}  // namespace regulars::messaging
