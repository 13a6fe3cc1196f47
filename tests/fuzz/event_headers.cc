// Record headers, topic names, times and base 32 as they are read from outside.
#include <string>
#include <utility>
#include <vector>

#include "libs/base/base32.h"
#include "libs/base/status.h"
#include "libs/base/time.h"
#include "libs/events/headers.h"
#include "libs/events/timestamp.h"
#include "libs/events/types.h"
#include "tests/fuzz/target.h"

namespace regulars::fuzz {
namespace {

void Headers(Bytes bytes) {
  std::vector<events::HeaderView> headers;
  while (!bytes.empty() && headers.size() <= events::kHeadersMax) {
    const std::string_view name = bytes.Text();
    headers.emplace_back(name, bytes.Text());
  }
  (void)events::TypeOf(headers);
  const auto event = events::FromHeaders(headers);
  if (!event.ok()) {
    FUZZ_CHECK(IsValidReason(ReasonOf(event.status())));
    return;
  }
  // What was read can be written, and is read as the same.
  const events::HeaderList written = events::ToHeaders(*event);
  const auto again =
      events::FromHeaders(std::vector<events::HeaderView>(written.begin(), written.end()));
  FUZZ_CHECK(again.ok() && again->id == event->id && again->subject == event->subject &&
             again->time_us == event->time_us && again->pool == event->pool &&
             again->shard == event->shard && again->traceparent == event->traceparent);
}

void Time(std::string_view text) {
  const auto quick = events::ParseTimestamp(text);
  if (!quick.ok()) return;
  FUZZ_CHECK(IsValidInstant(*quick));
  std::array<char, events::kTimestampBytes> out{};
  events::WriteTimestamp(*quick, &out);
  const auto again = events::ParseTimestamp({out.data(), out.size()});
  FUZZ_CHECK(again.ok() && *again == *quick);
  const auto slow = ParseRfc3339(text);
  FUZZ_CHECK(!slow.ok() || *slow == *quick);
}

}  // namespace

void One(std::string_view input) {
  Bytes bytes(input);
  switch (bytes.Byte() % 4) {
    case 0:
      return Headers(bytes);
    case 1: {
      const std::string_view topic = bytes.Rest();
      const auto parts = events::ParseTopicName(topic);
      if (!parts || parts->version != events::kTopicVersion) return;
      FUZZ_CHECK(events::TopicName(parts->domain, parts->kind, parts->generation) == topic);
      return;
    }
    case 2:
      return Time(bytes.Rest());
    default: {
      const std::string_view text = bytes.Rest();
      const auto decoded = Base32Decode(text);
      FUZZ_CHECK(!decoded || Base32Encode(*decoded) == text);
    }
  }
}

std::vector<std::string> Seeds() {
  Input headers, traced;
  headers.Byte(0);
  for (const auto& [name, value] :
       events::ToHeaders({.type = events::kPointsEarned,
       .id = "earn/A1",
       .source = "/regulars/points",
       .subject = "m_7h2kq0v3n8c1xw5zt4ydg6pb2j",
       .time_us = 1'700'000'000'000'000,
       .pool = "tea",
       .shard = "3",
       .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})) {
    headers.Text(name).Text(value);
  }
  return {headers,
          Input().Byte(1).Rest("regulars.points.events.v1.g1"),
          Input().Byte(2).Rest("2026-11-23T10:15:30.000250Z"),
          Input().Byte(2).Rest("2026-11-23t10:15:30+08:00"),
          Input().Byte(2).Rest("1970-01-01T00:00:00.1234567-00:30"),
          Input().Byte(3).Rest(Base32Encode("sixteen bytes ab"))};
}

}  // namespace regulars::fuzz
