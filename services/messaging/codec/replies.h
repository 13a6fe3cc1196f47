// How sends are shown to callers. Pure. Internal to the codec.
#ifndef REGULARS_SERVICES_MESSAGING_CODEC_REPLIES_H_
#define REGULARS_SERVICES_MESSAGING_CODEC_REPLIES_H_

#include "libs/shard/kernel.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "services/messaging/kernel/kernel.h"

namespace regulars::messaging {

// Named after the member whose entry triggered it: a send keeps its name through merges and splits.
[[nodiscard]] v1::Send SendOf(const shard::Input& input, const v1::SendState& state);
// NOT_FOUND SEND_UNKNOWN.
[[nodiscard]] shard::Reply UnknownSend();
// The answer to ReportDelivery.
[[nodiscard]] shard::Reply ReportReply(const shard::Input& input, const ReportResult& result);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_CODEC_REPLIES_H_
