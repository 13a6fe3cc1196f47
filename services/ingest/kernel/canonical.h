// From a touch as callers send it to the touch as it travels: identifiers as HMACs in one order,
// codes as HMACs, nothing personal in the clear. Contact data and text are left out: sealing needs
// nonces, so the shell adds them.
//
// Pivot rule: the strongest class first (unique, strong, weak), then type, scope and HMAC in byte
// order. So two reports of one event that list the same identifiers have the same pivot, whatever
// their order. Thread-safety: pure functions (the hasher is one: HMAC under the pool's pepper).
#ifndef REGULARS_SERVICES_INGEST_KERNEL_CANONICAL_H_
#define REGULARS_SERVICES_INGEST_KERNEL_CANONICAL_H_

#include <functional>
#include <string>
#include <string_view>

#include "libs/base/time.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/ingest/kernel/identifiers.h"

namespace regulars::ingest {

// 32 bytes for an identifier with its normal value.
using IdentifierHasher = std::function<std::string(std::string_view type, std::string_view scope,
                                                   std::string_view normal)>;

struct CanonicalTouch {
  v1::TouchReceived received;  // its touch is without contact and text
  std::string pivot_key;       // record key
};

// `input` must have passed Validate, which gave `identifiers`. Its strings are moved out.
CanonicalTouch Canonicalize(v1::TouchInput* input, const NormalIdentifiers& identifiers,
                            Micros received_us, const IdentifierHasher& hasher);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_CANONICAL_H_
