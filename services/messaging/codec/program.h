// MessagingProgram: the messaging kernel behind protobuf, for the shard runtime.
//
// Inputs: SegmentEntered of segmentation, DeliveryReported of the sender, MergeCommitted and
// SplitCommitted of identity (everything else there is skipped), and the messages of its own
// handoff topic (codec/handed.h). Entity = member id. Command: ReportDelivery (a provider's own
// report). Queries: GetSend, ListSends. Outputs: `events`, and `sends`, the jobs of the sender.
// Thread-safety: const, shared by every shard of the process. Errors of Decode: EVENT_MALFORMED,
// REPORT_INVALID and PAYLOAD_MALFORMED (dead letters); REQUEST_MALFORMED, OUTCOME_MISSING,
// REPORT_INVALID, PAGE_SIZE_INVALID, PAGE_TOKEN_INVALID, QUERY_UNKNOWN, COMMAND_UNKNOWN (answers).
// Of Apply: MEMBER_MOVING, MEMBER_MERGED, SEND_UNKNOWN, SEND_FINISHED; PENDING_REPORTS_FULL,
// HANDOFF_HOPS (dead letters). Of Query: SEND_UNKNOWN, MEMBER_MERGED.
#ifndef REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_
#define REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/messaging/kernel/kernel.h"
#include "services/messaging/kernel/move.h"

namespace regulars::messaging {

inline constexpr std::string_view kGetSend = "GetSend";
inline constexpr std::string_view kListSends = "ListSends";
inline constexpr std::string_view kReportDelivery = "ReportDelivery";

// What GetSend of this name reads, all of it in the view: whether its entity is an alias, the
// entity's own send of that id, and that of `member`, whom the name names.
[[nodiscard]] std::vector<std::string> SendViewSubs(std::string_view name, std::string_view member);

struct MessagingConfig {
  std::vector<Campaign> default_campaigns;             // of pools that are not in `pools`
  std::map<std::string, std::vector<Campaign>> pools;  // pool -> campaigns
};

// INVALID_ARGUMENT CAMPAIGN_INVALID: an id that is empty, too long, twice, or not of [a-z0-9_-]; no
// segment; more than kCampaignsPerPoolMax campaigns in a pool.
[[nodiscard]] absl::Status CheckCampaigns(const std::vector<Campaign>& campaigns);

class MessagingProgram : public shard::Program {
 public:
  // Campaigns that CheckCampaigns refuses are a bug of the caller (asserted). Sorts them by id.
  explicit MessagingProgram(MessagingConfig config, const MoveLimits& move_limits = {});

  std::string service() const override { return "messaging"; }
  std::vector<shard::InputTopic> inputs() const override;
  absl::Status Decode(shard::Input* input, bool* skip) const override;
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override;
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override;
  std::string CheckInvariants(const shard::EntityState& state) const override;
  // The root and the sends: they answer GetSend. ListSends is answered by the owner.
  bool InView(std::string_view sub) const override {
    return sub.empty() || sub.substr(0, 5) == "send/";
  }

  const std::vector<Campaign>& CampaignsOf(const std::string& pool) const;

 private:
  MessagingConfig config_;
  const MoveLimits move_limits_;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_
