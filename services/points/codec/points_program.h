// The points service as the shard runtime sees it: what it reads, how bytes become inputs of the
// Ledger, and how answers become replies. One program per pool, given at construction.
//   record  io.regulars.identity.v1.MemberResolved  earn, refund, or the first sight of a member
//   command RedeemPoints, ReversePoints             payload = the gRPC request
//   query   GetBalance, ListEntries                 payload = the gRPC request
//   timer   expire
//   record  MergeCommitted, SplitCommitted of identity; HandoffMessage of its own topic
//   (libs/handoff)
// A command or query names its balance as pools/{pool}/members/{member}/balances/{program}; the
// member becomes the input's entity. Refused in Decode, before anything is read: what does not
// parse or is out of a documented limit (INVALID_ARGUMENT), a foreign pool (PERMISSION_DENIED
// POOL_MISMATCH), an unknown program (NOT_FOUND). Refused by the kernel: see kernel/outcomes.h.
// Thread-safety: const; one object serves every shard.
#ifndef REGULARS_SERVICES_POINTS_CODEC_POINTS_PROGRAM_H_
#define REGULARS_SERVICES_POINTS_CODEC_POINTS_PROGRAM_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/shard/kernel.h"
#include "services/points/codec/inputs.h"
#include "services/points/kernel/move.h"
#include "services/points/kernel/program_config.h"

namespace regulars::points {

class PointsProgram : public shard::Program {
 public:
  // Every ProgramConfig must be valid (asserted). Pools without one have no points: their records
  // are skipped, their commands refused with PROGRAM_UNKNOWN.
  explicit PointsProgram(std::map<std::string, ProgramConfig> programs,
                         const MoveLimits& move_limits = {});

  std::string service() const override { return "points"; }
  std::vector<shard::InputTopic> inputs() const override;
  absl::Status Decode(shard::Input* input, bool* skip) const override;
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override;
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override;
  std::string CheckInvariants(const shard::EntityState& state) const override;
  // The root: it answers GetBalance.
  bool InView(std::string_view sub) const override { return sub.empty(); }

 private:
  const ProgramConfig* ProgramOf(std::string_view pool) const;
  // An input of a member that merges or splits took part in, or one of them.
  shard::Effects ApplyHanded(const shard::EntityState& state, const shard::Input& input,
                             const ProgramConfig& program, const Handoff* handoff,
                             Ledger* ledger) const;

  std::map<std::string, ProgramConfig, std::less<>> programs_;
  const MoveLimits move_limits_;
};

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_CODEC_POINTS_PROGRAM_H_
