// The messaging kernel: entering a segment -> ONE send decision per (member, campaign, occurrence),
// and what became of it. Pure: same state, same input, same now => same effects, byte for byte.
//
//   ""                              MessagingRoot: counts
//   send/<campaign>/<occurrence>    SendState, one per decision, for ever: a late duplicate of its
//                                   trigger finds it and decides nothing
//   send/.../.../<origin>           the same, of another member's entry
//   list/<inverted sequence>        SendIndex, newest first
//
// While members are one by a merge (kernel/move.h), a send is of the member whose entry triggered
// it, its origin: its name and its idempotency key are made with that one's, for ever.
//
// A decision publishes SendDecided twice: as an event for everyone, and as the job of the sender.
// The sender answers with reports, at least once; the first one is final. Control sums of the
// shard: sends_decided, sends_delivered, sends_failed. Thread-safety: free functions without state.
#ifndef REGULARS_SERVICES_MESSAGING_KERNEL_KERNEL_H_
#define REGULARS_SERVICES_MESSAGING_KERNEL_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/time.h"
#include "libs/shard/kernel.h"
#include "regulars/messaging/v1/messaging_state.pb.h"

namespace regulars::messaging {

// Limits, inclusive.
inline constexpr std::size_t kCampaignsPerPoolMax = 64;
inline constexpr std::size_t kCampaignIdBytesMax = 40;  // a send's id is a resource id (63 bytes)
inline constexpr std::size_t kProviderIdBytesMax = 128;
inline constexpr std::size_t kFailureBytesMax = 64;
inline constexpr int32_t kAttemptsMax = 1000;
inline constexpr std::size_t kEntryBytesMax = 16 * 1024;  // of a SegmentEntered

// A campaign of a pool, from configuration: who enters `segment` gets one message.
struct Campaign {
  std::string id;  // IsCampaignId
  std::string segment;
  std::string channel = "webhook";
  std::string template_name;
};

struct Moment {
  std::string pool;
  std::string member;
  Micros now_us = 0;
};

// A member entered a segment.
struct Entry {
  std::string segment;
  Micros occurrence_us = 0;
  std::string reason;      // of the segment
  std::string event_id;    // ce_id of the event
  std::string member;      // who entered: the origin of what is decided
  bool continues = false;  // no new occasion: merges or splits moved the member's orders
};

// What became of a send.
struct Report {
  std::string send_id;
  bool delivered = false;
  int32_t attempts = 0;
  std::string provider_message_id;
  int32_t http_status = 0;
  std::string failure;
  Micros finished_us = 0;
  std::string origin;  // of the send
};

// What became of an input, in order of precedence.
enum class Outcome : uint8_t {
  kContinued,        // entry: no new occasion; who acts on the segment has acted on it
  kNoCampaign,       // entry: no campaign of the pool waits for this segment
  kDecided,          // entry: at least one send was decided
  kAlreadyDecided,   // entry: every campaign had decided this occurrence before
  kUnknownSend,      // report, refused: no such send of this member
  kAlreadyReported,  // report: the same final outcome is recorded
  kFinished,         // report: the other final outcome is recorded and stays
  kDelivered,        // report: the provider took it
  kFailed,           // report: the sender gave up
};
[[nodiscard]] std::string_view OutcomeLabel(Outcome outcome);

// 1..kCampaignIdBytesMax of [a-z0-9_-].
[[nodiscard]] bool IsCampaignId(std::string_view id);
// "win-back-867715200000001": unique in the member.
[[nodiscard]] std::string SendId(std::string_view campaign, Micros occurrence_us);
// State key of a send id, of the member's own one; nullopt when it is none.
[[nodiscard]] std::optional<std::string> SendSub(std::string_view send_id);
// 26 characters of base32 made of SHA-256 over (pool, member, campaign, occurrence);
// `moment.member` is the origin.
[[nodiscard]] std::string IdempotencyKey(const Moment& moment, std::string_view send_id);

// `campaigns` in order of id, at most kCampaignsPerPoolMax.
[[nodiscard]] shard::Effects ApplyEntry(const shard::EntityState& state,
                                        const std::vector<Campaign>& campaigns,
                                        const Moment& moment, const Entry& entry);

struct ReportResult {
  Outcome outcome = Outcome::kUnknownSend;
  std::optional<v1::SendState> send;  // afterwards
  shard::Effects effects;             // with a dead letter for kUnknownSend
};
[[nodiscard]] ReportResult ApplyReport(const shard::EntityState& state, const Moment& moment,
                                       const Report& report);

// Empty when the member's state is sound. Reads at most the newest 1,000 sends.
[[nodiscard]] std::string CheckMember(const shard::EntityState& state);

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_KERNEL_KERNEL_H_
