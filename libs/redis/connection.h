// One node of Redis: a connection that is made when needed, written with whole pipelines and read
// reply by reply, and dropped at the first error. Knows the back-off; knows nothing of shards.
// Thread-safety: one thread per object.
#ifndef REGULARS_LIBS_REDIS_CONNECTION_H_
#define REGULARS_LIBS_REDIS_CONNECTION_H_

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/time.h"
#include "libs/redis/options.h"
#include "libs/redis/socket.h"

struct redisReader;
struct redisReply;

namespace regulars::redis {

// More bytes of replies than this in one exchange end the connection.
inline constexpr size_t kReplyBytesMax = size_t{512} << 20;

// RESP encoding into one buffer: AppendHeader(n), then n arguments.
void AppendHeader(std::string* out, size_t arguments);
void AppendArgument(std::string* out, std::string_view argument);
void AppendArgument(std::string* out, int64_t argument);
std::string Command(std::initializer_list<std::string_view> arguments);

// Called once per reply in order; the reply is freed afterwards.
using ReplyFn = std::function<void(const redisReply& reply)>;

class Connection {
 public:
  // `options` and `tls` (null: plain) must outlive the connection.
  Connection(const RedisOptions* options, TlsContext* tls, Address address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends `commands`, which hold `count` commands, and hands out their replies. UNAVAILABLE at once
  // during back-off; any error drops the connection, some replies may have been handed out before.
  absl::Status Exchange(std::string_view commands, size_t count, const ReplyFn& on_reply);
  // The halves of an exchange, for a pipeline that is encoded while Redis works on its beginning.
  // The caller receives as many replies as it sent commands, unless there was an error.
  absl::Status Send(std::string_view commands);
  absl::Status Receive(size_t count, const ReplyFn& on_reply);
  // The next exchange connects anew.
  void Drop();

  const Address& address() const { return address_; }

 private:
  absl::Status EnsureConnected();
  absl::Status Authenticate(Micros deadline);
  absl::Status ReadReplies(size_t count, Micros deadline, const ReplyFn& on_reply);

  const RedisOptions* const options_;
  TlsContext* const tls_;
  const Address address_;
  std::unique_ptr<Socket> socket_;
  redisReader* reader_ = nullptr;
  std::vector<char> buffer_;  // what one read brings
  Micros next_attempt_ = 0;
  int64_t backoff_ms_ = 0;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_CONNECTION_H_
