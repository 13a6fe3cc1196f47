#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"

namespace regulars::events {
namespace {

constexpr std::string_view kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

EventHeaders Example() {
  EventHeaders event;
  event.type = kPointsEarned;
  event.id = "order/tmall/订单-1";
  event.source = "/regulars/points";
  event.subject = "m_7h2k";
  event.time_us = 852'076'800'000'250;
  event.pool = "cofco";
  event.shard = "3";
  event.traceparent = kTrace;
  return event;
}

std::vector<HeaderView> Views(const HeaderList& list) {
  return std::vector<HeaderView>(list.begin(), list.end());
}

// The example's headers after `change`, read back; "" or the reason of the refusal.
std::string ReasonAfter(const std::function<void(HeaderList*)>& change) {
  HeaderList list = ToHeaders(Example());
  change(&list);
  return ReasonOf(FromHeaders(Views(list)).status());
}

std::function<void(HeaderList*)> Without(std::string header) {
  return [header](HeaderList* list) {
    std::erase_if(*list, [&](const auto& pair) { return pair.first == header; });
  };
}

std::function<void(HeaderList*)> With(std::string header, std::string value) {
  return [header, value](HeaderList* list) {
    for (auto& pair : *list) {
      if (pair.first == header) pair.second = value;
    }
  };
}

std::function<void(HeaderList*)> Plus(std::string header, std::string value, size_t times = 1) {
  return [header, value, times](HeaderList* list) {
    for (size_t i = 0; i < times; ++i) list->emplace_back(header, value);
  };
}

TEST(EventHeadersTest, WritesTheAttributesOfCloudEventsBinaryMode) {
  const HeaderList expected = {
      {"ce_specversion", "1.0"},
      {"ce_type", "io.regulars.points.v1.PointsEarned"},
      {"ce_id", "order/tmall/订单-1"},
      {"ce_source", "/regulars/points"},
      {"ce_subject", "m_7h2k"},
      {"ce_time", "1997-01-01T00:00:00.000250Z"},
      {"ce_regularspool", "cofco"},
      {"ce_regularsshard", "3"},
      {"content-type", "application/protobuf"},
      {"ce_traceparent", std::string(kTrace)},
  };
  EXPECT_EQ(ToHeaders(Example()), expected);
}

TEST(EventHeadersTest, ReadsBackWhatItWrote) {
  const HeaderList list = ToHeaders(Example());
  const std::vector<HeaderView> views = Views(list);
  const absl::StatusOr<EventHeaders> event = FromHeaders(views);
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->type, Example().type);
  EXPECT_EQ(event->id, Example().id);
  EXPECT_EQ(event->source, Example().source);
  EXPECT_EQ(event->subject, Example().subject);
  EXPECT_EQ(event->time_us, Example().time_us);
  EXPECT_EQ(event->pool, Example().pool);
  EXPECT_EQ(event->shard, Example().shard);
  EXPECT_EQ(event->traceparent, Example().traceparent);
  EXPECT_EQ(TypeOf(views), kPointsEarned);
  EXPECT_EQ(TypeOf({}), "");
}

TEST(EventHeadersTest, GoodHeaders) {
  struct Row {
    const char* name;
    std::function<void(HeaderList*)> change;
  };
  const std::vector<Row> rows = {
      {"as written", [](HeaderList*) {}},
      {"no traceparent", Without("ce_traceparent")},
      {"bad traceparent is dropped", With("ce_traceparent", "00-0")},
      {"oversized traceparent is dropped", With("ce_traceparent", std::string(1 << 20, 'a'))},
      {"unknown headers", Plus("x-anything", std::string("\0\xff", 2))},
      {"reverse order", [](HeaderList* list) { std::reverse(list->begin(), list->end()); }},
      {"as many headers as allowed", Plus("x", "", kHeadersMax - 10)},
      {"longest type", With("ce_type", std::string(kTypeBytesMax, 'a'))},
      {"longest id", With("ce_id", std::string(kIdBytesMax, 'a'))},
      {"longest source", With("ce_source", std::string(kSourceBytesMax, 'a'))},
      {"longest subject", With("ce_subject", std::string(kSubjectBytesMax, 'a'))},
      {"longest pool", With("ce_regularspool", std::string(kPoolBytesMax, 'a'))},
      {"last shard", With("ce_regularsshard", "4095")},
      {"ingest", With("ce_regularsshard", "ingest")},
      {"offset time", With("ce_time", "1997-01-01T08:00:00+08:00")},
  };
  for (const Row& row : rows) EXPECT_EQ(ReasonAfter(row.change), "") << row.name;
}

TEST(EventHeadersTest, BadHeaders) {
  struct Row {
    const char* name;
    std::function<void(HeaderList*)> change;
    const char* reason;
  };
  const std::vector<Row> rows = {
      {"none at all", [](HeaderList* list) { list->clear(); }, "HEADER_MISSING"},
      {"no specversion", Without("ce_specversion"), "HEADER_MISSING"},
      {"no type", Without("ce_type"), "HEADER_MISSING"},
      {"no id", Without("ce_id"), "HEADER_MISSING"},
      {"no source", Without("ce_source"), "HEADER_MISSING"},
      {"no subject", Without("ce_subject"), "HEADER_MISSING"},
      {"no time", Without("ce_time"), "HEADER_MISSING"},
      {"no pool", Without("ce_regularspool"), "HEADER_MISSING"},
      {"no shard", Without("ce_regularsshard"), "HEADER_MISSING"},
      {"no content type", Without("content-type"), "HEADER_MISSING"},
      {"empty id", With("ce_id", ""), "HEADER_MISSING"},
      {"type twice", Plus("ce_type", "x"), "HEADER_DUPLICATE"},
      {"pool twice, once empty", Plus("ce_regularspool", ""), "HEADER_DUPLICATE"},
      {"one header too many", Plus("x", "", kHeadersMax - 9), "HEADERS_TOO_MANY"},
      {"specversion 0.3", With("ce_specversion", "0.3"), "SPECVERSION_UNSUPPORTED"},
      {"specversion 1.0 and more", With("ce_specversion", "1.0 "), "SPECVERSION_UNSUPPORTED"},
      {"json", With("content-type", "application/json"), "CONTENT_TYPE_UNSUPPORTED"},
      {"structured mode", With("content-type", "application/cloudevents+json"),
       "CONTENT_TYPE_UNSUPPORTED"},
      {"type above limit", With("ce_type", std::string(kTypeBytesMax + 1, 'a')), "HEADER_TOO_LONG"},
      {"id above limit", With("ce_id", std::string(kIdBytesMax + 1, 'a')), "HEADER_TOO_LONG"},
      {"source above limit", With("ce_source", std::string(kSourceBytesMax + 1, 'a')),
       "HEADER_TOO_LONG"},
      {"subject above limit", With("ce_subject", std::string(kSubjectBytesMax + 1, 'a')),
       "HEADER_TOO_LONG"},
      {"pool above limit", With("ce_regularspool", std::string(kPoolBytesMax + 1, 'a')),
       "HEADER_TOO_LONG"},
      {"time above limit", With("ce_time", std::string(kTimeBytesMax + 1, '0')), "HEADER_TOO_LONG"},
      {"20 MB subject", With("ce_subject", std::string(20 << 20, 'a')), "HEADER_TOO_LONG"},
      {"control character", With("ce_id", "a\nb"), "HEADER_INVALID"},
      {"zero byte", With("ce_subject", std::string("m\0x", 3)), "HEADER_INVALID"},
      {"C1 control character", With("ce_id", "a\xc2\x85"), "HEADER_INVALID"},
      {"overlong UTF-8", With("ce_subject", "\xc0\xaf"), "HEADER_INVALID"},
      {"surrogate in UTF-8", With("ce_subject", "\xed\xa0\x80"), "HEADER_INVALID"},
      {"truncated UTF-8", With("ce_subject", "m\xe8\xae"), "HEADER_INVALID"},
      {"pool with capitals", With("ce_regularspool", "Cofco"), "HEADER_INVALID"},
      {"pool with a slash", With("ce_regularspool", "a/b"), "HEADER_INVALID"},
      {"shard too great", With("ce_regularsshard", "4096"), "HEADER_INVALID"},
      {"shard below zero", With("ce_regularsshard", "-1"), "HEADER_INVALID"},
      {"shard with leading zero", With("ce_regularsshard", "03"), "HEADER_INVALID"},
      {"shard that is a word", With("ce_regularsshard", "points"), "HEADER_INVALID"},
      {"time without zone", With("ce_time", "1997-01-01T00:00:00"), "TIME_INVALID"},
      {"30 February", With("ce_time", "1997-02-30T00:00:00.000000Z"), "TIME_INVALID"},
      {"before the epoch", With("ce_time", "1969-12-31T23:59:59.999999Z"), "TIME_INVALID"},
  };
  for (const Row& row : rows) EXPECT_EQ(ReasonAfter(row.change), row.reason) << row.name;
}

TEST(EventHeadersTest, RefusalNamesTheHeader) {
  HeaderList list = ToHeaders(Example());
  Without("ce_subject")(&list);
  const absl::Status status = FromHeaders(Views(list)).status();
  const ErrorMetadata expected = {{"header", "ce_subject"}};
  EXPECT_EQ(MetadataOf(status), expected);
}

TEST(EventHeadersDeathTest, WritingAnEventWithoutIdIsABug) {
  EventHeaders event = Example();
  event.id = "";
  EXPECT_DEATH((void)ToHeaders(event), "");
}

}  // namespace
}  // namespace regulars::events
