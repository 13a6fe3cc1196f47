#include "services/messaging/codec/replies.h"

#include "libs/base/text.h"
#include "libs/base/time.h"

namespace regulars::messaging {
namespace {

void SetTime(Micros us, google::protobuf::Timestamp* time) {
  time->set_seconds(us / kMicrosPerSecond);
  time->set_nanos(static_cast<int32_t>(us % kMicrosPerSecond * 1000));
}

}  // namespace

v1::Send SendOf(const shard::Input& input, const v1::SendState& state) {
  const v1::SendDecided& decision = state.decision();
  v1::Send send;
  const std::string& origin =
      decision.origin_member().empty() ? input.entity : decision.origin_member();
  send.set_name(Cat("pools/", input.pool, "/members/", origin, "/sends/", decision.send_id()));
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

shard::Reply UnknownSend() {
  return {absl::StatusCode::kNotFound, "SEND_UNKNOWN", "no such send of this member", ""};
}

// The answer to ReportDelivery.
shard::Reply ReportReply(const shard::Input& input, const ReportResult& result) {
  if (result.outcome == Outcome::kUnknownSend) return UnknownSend();
  if (result.outcome == Outcome::kFinished) {
    return {absl::StatusCode::kFailedPrecondition, "SEND_FINISHED",
            "another final outcome is recorded", ""};
  }
  shard::Reply reply;
  reply.payload = SendOf(input, *result.send).SerializeAsString();
  return reply;
}

}  // namespace regulars::messaging
