// What ingest knows of a pool: configuration as plain values.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_POOL_RULES_H_
#define REGULARS_SERVICES_INGEST_KERNEL_POOL_RULES_H_

#include <map>
#include <string>
#include <string_view>

#include "libs/normalize/normalize.h"
#include "regulars/types/v1/identifier.pb.h"

namespace regulars::ingest {

// Class of an identifier by type. Types of the pool's configuration replace or extend these.
std::map<std::string, types::v1::IdentifierClass, std::less<>> DefaultIdentifierClasses();

struct PoolRules {
  std::string pool;
  bool event_clock = false;  // `clock: event`: time comes with the touches and AdvanceClock
  std::map<std::string, types::v1::IdentifierClass, std::less<>> classes =
      DefaultIdentifierClasses();
  normalize::Options identifiers;  // how they are spelled, and which values name nobody
};

// Strongest first: unique, strong, weak, object, blocked.
int ClassRank(types::v1::IdentifierClass identifier_class);

// True for classes that name a person or a hint of one: not objects, not blocked values.
bool NamesPerson(types::v1::IdentifierClass identifier_class);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_POOL_RULES_H_
