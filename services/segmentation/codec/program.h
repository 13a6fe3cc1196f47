// SegmentationProgram: the segmentation kernel behind protobuf, for the shard runtime.
//
// Input: MemberResolved events of identity whose touch is a paid or refunded order, its
// MergeCommitted and SplitCommitted, and the messages of its own handoff topic (codec/handed.h);
// everything else is skipped. Entity = member id. Queries: GetMembership; an alias names its
// survivor. The timer `lapsed` ends the wait for a purchase. Thread-safety: const, shared by every
// shard of the process. Errors of Decode (dead letters): EVENT_MALFORMED, ORDER_INVALID,
// AMOUNT_INVALID, CURRENCY_INVALID, TIME_INVALID, PAYLOAD_MALFORMED; of a query: QUERY_UNKNOWN,
// REQUEST_MALFORMED.
#ifndef REGULARS_SERVICES_SEGMENTATION_CODEC_PROGRAM_H_
#define REGULARS_SERVICES_SEGMENTATION_CODEC_PROGRAM_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/segmentation/kernel/move.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {

inline constexpr std::string_view kGetMembership = "GetMembership";

struct SegmentationConfig {
  Rules default_rules;                 // of pools that are not in `pools`
  std::map<std::string, Rules> pools;  // pool -> rules
};

class SegmentationProgram : public shard::Program {
 public:
  explicit SegmentationProgram(SegmentationConfig config, const MoveLimits& move_limits = {})
      : config_(std::move(config)), move_limits_(move_limits) {}

  std::string service() const override { return "segmentation"; }
  std::vector<shard::InputTopic> inputs() const override;
  absl::Status Decode(shard::Input* input, bool* skip) const override;
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override;
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override;
  std::string CheckInvariants(const shard::EntityState& state) const override;
  // The root only: it answers GetMembership.
  bool InView(std::string_view sub) const override { return sub.empty(); }

  const Rules& RulesOf(const std::string& pool) const;

 private:
  const SegmentationConfig config_;
  const MoveLimits move_limits_;
};

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_CODEC_PROGRAM_H_
