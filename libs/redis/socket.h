// A TCP connection with deadlines, plain or TLS. hiredis 0.14 has no TLS and writes without
// MSG_NOSIGNAL, so only its reply parser is used (connection.h).
// Thread-safety: one thread per object. Deadlines are MonotonicMicros(). Every error is UNAVAILABLE
// or DEADLINE_EXCEEDED and leaves the socket unusable.
#ifndef REGULARS_LIBS_REDIS_SOCKET_H_
#define REGULARS_LIBS_REDIS_SOCKET_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/time.h"
#include "libs/redis/options.h"

struct ssl_ctx_st;
struct ssl_st;

namespace regulars::redis {

struct Address {
  std::string host;
  std::string port;
};

// "host:port", "[v6]:port" or, as Redis writes it in MOVED, "v6:port".
absl::StatusOr<Address> ParseAddress(std::string_view text);

// Certificates, loaded once and shared by the connections of one view.
class TlsContext {
 public:
  // INVALID_ARGUMENT when a file cannot be read. Makes the process ignore SIGPIPE: OpenSSL writes
  // without MSG_NOSIGNAL.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Create(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class Socket;
  TlsContext(ssl_ctx_st* context, std::string server_name);

  ssl_ctx_st* const context_;
  const std::string server_name_;
};

class Socket {
 public:
  // `tls` may be null (plain TCP) and must outlive the socket.
  static absl::StatusOr<std::unique_ptr<Socket>> Connect(const Address& address, TlsContext* tls,
                                                         Micros deadline);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  absl::Status Write(std::string_view bytes, Micros deadline);
  // At least one byte; the end of the stream is UNAVAILABLE.
  absl::StatusOr<size_t> Read(char* buffer, size_t size, Micros deadline);

 private:
  explicit Socket(int fd) : fd_(fd) {}
  absl::Status StartTls(TlsContext* tls, const std::string& host, Micros deadline);
  // What to do after OpenSSL answered `result` <= 0: wait, or give up.
  absl::Status WaitTls(int result, Micros deadline);
  absl::Status Wait(short events, Micros deadline);

  const int fd_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_SOCKET_H_
