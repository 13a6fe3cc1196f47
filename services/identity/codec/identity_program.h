// Identity as a shard program: wire <-> kernel.
//
// Inputs: ingest's touches (entity = pivot's identifier key), identity's own links (entity = the
// identifier or member they are for). Queries: LookupMember (entity = identifier key), GetMember,
// GetMemberFull and SummarizeMember (entity = member id), and those of link_queries.h. Commands:
// MergeMembers, SplitMember, UndoMerge (entity = member id). What concerns personal data:
// vault/privacy_codec.h; candidates: candidates/candidate_codec.h. Outputs: events keyed by member,
// links keyed by entity. Only new touches are published; repeats end here. A pool whose linking is
// off resolves every touch at its pivot alone. Thread-safety, errors, units: as shard::Program.
#ifndef REGULARS_SERVICES_IDENTITY_CODEC_IDENTITY_PROGRAM_H_
#define REGULARS_SERVICES_IDENTITY_CODEC_IDENTITY_PROGRAM_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/text.h"
#include "libs/shard/kernel.h"
#include "services/identity/candidates/candidate_codec.h"
#include "services/identity/kernel/link_rules.h"
#include "services/identity/kernel/resolve.h"
#include "services/identity/match/matcher.h"
#include "services/identity/vault/pool_keys.h"

namespace regulars::identity {

inline constexpr std::string_view kLookupMember = "LookupMember";
inline constexpr std::string_view kGetMember = "GetMember";
inline constexpr std::string_view kGetMemberFull = "GetMemberFull";
inline constexpr std::string_view kSummarizeMember = "SummarizeMember";
inline constexpr std::string_view kMergeMembers = "MergeMembers";
inline constexpr std::string_view kSplitMember = "SplitMember";
inline constexpr std::string_view kUndoMerge = "UndoMerge";

struct IdentityOptions {
  LinkRules links;  // for pools without their own
  absl::flat_hash_map<std::string, LinkRules, TextHash, TextEq> pool_links;  // by pool
  TouchRules rules;  // for pools without their own
  absl::flat_hash_map<std::string, TouchRules, TextHash, TextEq> pool_rules;       // by pool
  absl::flat_hash_map<std::string, vault::PoolKeys, TextHash, TextEq> vault_keys;  // by pool
  // By pool; a pool without one looks for no candidates.
  absl::flat_hash_map<std::string, std::shared_ptr<const match::Matcher>, TextHash, TextEq>
      matchers;
};

class IdentityProgram final : public shard::Program {
 public:
  explicit IdentityProgram(IdentityOptions options = {});

  std::string service() const override { return "identity"; }
  std::vector<shard::InputTopic> inputs() const override;
  absl::Status Decode(shard::Input* input, bool* skip) const override;
  shard::Effects Apply(const shard::EntityState& state, const shard::Input& input) const override;
  shard::Reply Query(const shard::EntityState& state, const shard::Input& input) const override;
  std::string CheckInvariants(const shard::EntityState& state) const override;
  bool InView(std::string_view sub) const override;

 private:
  const TouchRules& RulesOf(std::string_view pool) const;
  const LinkRules& LinksOf(std::string_view pool) const;
  // Keys of nothing for a pool without a vault.
  vault::PoolKeys KeysOf(std::string_view pool) const;
  candidates::Rules CandidateRulesOf(std::string_view pool) const;
  shard::Effects ApplyPrivacy(const shard::EntityState& state, const shard::Input& input) const;

  const IdentityOptions options_;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_CODEC_IDENTITY_PROGRAM_H_
