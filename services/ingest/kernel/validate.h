// Is this touch fit for the log? The whole table of docs/bad-inputs.md that concerns the content of
// a touch stands behind this one function. It changes nothing. Thread-safety: pure function. Cost:
// linear in the size of the touch; no allocation for a good one but the normal forms of its
// identifiers, which are worked out once, here.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_H_
#define REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_H_

#include <cstddef>
#include <optional>

#include "libs/base/time.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/ingest/kernel/identifiers.h"
#include "services/ingest/kernel/pool_rules.h"
#include "services/ingest/kernel/refusal.h"

namespace regulars::ingest {

// Limits of single fields that libs/base/limits.h does not name, in bytes, inclusive.
inline constexpr size_t kChannelMax = 32;
inline constexpr size_t kScopeMax = 64;  // order_scope
inline constexpr size_t kShortMax = 32;  // kinds and methods
inline constexpr size_t kWordMax = 64;   // line ids, batches, topics, events
inline constexpr size_t kNameMax = 128;  // targets, scenes, conversations, groups
inline constexpr size_t kPlaceMax = 256;
inline constexpr size_t kVerifiedByMax = 64;
inline constexpr size_t kFullNameMax = 128;
inline constexpr size_t kContactPhoneMax = 32;
inline constexpr size_t kContactEmailMax = 254;
inline constexpr int kAddressLinesMax = 8;
inline constexpr size_t kAddressLineMax = 256;
inline constexpr size_t kCityMax = 64;
inline constexpr size_t kRegionCodeMax = 2;
inline constexpr size_t kPostalCodeMax = 16;

// `now_us` is the wall clock, for pools of either clock: history is in the past of both.
// nullopt: fit, and `identifiers`, empty before, holds those of the touch.
std::optional<Refusal> Validate(const v1::TouchInput& touch, const PoolRules& rules, Micros now_us,
                                NormalIdentifiers* identifiers);

// Microseconds of a timestamp; nullopt if its fields are out of range (protobuf's own rules: years
// 1 to 9999, nanoseconds 0 to 999,999,999). May be negative.
std::optional<Micros> MicrosOf(const google::protobuf::Timestamp& timestamp);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_H_
