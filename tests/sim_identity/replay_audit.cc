// The decisions of the run taken again from its state, under the rules they were taken under.
#include "libs/base/text.h"
#include "services/identity/simulate/difference.h"
#include "tests/sim_identity/scenario.h"

namespace regulars::sim_identity {

int64_t AuditReplay(World* world) {
  identity::simulate::HistoryReader reader(std::string(kPool), size_t{1} << 30);
  for (int32_t shard = 0; shard < world->shape().shards; ++shard) {
    for (const auto& [entity, state] : world->states(shard)) {
      std::string from;
      while (const auto found = state.Next("", from)) {
        from = found->first + '\0';
        if (!identity::simulate::HistoryReader::Reads(found->first)) continue;
        if (!reader.Add(entity, found->first, found->second).ok()) {
          world->Violation(Cat("no history: ", found->first));
        }
      }
    }
  }
  const identity::LinkRules& rules = world->rules();
  const identity::simulate::History history = reader.Finish(rules.contested_max);
  const auto difference = identity::simulate::Compare(history, rules, rules, 10);
  // With splits it is not: a link that a rule stopped may be between others than then.
  const bool exact = !world->shape().commands;
  if (exact && difference.members_not_reproduced > 0) {
    world->Violation(Cat(difference.members_not_reproduced, " members are not reproduced"));
  }
  return difference.members_not_reproduced;
}

}  // namespace regulars::sim_identity
