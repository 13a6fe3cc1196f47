// The keys of a pool that ingest reads: `pools[].ingest`. Thread-safety: pure; used while starting.
#ifndef REGULARS_SERVICES_INGEST_SHELL_POOL_SECTION_H_
#define REGULARS_SERVICES_INGEST_SHELL_POOL_SECTION_H_

#include <cstddef>

#include "libs/config/section.h"
#include "services/ingest/kernel/pool_rules.h"

namespace regulars::ingest {

inline constexpr size_t kIdentifierClassesMax = 200;

// ingest:
//   identifier_classes: ["vip_card=unique", "fax=blocked"]
// Classes: unique, strong, weak, object, blocked. They add to those of pool_rules.cc or replace
// them.
void ReadIdentifierClasses(config::Section* ingest, PoolRules* rules);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_SHELL_POOL_SECTION_H_
