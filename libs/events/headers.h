// CloudEvents 1.0, Kafka protocol binding, binary content mode: the attributes of an event are
// record headers (`ce_*`, UTF-8), its data is the record's value.
// Sources: CloudEvents spec v1.0.2; Kafka protocol binding for CloudEvents v1.0.2, section 3.2;
// CloudEvents distributed tracing extension (traceparent: W3C Trace Context).
//
// Pure functions over header pairs: this library knows no Kafka client. Thread-safe.
#ifndef REGULARS_LIBS_EVENTS_HEADERS_H_
#define REGULARS_LIBS_EVENTS_HEADERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/base/limits.h"
#include "libs/base/time.h"

namespace regulars::events {

// Limits in bytes, inclusive.
inline constexpr size_t kTypeBytesMax = 128;
inline constexpr size_t kIdBytesMax = 1024;
inline constexpr size_t kSourceBytesMax = 128;
inline constexpr size_t kSubjectBytesMax = 512;
inline constexpr size_t kPoolBytesMax = limits::kPoolNameMax;
inline constexpr size_t kTimeBytesMax = 40;
inline constexpr size_t kTraceparentBytes = 55;  // exactly; version 00
inline constexpr int32_t kShardMax = 4095;       // buckets - 1
// Headers of one record, unknown ones included.
inline constexpr size_t kHeadersMax = 32;

inline constexpr std::string_view kContentType = "application/protobuf";
// `shard` of what ingest writes: it owns no shard.
inline constexpr std::string_view kIngestShard = "ingest";

// The attributes of one event. All views: of a read event they live as long as the headers it was
// read from, of one to be written they need to live until ToHeaders returned.
struct EventHeaders {
  std::string_view type;     // ce_type, types.h
  std::string_view id;       // ce_id; (source, id) is unique, the same in every retry
  std::string_view source;   // ce_source, SourceOf(domain)
  std::string_view subject;  // ce_subject: the entity (member id, pivot key); of a clock: the pool
  Micros time_us = 0;        // ce_time
  std::string_view pool;     // ce_regularspool
  std::string_view shard;    // ce_regularsshard: producing shard in decimal, or kIngestShard
  std::string_view traceparent;  // ce_traceparent; empty = none
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;
using HeaderView = std::pair<std::string_view, std::string_view>;

// The record headers of an event. What FromHeaders would refuse is a bug of the caller and asserts.
[[nodiscard]] HeaderList ToHeaders(const EventHeaders& event);

// The event of record headers, in any order. Unknown headers are ignored; a traceparent that is not
// well-formed is dropped (W3C Trace Context 2.1: never fail a request for it).
// INVALID_ARGUMENT, checked in this order, the header's name in the metadata:
//   HEADERS_TOO_MANY          more than kHeadersMax
//   HEADER_DUPLICATE          an attribute stands there twice
//   HEADER_MISSING            a required attribute is absent or empty
//   SPECVERSION_UNSUPPORTED   ce_specversion is not 1.0
//   CONTENT_TYPE_UNSUPPORTED  content-type is not application/protobuf
//   HEADER_TOO_LONG           above the limits of this file
//   HEADER_INVALID            control characters or broken UTF-8 (CloudEvents 3.1, String); a pool
//                             that is no pool name; a shard that is no number or above kShardMax
//   TIME_INVALID              no RFC 3339 time
[[nodiscard]] absl::StatusOr<EventHeaders> FromHeaders(absl::Span<const HeaderView> headers);

// Only ce_type, "" if absent: what a consumer needs to skip a record without looking further.
[[nodiscard]] std::string_view TypeOf(absl::Span<const HeaderView> headers);

}  // namespace regulars::events

#endif  // REGULARS_LIBS_EVENTS_HEADERS_H_
