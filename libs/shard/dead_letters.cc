// What is set aside: the whole original, sealed, however large it is (law 5).
#include <algorithm>
#include <utility>

#include "libs/base/text.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/shard/worker.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {
namespace {

using runtime::v1::DeadLetter;

// Above this key and headers are sealed with the value, so that a letter always fits a record.
constexpr size_t kClearBytesMax = 32 * 1024;
constexpr size_t kDetailBytesMax = 512;

template <typename Message>
void AddHeaders(const kafka::Record& record, Message* message) {
  for (const auto& [key, value] : record.headers) {
    auto* header = message->add_headers();
    header->set_key(std::string(key));
    header->set_value(std::string(value));
  }
}

bool IsLarge(const kafka::Record& record) {
  size_t bytes = record.key.size();
  for (const auto& [key, value] : record.headers) bytes += key.size() + value.size();
  return bytes > kClearBytesMax;
}

std::string WholeRecord(const kafka::Record& record) {
  runtime::v1::OriginalRecord whole;
  whole.set_key(std::string(record.key));
  whole.set_value(std::string(record.value));
  AddHeaders(record, &whole);
  return whole.SerializeAsString();
}

}  // namespace

std::string Worker::SetAside(Shard* shard, const kafka::Record& record, std::string_view pool,
                             int error_class, std::string_view reason, std::string_view detail,
                             std::string_view entity) {
  // A name that is not configured must not become a key of our books.
  const std::string pool_text =
      options_.pools.contains(std::string(pool)) ? std::string(pool) : std::string(kNoPool);
  const bool whole = IsLarge(record);
  const std::string original = whole ? WholeRecord(record) : std::string(record.value);
  const std::string_view bytes = original;
  const size_t parts =
      std::max<size_t>(1, (bytes.size() + kLetterPartBytes - 1) / kLetterPartBytes);
  DeadLetter letter;
  letter.set_topic(std::string(record.topic));
  letter.set_partition(record.partition);
  letter.set_offset(record.offset);
  letter.set_pool(pool_text);
  letter.set_error_class(static_cast<runtime::v1::DeadLetterClass>(error_class));
  letter.set_reason(reason.empty() ? "UNSPECIFIED" : std::string(reason));
  letter.set_detail(std::string(detail.substr(0, kDetailBytesMax)));
  letter.set_code_version(options_.code_version);
  letter.set_time_us(batch_wall_us_);
  letter.set_log_id(shard->log_id);
  letter.set_parts(static_cast<uint32_t>(parts));
  letter.set_whole_record(whole);
  letter.set_entity(std::string(entity));
  if (!whole) {
    letter.set_key(std::string(record.key));
    AddHeaders(record, &letter);
  }
  for (size_t part = 0; part < parts; ++part) {
    *letter.mutable_original() =
        ports_.seal(pool_text, bytes.substr(part * kLetterPartBytes, kLetterPartBytes));
    letter.set_part(static_cast<uint32_t>(part));
    OutputLetter(shard, letter);
  }
  ++shard->open.sums[{pool_text, "dead_letters"}];
  ports_.probe->Input("record", letter.reason());
  return letter.reason();
}

void Worker::OutputLetter(Shard* shard, const DeadLetter& letter) {
  kafka::OutRecord out;
  out.topic = Topic(service_, events::kDeadLettersKind);
  out.partition = shard->id;
  out.key = letter.key();
  out.value = letter.SerializeAsString();
  std::string id = Cat(letter.topic(), "/", letter.partition(), "/", letter.offset());
  if (letter.part() > 0) id += Cat("/", letter.part());
  const std::string source = events::SourceOf(service_);
  const std::string producer = Cat(shard->id);
  out.headers = events::ToHeaders({.type = events::kDeadLetter,
                                   .id = id,
                                   .source = source,
                                   .subject = letter.reason(),
                                   .time_us = letter.time_us(),
                                   .pool = letter.pool(),
                                   .shard = producer,
                                   .traceparent = {}});
  Output(shard, std::move(out));
}

}  // namespace regulars::shard
