// Every size and count that input from outside can reach (law 10). Each limit is inclusive: the
// value itself is accepted, one above it is refused, and both are tested. Sizes are bytes of UTF-8.
#ifndef REGULARS_LIBS_BASE_LIMITS_H_
#define REGULARS_LIBS_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace regulars::limits {

// --- names and ids -------------------------------------------------------------------------------
inline constexpr std::size_t kPoolNameMax = 63;      // [a-z0-9-], a DNS label
inline constexpr std::size_t kMemberIdMax = 63;      // m_ + base32
inline constexpr std::size_t kResourceIdMax = 63;    // segment, campaign, program, shop, brand
inline constexpr std::size_t kNativeIdMax = 256;     // the source's own id of a touch
inline constexpr std::size_t kSourceNameMax = 64;    // the source system of a touch
inline constexpr std::size_t kRequestIdMax = 36;     // AIP-155: a UUID
inline constexpr std::size_t kOperationIdMax = 256;  // business id of a redemption, a code, a send
inline constexpr std::size_t kStateKeyMax = 1024;    // pool + entity + sub key

// --- touches -------------------------------------------------------------------------------------
inline constexpr std::size_t kTouchBytesMax = 64 * 1024;
inline constexpr std::size_t kTouchIdentifiersMax = 64;
inline constexpr std::size_t kIdentifierTypeMax = 32;
inline constexpr std::size_t kIdentifierScopeMax = 64;
inline constexpr std::size_t kIdentifierValueMax =
    320;  // the longest mail address (RFC 5321 §4.5.3.1)
inline constexpr std::size_t kOrderLinesMax = 500;
inline constexpr std::size_t kLineSerialsMax = 100;
inline constexpr std::size_t kSkuMax = 128;
inline constexpr std::size_t kTextMax = 4096;  // review or chat text, before sealing
inline constexpr std::size_t kAttributionFieldMax = 256;
inline constexpr std::size_t kTouchesOutstandingMax = 1000;    // per RecordTouches stream
inline constexpr int64_t kAmountMinorMax = 1'000'000'000'000;  // 10^10 of a currency with cents
inline constexpr int64_t kQuantityMax = 1'000'000;
inline constexpr int64_t kTouchFutureSecondsMax =
    300;  // occurred_at may lead the pool's now by this

// --- state ---------------------------------------------------------------------------------------
inline constexpr std::size_t kStateValueMax = 64 * 1024;
inline constexpr std::size_t kStateValueAlarm = 16 * 1024;

// --- calls ---------------------------------------------------------------------------------------
inline constexpr std::size_t kRequestBytesMax = 1024 * 1024;  // one gRPC message received
inline constexpr std::size_t kMetadataBytesMax = 16 * 1024;   // all request headers
inline constexpr int32_t kPageSizeDefault = 50;
inline constexpr int32_t kPageSizeMax = 1000;  // AIP-158: larger is coerced
inline constexpr std::size_t kPageTokenMax = 512;
inline constexpr std::size_t kConcurrentStreamsMax = 1000;  // per connection
inline constexpr std::size_t kShardCommandsQueuedMax = 10'000;

// --- configuration -------------------------------------------------------------------------------
inline constexpr std::size_t kPoolsMax = 1000;
inline constexpr std::size_t kConfigFileBytesMax = 1024 * 1024;
inline constexpr std::size_t kKeyRingKeysMax = 64;  // generations of one key
inline constexpr std::size_t kApiKeysMax = 10'000;
inline constexpr std::size_t kLogFieldMax = 2048;  // one field of a log line, then cut

static_assert(kTouchBytesMax < kRequestBytesMax, "a touch fits into a request");
static_assert(kStateValueAlarm < kStateValueMax, "the alarm comes before the limit");
static_assert(kPageSizeDefault <= kPageSizeMax, "the default page is a valid page");
static_assert(kAmountMinorMax < INT64_MAX / kQuantityMax, "amount times quantity cannot overflow");

}  // namespace regulars::limits

#endif  // REGULARS_LIBS_BASE_LIMITS_H_
