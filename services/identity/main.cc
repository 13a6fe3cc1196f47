// regulars-identity: who is who. Configuration in, program and gRPC service together, run.
#include <map>
#include <string>
#include <utility>

#include "libs/events/types.h"
#include "libs/normalize/section.h"
#include "libs/service/service.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/shell/candidate_service.h"
#include "services/identity/shell/identity_service.h"
#include "services/identity/shell/link_peer_service.h"
#include "services/identity/shell/link_service.h"
#include "services/identity/shell/matching_section.h"
#include "services/identity/shell/pool_section.h"
#include "services/identity/shell/privacy_peer_service.h"
#include "services/identity/shell/privacy_service.h"
#include "services/identity/shell/rule_service.h"

int main(int argc, char** argv) {
  namespace service = regulars::service;
  namespace identity = regulars::identity;
  identity::IdentityOptions options;
  std::map<std::string, regulars::normalize::Options> spellings;  // by pool
  int64_t simulate_memory_mb = 0, simulate_s_max = 0;
  service::Spec spec;
  spec.name = "identity";
  spec.purpose = "Resolves every touch to one member, once.";
  spec.add_options = [&](regulars::config::Options* declared) {
    identity::AddSimulationOptions(declared, &simulate_memory_mb, &simulate_s_max);
  };
  spec.read_pool = [&](const service::PoolConfig& pool, regulars::config::Section* section) {
    spellings[pool.name] = regulars::normalize::ReadOptions(section);
    if (auto own = section->Child("identity")) {
      options.pool_rules[pool.name] = identity::ReadTouchRules(&*own);
      const identity::LinkRules& links = options.pool_links[pool.name] =
          identity::ReadLinkRules(&*own);
      if (auto matcher = identity::ReadMatching(&*own, links); matcher != nullptr) {
        options.matchers[pool.name] = std::move(matcher);
      }
      own->Finish();
    }
  };
  spec.make_program =
      [&](service::Process& process) -> absl::StatusOr<std::unique_ptr<regulars::shard::Program>> {
    for (const service::PoolConfig& pool : process.pools()) {
      options.vault_keys[pool.name] = {process.transport_keys(pool.name),
                                       process.key_wrapper(pool.name), process.pepper(pool.name),
                                       &spellings[pool.name]};
      // Two values under one pool and version: somebody changed the rules and not their version.
      const std::string rules = identity::RulesTag(options.pool_links[pool.name]);
      process.metrics()
          .MakeGauge("regulars_identity_link_rules_info",
                     "1 for the linking rules of a pool: version and hash",
                     {{"pool", pool.name}, {"rules", rules}})
          .Set(1);
      process.logger().Info("link rules", {{"pool", pool.name}, {"rules", rules}});
    }
    return std::make_unique<identity::IdentityProgram>(options);
  };
  spec.make_services = [&](service::Process& process) -> absl::StatusOr<service::GrpcServices> {
    service::GrpcServices services;
    const auto pepper_of = [&process](const std::string& pool) { return process.pepper(pool); };
    const auto spelling_of =
        [&spellings](const std::string& pool) -> const regulars::normalize::Options* {
      const auto found = spellings.find(pool);
      return found == spellings.end() ? nullptr : &found->second;
    };
    services.push_back(std::make_unique<identity::IdentityService>(
        process.edge(), process.gateway(), pepper_of, spelling_of));
    services.push_back(std::make_unique<identity::LinkService>(process.edge(), process.gateway(),
                                                               pepper_of, spelling_of));
    services.push_back(
        std::make_unique<identity::LinkPeerService>(process.edge(), process.gateway()));
    services.push_back(
        std::make_unique<identity::CandidateService>(process.edge(), process.gateway()));
    services.push_back(
        std::make_unique<identity::PrivacyService>(process.edge(), process.gateway(), pepper_of));
    services.push_back(std::make_unique<identity::PrivacyPeerService>(
        process.edge(), process.gateway(), pepper_of));
    identity::RuleServiceOptions rules;
    for (const service::PoolConfig& pool : process.pools()) {
      rules.pools[pool.name] = options.pool_links[pool.name];
    }
    rules.changelog = regulars::events::TopicName("identity", regulars::events::kChangelogKind,
                                                  process.config().generation);
    rules.shards = static_cast<int32_t>(process.config().shards);
    rules.memory_bytes_max = static_cast<size_t>(simulate_memory_mb) << 20;
    rules.time_us_max = simulate_s_max * regulars::kMicrosPerSecond;
    services.push_back(std::make_unique<identity::RuleService>(
        process.edge(), &process.log(), &process.logger(), std::move(rules)));
    return services;
  };
  return service::Run(std::move(spec), argc, argv);
}
