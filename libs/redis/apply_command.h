// Encodes Apply as the FCALL that regulars.lua expects.
#ifndef REGULARS_LIBS_REDIS_APPLY_COMMAND_H_
#define REGULARS_LIBS_REDIS_APPLY_COMMAND_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/redis/view.h"

namespace regulars::redis {

// Appends one command. `prefix` is KeyPrefix of the shard. Of several ops on a key only the last is
// sent.
void AppendApply(std::string* out, std::string_view prefix, const ApplyRequest& request,
                 int64_t member_ttl_s);

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_APPLY_COMMAND_H_
