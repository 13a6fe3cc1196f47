#include "libs/shard/letter.h"

namespace regulars::shard {

bool OriginalOf(const Letter& letter, runtime::v1::OriginalRecord* whole, kafka::Record* record) {
  const bool is_whole = letter.head.whole_record();
  if (is_whole && !whole->ParseFromString(letter.bytes)) return false;
  record->topic = letter.head.topic();
  record->partition = letter.head.partition();
  record->offset = letter.head.offset();
  record->key = is_whole ? whole->key() : letter.head.key();
  record->value = is_whole ? whole->value() : letter.bytes;
  record->has_value = true;
  record->headers.clear();
  for (const auto& header : is_whole ? whole->headers() : letter.head.headers()) {
    record->headers.emplace_back(header.key(), header.value());
  }
  return true;
}

}  // namespace regulars::shard
