// What a reply of Redis says. For the files of this library.
#ifndef REGULARS_LIBS_REDIS_REPLY_H_
#define REGULARS_LIBS_REDIS_REPLY_H_

#include <hiredis/hiredis.h>

#include <string_view>

namespace regulars::redis {

[[nodiscard]] inline bool IsText(const redisReply& reply) {
  return reply.type == REDIS_REPLY_STRING;
}
// Of a text or an error.
[[nodiscard]] inline std::string_view Text(const redisReply& reply) {
  return {reply.str, reply.len};
}

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_REPLY_H_
