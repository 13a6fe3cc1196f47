// What the verbs of `regularsctl dlq` share: where a letter is and how it is read.
#ifndef REGULARS_TOOLS_REGULARSCTL_DEAD_LETTERS_H_
#define REGULARS_TOOLS_REGULARSCTL_DEAD_LETTERS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "libs/kafka/port.h"
#include "regulars/runtime/v1/runtime_events.pb.h"
#include "tools/regularsctl/answer.h"

namespace regulars::ctl {

[[nodiscard]] bool ParseLetter(const kafka::Record& record, runtime::v1::DeadLetter* letter);
[[nodiscard]] bool ParseOffset(const std::string& word, int64_t* offset);

// Opens the log; the partition that the words 2 and 3 of the command line name. INVALID_ARGUMENT:
// they name none; NOT_FOUND: it does not exist.
absl::StatusOr<kafka::TopicPartition> OpenPartition(Context* context);
// After OpenPartition. NOT_FOUND: no record there; DATA_LOSS: one that is no letter.
absl::StatusOr<runtime::v1::DeadLetter> FindLetter(Context* context,
                                                   const kafka::TopicPartition& place,
                                                   int64_t offset);

// `dlq redrive TOPIC PARTITION OFFSET...` and `dlq redrive TOPIC PARTITION --reason=R`.
absl::StatusOr<Answer> RedriveLetters(Context* context);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_DEAD_LETTERS_H_
