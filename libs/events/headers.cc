#include "libs/events/headers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "absl/status/status.h"
#include "libs/base/assert.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/timestamp.h"

namespace regulars::events {
namespace {

// The attributes we write and read; the order is the order on the wire.
enum Attribute : size_t {
  kSpecVersion,
  kType,
  kId,
  kSource,
  kSubject,
  kTime,
  kPool,
  kShard,
  kContent,
  kTraceparent,
  kAttributeCount,
};

struct AttributeRule {
  std::string_view header;
  size_t bytes_max;
};

constexpr std::array<AttributeRule, kAttributeCount> kRules = {{
    {"ce_specversion", 8},
    {"ce_type", kTypeBytesMax},
    {"ce_id", kIdBytesMax},
    {"ce_source", kSourceBytesMax},
    {"ce_subject", kSubjectBytesMax},
    {"ce_time", kTimeBytesMax},
    {"ce_regularspool", kPoolBytesMax},
    {"ce_regularsshard", 8},
    {"content-type", 64},
    {"ce_traceparent", kTraceparentBytes},
}};

using Values = std::array<std::string_view, kAttributeCount>;

absl::Status Refuse(std::string_view reason, std::string_view header, std::string_view message) {
  return DomainError(absl::StatusCode::kInvalidArgument, reason, Cat(header, ": ", message),
                     {{"header", std::string(header)}});
}

std::optional<Attribute> AttributeOf(std::string_view header) {
  for (size_t i = 0; i < kAttributeCount; ++i) {
    if (kRules[i].header == header) return static_cast<Attribute>(i);
  }
  return std::nullopt;
}

// Bytes of the UTF-8 sequence at the start of `text`, 0 if it is broken (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
size_t SequenceBytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// A CloudEvents String: UTF-8 without control characters (U+0000-1F, U+7F-9F).
bool IsCleanText(std::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x20 || lead == 0x7F) return false;
    const size_t bytes = SequenceBytes(text);
    if (bytes == 0) return false;
    if (lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

bool IsPoolName(std::string_view pool) {
  return std::all_of(pool.begin(), pool.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsShard(std::string_view shard) {
  if (shard == kIngestShard) return true;
  if (shard.size() > 1 && shard[0] == '0') return false;
  int32_t number = -1;
  const char* end = shard.data() + shard.size();
  const auto result = std::from_chars(shard.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && number >= 0 && number <= kShardMax;
}

// "00-<32 hex>-<16 hex>-<2 hex>", ids not all zero.
bool IsTraceparent(std::string_view text) {
  if (text.size() != kTraceparentBytes || text.substr(0, 3) != "00-" || text[35] != '-' ||
      text[52] != '-') {
    return false;
  }
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const auto is_id = [&](std::string_view id) {
    return std::all_of(id.begin(), id.end(), is_hex) &&
           id.find_first_not_of('0') != std::string_view::npos;
  };
  return is_id(text.substr(3, 32)) && is_id(text.substr(36, 16)) && is_hex(text[53]) &&
         is_hex(text[54]);
}

// Everything but presence, specversion, content type and time.
absl::Status CheckValues(const Values& values) {
  for (size_t i = 0; i < kAttributeCount; ++i) {
    if (i == kTraceparent) continue;
    if (values[i].size() > kRules[i].bytes_max) {
      return Refuse("HEADER_TOO_LONG", kRules[i].header,
                    Cat("longer than ", kRules[i].bytes_max, " bytes"));
    }
  }
  for (size_t i = 0; i < kAttributeCount; ++i) {
    if (i == kTraceparent) continue;
    if (!IsCleanText(values[i])) {
      return Refuse("HEADER_INVALID", kRules[i].header, "control characters or broken UTF-8");
    }
  }
  if (!IsPoolName(values[kPool])) {
    return Refuse("HEADER_INVALID", kRules[kPool].header, "not a pool name");
  }
  if (!IsShard(values[kShard])) {
    return Refuse("HEADER_INVALID", kRules[kShard].header, "not a shard");
  }
  return absl::OkStatus();
}

absl::StatusOr<Values> Collect(absl::Span<const HeaderView> headers) {
  if (headers.size() > kHeadersMax) {
    return Refuse("HEADERS_TOO_MANY", "headers", Cat("more than ", kHeadersMax));
  }
  Values values;
  std::array<bool, kAttributeCount> seen = {};
  for (const auto& [header, value] : headers) {
    const std::optional<Attribute> attribute = AttributeOf(header);
    if (!attribute) continue;
    if (seen[*attribute]) return Refuse("HEADER_DUPLICATE", header, "stands there twice");
    seen[*attribute] = true;
    values[*attribute] = value;
  }
  for (size_t i = 0; i < kAttributeCount; ++i) {
    if (i != kTraceparent && values[i].empty()) {
      return Refuse("HEADER_MISSING", kRules[i].header, "is required");
    }
  }
  return values;
}

}  // namespace

HeaderList ToHeaders(const EventHeaders& event) {
  std::array<char, kTimestampBytes> time;
  WriteTimestamp(event.time_us, &time);
  Values values;
  values[kSpecVersion] = "1.0";
  values[kType] = event.type;
  values[kId] = event.id;
  values[kSource] = event.source;
  values[kSubject] = event.subject;
  values[kTime] = std::string_view(time.data(), time.size());
  values[kPool] = event.pool;
  values[kShard] = event.shard;
  values[kContent] = kContentType;
  values[kTraceparent] = event.traceparent;
  REGULARS_ASSERT(CheckValues(values).ok(), "an attribute that no consumer would accept");
  HeaderList list;
  list.reserve(kAttributeCount);
  for (size_t i = 0; i < kAttributeCount; ++i) {
    REGULARS_ASSERT(i == kTraceparent || !values[i].empty(), "a required attribute is empty");
    if (i == kTraceparent && !IsTraceparent(values[i])) continue;
    list.emplace_back(kRules[i].header, values[i]);
  }
  return list;
}

absl::StatusOr<EventHeaders> FromHeaders(absl::Span<const HeaderView> headers) {
  REGULARS_ASSIGN_OR_RETURN(const Values values, Collect(headers));
  if (values[kSpecVersion] != "1.0") {
    return Refuse("SPECVERSION_UNSUPPORTED", kRules[kSpecVersion].header, "must be 1.0");
  }
  if (values[kContent] != kContentType) {
    return Refuse("CONTENT_TYPE_UNSUPPORTED", kRules[kContent].header,
                  Cat("must be ", kContentType));
  }
  REGULARS_RETURN_IF_ERROR(CheckValues(values));
  const absl::StatusOr<Micros> time = ParseTimestamp(values[kTime]);
  if (!time.ok()) {
    return Refuse("TIME_INVALID", kRules[kTime].header, "not an RFC 3339 time");
  }
  EventHeaders event;
  event.type = values[kType];
  event.id = values[kId];
  event.source = values[kSource];
  event.subject = values[kSubject];
  event.time_us = *time;
  event.pool = values[kPool];
  event.shard = values[kShard];
  if (IsTraceparent(values[kTraceparent])) event.traceparent = values[kTraceparent];
  return event;
}

std::string_view TypeOf(absl::Span<const HeaderView> headers) {
  for (const auto& [header, value] : headers) {
    if (header == kRules[kType].header) return value;
  }
  return {};
}

}  // namespace regulars::events
