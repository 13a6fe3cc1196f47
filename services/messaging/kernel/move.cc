#include "services/messaging/kernel/move.h"

#include <map>
#include <optional>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_service.pb.h"

namespace regulars::messaging {
namespace {

constexpr int kPhases = 2;
constexpr std::string_view kPrefixes[kPhases] = {kSendPrefix, kReportPrefix};

template <typename M>
M Parsed(const std::string& bytes) {
  M message;
  REGULARS_ASSERT(message.ParseFromString(bytes), "a value of messaging does not parse");
  return message;
}

const std::string& OriginOf(const v1::DeliveryReported& report) {
  return report.origin_member().empty() ? report.member() : report.origin_member();
}

bool IsOpen(const v1::SendState& send) { return send.status() == v1::SEND_STATUS_DECIDED; }

}  // namespace

Report ReportOf(const v1::DeliveryReported& event) {
  return {.send_id = event.send_id(),
          .delivered = event.delivered(),
          .attempts = event.attempts(),
          .provider_message_id = event.provider_message_id(),
          .http_status = event.http_status(),
          .failure = event.failure(),
          .finished_us = event.finished_us(),
          .origin = OriginOf(event)};
}

bool Mover::IsFull(const v1::MessagingPage& page) const {
  return static_cast<size_t>(page.sends_size() + page.reports_size()) >= limits_.sends ||
         page.ByteSizeLong() >= limits_.bytes || withdrawals_ >= limits_.withdrawals;
}

bool Mover::Load(const handoff::Protocol& protocol, handoff::v1::Outgoing* move,
                 handoff::v1::Page* page) {
  auto at = Parsed<v1::MessagingCursor>(move->cursor());
  v1::MessagingPage out;
  for (size_t looked = 0; at.phase() < kPhases && looked < limits_.keys && !IsFull(out); ++looked) {
    const std::string_view prefix = kPrefixes[at.phase()];
    const auto next =
        draft_.Next(prefix, at.sub().empty() ? std::string(prefix) : Cat(at.sub(), "\x01"));
    if (!next.has_value()) {
      at.set_phase(at.phase() + 1);
      at.clear_sub();
      continue;
    }
    at.set_sub(next->first);
    if (at.phase() == 0) {
      LoadSend(protocol, *move, next->first, next->second, &out);
    } else {
      LoadReport(protocol, *move, next->first, next->second, &out);
    }
  }
  CountMoved(0, out.sends_size());
  page->set_cargo(out.SerializeAsString());
  move->set_cursor(at.SerializeAsString());
  return at.phase() == kPhases;
}

void Mover::LoadSend(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                     const std::string& sub, const std::string& bytes, v1::MessagingPage* page) {
  FoundSend found{sub, Parsed<v1::SendState>(bytes)};
  v1::SendState& send = found.send;
  const std::string origin = OriginOf(send.decision());
  const bool own = origin == protocol.entity();
  if (!protocol.LeavesName(move, own ? "" : origin)) return;
  Remove(found);
  if (IsOpen(send)) {
    Job(send, /*withdrawn=*/true);
    ++withdrawals_;
  }
  if (own) send.set_home_sequence(send.sequence());
  send.clear_sequence();
  send.mutable_decision()->set_origin_member(origin);
  *page->add_sends() = std::move(send);
}

void Mover::LoadReport(const handoff::Protocol& protocol, const handoff::v1::Outgoing& move,
                       const std::string& sub, const std::string& bytes, v1::MessagingPage* page) {
  auto report = Parsed<v1::DeliveryReported>(bytes);
  const std::string origin = OriginOf(report);
  if (!protocol.LeavesName(move, origin == protocol.entity() ? "" : origin)) return;
  shard::Effects step;
  v1::MessagingRoot root = ReadRoot(draft_);
  root.set_pending_reports(root.pending_reports() - 1);
  step.deletes.push_back(sub);
  step.puts.push_back({"", root.SerializeAsString()});
  draft_.Take(std::move(step));
  report.set_origin_member(origin);
  *page->add_reports() = std::move(report);
}

handoff::Unloaded Mover::Unload(const handoff::Protocol& protocol, const handoff::v1::Page& page) {
  const auto came = Parsed<v1::MessagingPage>(page.cargo());
  std::map<std::string, v1::MessagingPage> elsewhere;
  const auto where = [&](const std::string& origin) {
    return protocol.NameAt(origin == protocol.entity() ? "" : origin);
  };
  int64_t here = 0;
  for (const v1::SendState& send : came.sends()) {
    if (const auto member = where(send.decision().origin_member())) {
      *elsewhere[*member].add_sends() = send;
    } else {
      Place(send);
      ++here;
    }
  }
  for (const v1::DeliveryReported& report : came.reports()) {
    if (const auto member = where(report.origin_member())) {
      *elsewhere[*member].add_reports() = report;
    } else {
      PlaceReport(report);
    }
  }
  CountMoved(here, 0);
  handoff::Unloaded unloaded;
  for (const auto& [member, part] : elsewhere) {
    unloaded.elsewhere[member] = part.SerializeAsString();
  }
  return unloaded;
}

void Mover::Place(v1::SendState send) {
  v1::SendDecided* decision = send.mutable_decision();
  const std::string origin = decision->origin_member();
  const std::string send_id = decision->send_id();
  decision->set_member(moment_.member);
  if (origin == moment_.member) {
    decision->clear_origin_member();
    send.set_sequence(send.home_sequence());
    send.clear_home_sequence();
  }
  send.set_job_number(send.job_number() + 1);
  const std::optional<FoundSend> twin = FindSend(draft_, moment_.member, send_id, origin);
  if (twin.has_value()) {
    // Decided here, too. The one that is over counts; of open ones that whose job is out.
    Remove(*twin);
    if (IsOpen(send)) {
      send = twin->send;
    } else if (IsOpen(twin->send)) {
      Job(twin->send, /*withdrawn=*/true);
    }
  }
  Add(send);
  if (const auto waiting = draft_.Get(ReportSub(send_id, origin)); waiting.has_value()) {
    shard::Effects told;
    v1::MessagingRoot root = ReadRoot(draft_);
    root.set_pending_reports(root.pending_reports() - 1);
    told.deletes.push_back(ReportSub(send_id, origin));
    told.puts.push_back({"", root.SerializeAsString()});
    draft_.Take(std::move(told));
    draft_.Take(
        ApplyReport(draft_, moment_, ReportOf(Parsed<v1::DeliveryReported>(*waiting))).effects);
  } else if (IsOpen(send) && !twin.has_value()) {
    Job(send, /*withdrawn=*/false);
  }
}

ReportResult Mover::TakeReport(const v1::DeliveryReported& report) {
  ReportResult result = ApplyReport(draft_, moment_, ReportOf(report));
  const bool ends = result.outcome == Outcome::kDelivered || result.outcome == Outcome::kFailed;
  if (ends && report.member() != moment_.member) Job(*result.send, /*withdrawn=*/true);
  return result;
}

void Mover::PlaceReport(const v1::DeliveryReported& report) {
  ReportResult result = TakeReport(report);
  if (result.outcome != Outcome::kUnknownSend) {
    draft_.Take(std::move(result.effects));
  } else if (!Await(report)) {
    reports_lost_ = true;
  }
}

bool Mover::Await(const v1::DeliveryReported& report) {
  const std::string sub = ReportSub(report.send_id(), OriginOf(report));
  if (draft_.Get(sub).has_value()) return true;  // the first one counts
  v1::MessagingRoot root = ReadRoot(draft_);
  if (root.pending_reports() >= kPendingReportsMax) return false;
  root.set_pending_reports(root.pending_reports() + 1);
  shard::Effects step;
  step.puts.push_back({sub, report.SerializeAsString()});
  step.puts.push_back({"", root.SerializeAsString()});
  draft_.Take(std::move(step));
  return true;
}

void Mover::Job(const v1::SendState& send, bool withdrawn) {
  shard::Effects step;
  PublishJob(send.decision(), send.job_number(), withdrawn, moment_.now_us, &step);
  draft_.Take(std::move(step));
}

void Mover::Remove(const FoundSend& found) {
  v1::MessagingRoot root = ReadRoot(draft_);
  shard::Effects step;
  RemoveSend(found, &root, &step);
  step.puts.push_back({"", root.SerializeAsString()});
  draft_.Take(std::move(step));
}

void Mover::Add(v1::SendState send) {
  v1::MessagingRoot root = ReadRoot(draft_);
  shard::Effects step;
  AddSend(std::move(send), &root, &step);
  step.puts.push_back({"", root.SerializeAsString()});
  draft_.Take(std::move(step));
}

void Mover::CountMoved(int64_t in, int64_t out) {
  v1::MessagingRoot root = ReadRoot(draft_);
  root.set_sends_moved_in(root.sends_moved_in() + in);
  root.set_sends_moved_out(root.sends_moved_out() + out);
  shard::Effects step;
  step.puts.push_back({"", root.SerializeAsString()});
  step.sums.push_back({"sends_moved_in", in});
  step.sums.push_back({"sends_moved_out", out});
  draft_.Take(std::move(step));
}

}  // namespace regulars::messaging
