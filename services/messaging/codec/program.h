// MessagingProgram: the messaging kernel behind protobuf, for the shard runtime.
//
// Inputs: SegmentEntered of segmentation (everything else there is skipped) and DeliveryReported of
// the sender. Entity = member id. Command: ReportDelivery (a provider's own report). Queries:
// GetSend, ListSends. Outputs: `events`, and `sends`, the jobs of the sender. Thread-safety: const,
// shared by every shard of the process. Errors of Decode: EVENT_MALFORMED and REPORT_INVALID (dead
// letters); REQUEST_MALFORMED, OUTCOME_MISSING, REPORT_INVALID, PAGE_SIZE_INVALID,
// PAGE_TOKEN_INVALID, QUERY_UNKNOWN, COMMAND_UNKNOWN (answers). Of Query: SEND_UNKNOWN.
#ifndef REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_
#define REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/messaging/kernel/kernel.h"

namespace regulars::messaging {

inline constexpr std::string_view kGetSend = "GetSend";
inline constexpr std::string_view kListSends = "ListSends";
inline constexpr std::string_view kReportDelivery = "ReportDelivery";

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
  explicit MessagingProgram(MessagingConfig config);

  std::string service() const override { return "messaging"; }
  std::vector<shard::InputTopic> inputs() const override {
    return {{"segmentation", "events", 1}, {"messaging", "reports", -1}};
  }
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
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_CODEC_PROGRAM_H_
