// The identifiers of a touch as callers send them: checked, spelled (libs/normalize) and classed,
// those that name nobody put aside. Thread-safety: pure function.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_IDENTIFIERS_H_
#define REGULARS_SERVICES_INGEST_KERNEL_IDENTIFIERS_H_

#include <string>
#include <string_view>
#include <vector>

#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/ingest/kernel/field_check.h"
#include "services/ingest/kernel/pool_rules.h"

namespace regulars::ingest {

struct KeptIdentifier {
  int index = 0;  // in the touch
  types::v1::IdentifierClass identifier_class = types::v1::IDENTIFIER_CLASS_UNSPECIFIED;
  std::string value;  // its one spelling
};

struct DroppedIdentifier {
  std::string type;
  std::string_view reason;  // normalize::OutcomeText, or kTypeBlocked
};
inline constexpr std::string_view kTypeBlocked = "TYPE_BLOCKED";  // by the pool's classes

struct NormalIdentifiers {
  std::vector<KeptIdentifier> kept;  // in the order of the touch
  std::vector<DroppedIdentifier> dropped;
};

// Fills `out` as far as it comes; what is wrong goes to `check`, whose answer this returns.
bool ReadIdentifiers(const v1::TouchInput& touch, const PoolRules& rules, NormalIdentifiers* out,
                     FieldCheck* check);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_IDENTIFIERS_H_
