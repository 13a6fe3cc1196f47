#include "services/messaging/kernel/send_book.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "services/messaging/kernel/kernel.h"

namespace regulars::messaging {
namespace {

constexpr std::string_view kListPrefix = "list/";

// Later sends come first in byte order.
std::string ListSub(int64_t sequence) {
  return absl::StrFormat("list/%016x", std::numeric_limits<int64_t>::max() - sequence);
}

v1::SendState Parsed(const std::string& bytes) {
  v1::SendState send;
  REGULARS_ASSERT(send.ParseFromString(bytes), "unreadable send");
  return send;
}

void Count(const v1::SendState& send, int64_t sign, v1::MessagingRoot* root,
           shard::Effects* effects) {
  root->set_decided(root->decided() + sign);
  effects->sums.push_back({"sends_decided", sign});
  if (send.status() == v1::SEND_STATUS_DELIVERED) {
    root->set_delivered(root->delivered() + sign);
    effects->sums.push_back({"sends_delivered", sign});
  } else if (send.status() == v1::SEND_STATUS_FAILED) {
    root->set_failed(root->failed() + sign);
    effects->sums.push_back({"sends_failed", sign});
  }
}

}  // namespace

v1::MessagingRoot ReadRoot(const shard::EntityState& state) {
  v1::MessagingRoot root;
  if (const auto value = state.Get(""); value.has_value()) {
    REGULARS_ASSERT(root.ParseFromString(*value), "unreadable root");
  } else {
    root.set_next_send_sequence(1);
  }
  return root;
}

const std::string& OriginOf(const v1::SendDecided& decision) {
  return decision.origin_member().empty() ? decision.member() : decision.origin_member();
}

std::string SendSubOf(std::string sub, std::string_view origin) { return Cat(sub, "/", origin); }

std::optional<FoundSend> FindSend(const shard::EntityState& state, std::string_view member,
                                  std::string_view send_id, std::string_view origin) {
  std::optional<std::string> sub = SendSub(send_id);
  if (!sub.has_value()) return std::nullopt;
  if (origin != member) sub = SendSubOf(*sub, origin);
  const auto value = state.Get(*sub);
  if (!value.has_value()) return std::nullopt;
  return FoundSend{*std::move(sub), Parsed(*value)};
}

void AddSend(v1::SendState send, v1::MessagingRoot* root, shard::Effects* effects) {
  const v1::SendDecided& decision = send.decision();
  std::string sub = *SendSub(decision.send_id());
  if (!decision.origin_member().empty()) sub = SendSubOf(sub, decision.origin_member());
  if (send.sequence() == 0) send.set_sequence(root->next_send_sequence());
  root->set_next_send_sequence(std::max(root->next_send_sequence(), send.sequence() + 1));
  effects->puts.push_back({sub, send.SerializeAsString()});
  v1::SendIndex index;
  index.set_send_id(decision.send_id());
  index.set_origin_member(decision.origin_member());
  effects->puts.push_back({ListSub(send.sequence()), index.SerializeAsString()});
  Count(send, 1, root, effects);
}

void RemoveSend(const FoundSend& found, v1::MessagingRoot* root, shard::Effects* effects) {
  effects->deletes.push_back(found.sub);
  effects->deletes.push_back(ListSub(found.send.sequence()));
  Count(found.send, -1, root, effects);
}

SendPage ReadSends(const shard::EntityState& state, int64_t sequence, size_t max) {
  SendPage page;
  auto next = state.Next(kListPrefix, sequence == 0 ? std::string(kListPrefix) : ListSub(sequence));
  while (next.has_value()) {
    v1::SendIndex index;
    REGULARS_ASSERT(index.ParseFromString(next->second), "unreadable index");
    std::optional<FoundSend> found =
        FindSend(state, /*member=*/"", index.send_id(), index.origin_member());
    REGULARS_ASSERT(found.has_value(), "the list names a send that is not there");
    if (page.sends.size() == max) {
      page.next_sequence = found->send.sequence();
      return page;
    }
    page.sends.push_back(std::move(found->send));
    next = state.Next(kListPrefix, Cat(next->first, "\x01"));
  }
  return page;
}

int32_t CountReports(const shard::EntityState& state) {
  int32_t count = 0;
  for (auto next = state.Next(kReportPrefix, kReportPrefix); next.has_value();
       next = state.Next(kReportPrefix, Cat(next->first, "\x01"))) {
    ++count;
  }
  return count;
}

void PublishJob(const v1::SendDecided& decision, int32_t number, bool withdrawn, int64_t now_us,
                shard::Effects* effects) {
  v1::SendDecided job = decision;
  job.set_withdrawn(withdrawn);
  std::string id = job.idempotency_key();
  if (number > 0) Append(&id, "/", number);
  if (withdrawn) Append(&id, "/withdrawn");
  effects->publishes.push_back({std::string(events::kSendsKind), job.member(),
                                std::string(events::kSendDecided), std::move(id),
                                job.SerializeAsString(), now_us});
}

std::string ReportSub(std::string_view send_id, std::string_view origin) {
  return Cat(kReportPrefix, send_id, "/", origin);
}

}  // namespace regulars::messaging
