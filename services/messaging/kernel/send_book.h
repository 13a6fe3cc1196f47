// The sends of one member as state keys, and the counts kept in the root: reading, adding, taking
// away. Pure, free functions. Parsing state the program wrote itself: anything unreadable is a
// broken invariant (asserted).
#ifndef REGULARS_SERVICES_MESSAGING_KERNEL_SEND_BOOK_H_
#define REGULARS_SERVICES_MESSAGING_KERNEL_SEND_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "regulars/messaging/v1/messaging_state.pb.h"

namespace regulars::messaging {

inline constexpr std::string_view kSendPrefix = "send/";
inline constexpr std::string_view kReportPrefix = "report/";

[[nodiscard]] v1::MessagingRoot ReadRoot(const shard::EntityState& state);

// The member whose entry triggered a send.
[[nodiscard]] const std::string& OriginOf(const v1::SendDecided& decision);

struct FoundSend {
  std::string sub;
  v1::SendState send;
};
// Key of a send of another member's entry: `sub` is SendSub of its id.
[[nodiscard]] std::string SendSubOf(std::string sub, std::string_view origin);
// The send with this id and origin; `member`: whose state it is.
[[nodiscard]] std::optional<FoundSend> FindSend(const shard::EntityState& state,
                                                std::string_view member, std::string_view send_id,
                                                std::string_view origin);

// Adds a send as the newest one of the list, or under its own number if it has one
// (SendState.sequence): keys, counts, control sums. There must be none of its id and origin.
void AddSend(v1::SendState send, v1::MessagingRoot* root, shard::Effects* effects);
// Takes it away.
void RemoveSend(const FoundSend& found, v1::MessagingRoot* root, shard::Effects* effects);

struct SendPage {
  std::vector<v1::SendState> sends;
  int64_t next_sequence = 0;  // where the next page begins; 0 = this was the last
};
// Newest first, from `sequence` on (0 = the newest).
[[nodiscard]] SendPage ReadSends(const shard::EntityState& state, int64_t sequence, size_t max);

// The job of a send for the sender: SendState.job_number, and whether it is given or withdrawn.
void PublishJob(const v1::SendDecided& decision, int32_t number, bool withdrawn, int64_t now_us,
                shard::Effects* effects);

// Reports that wait for their sends.
[[nodiscard]] int32_t CountReports(const shard::EntityState& state);
// Key of a report that waits for its send.
[[nodiscard]] std::string ReportSub(std::string_view send_id, std::string_view origin);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_KERNEL_SEND_BOOK_H_
