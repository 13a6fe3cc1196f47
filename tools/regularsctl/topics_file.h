// The topics as data: deploy/kafka/topics.yaml, as deploy/local/topics.py reads it.
#ifndef REGULARS_TOOLS_REGULARSCTL_TOPICS_FILE_H_
#define REGULARS_TOOLS_REGULARSCTL_TOPICS_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace regulars::ctl {

struct WantedTopic {
  std::string name;  // with its generation
  int32_t partitions = 0;
  std::map<std::string, std::string> config;
};

// INVALID_ARGUMENT names the file and what is wrong in it, NOT_FOUND that it cannot be read.
[[nodiscard]] absl::StatusOr<std::vector<WantedTopic>> ReadTopics(const std::string& path,
                                                                  const std::string& profile,
                                                                  int32_t generation,
                                                                  int32_t shards);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_TOPICS_FILE_H_
