// What a topic of PointsEarned says, per member: count, sum and last balance, folded into one
// number that does not depend on the order of members. Without --topic: what the workload must lead
// to.
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "regulars/points/v1/points_events.pb.h"
#include "tests/bench/orders.h"
#include "tests/bench/raw_kafka.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr std::string_view kEarned = "io.regulars.points.v1.PointsEarned";

struct Book {
  int64_t entries = 0;
  int64_t points = 0;
  int64_t balance = 0;
};
using Books = std::unordered_map<std::string, Book, TextHash, TextEq>;

std::string_view TypeOf(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_header_get_last(headers, "ce_type", &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return {};
  }
  return {static_cast<const char*>(value), size};
}

Books ReadTopic(const Flags& flags) {
  Books books;
  TopicReader reader(flags.Text("bootstrap"), flags.Text("topic"),
                     static_cast<int32_t>(flags.NumberOr("shards", 4)));
  points::v1::PointsEarned event;
  while (const Message message = reader.Next()) {
    if (TypeOf(*message) != kEarned) continue;
    if (!event.ParseFromArray(message->payload, static_cast<int>(message->len))) {
      Fail("a PointsEarned does not parse");
    }
    Book& book = books[event.posting().member()];
    ++book.entries;
    book.points += event.posting().points();
    book.balance = event.posting().balance_after();
  }
  return books;
}

Books Expected(const Flags& flags) {
  const Workload workload(flags);
  Books books;
  for (int64_t index = 0; index < workload.records; ++index) {
    const Order order = OrderAt(workload, index);
    if (order.repeat) continue;
    Book& book = books[MemberId(order.member)];
    ++book.entries;
    book.points += PointsOf(order);
    book.balance = book.points;
  }
  return books;
}

}  // namespace

void Digest(const Flags& flags) {
  const Books books = flags.TextOr("topic", "").empty() ? Expected(flags) : ReadTopic(flags);
  int64_t entries = 0;
  int64_t points = 0;
  uint64_t digest = 0;
  for (const auto& [member, book] : books) {
    entries += book.entries;
    points += book.points;
    digest += Xxh3(Cat(member, "/", book.entries, "/", book.points, "/", book.balance));
  }
  Answer answer;
  answer.Add("members", static_cast<int64_t>(books.size()));
  answer.Add("entries", entries);
  answer.Add("points", points);
  answer.AddText("digest", Cat(digest));
  answer.Print();
}

}  // namespace regulars::bench
