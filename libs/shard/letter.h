// A dead letter read back from the log: its parts joined and opened, and the input that they hold.
// What writes them is dead_letters.cc. Thread-safety: plain data.
#ifndef REGULARS_LIBS_SHARD_LETTER_H_
#define REGULARS_LIBS_SHARD_LETTER_H_

#include <cstdint>
#include <string>

#include "libs/kafka/port.h"
#include "regulars/runtime/v1/runtime_events.pb.h"

namespace regulars::shard {

struct Letter {
  runtime::v1::DeadLetter head;  // its first part
  std::string bytes;             // the original of all parts, opened
  int64_t next = 0;              // offset after its last part
};

// The input as it stood in its topic. Its views live as long as `letter` and `whole` do; neither
// may be moved meanwhile. False when the bytes are not what the letter says they are.
[[nodiscard]] bool OriginalOf(const Letter& letter, runtime::v1::OriginalRecord* whole,
                              kafka::Record* record);

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_LETTER_H_
