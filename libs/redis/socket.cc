#include "libs/redis/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/wall_clock.h"

namespace regulars::redis {
namespace {

absl::Status SystemError(const char* what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status TlsError(const char* what) {
  char text[256] = "no detail";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat(what, ": ", text));
}

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return absl::InvalidArgumentError("an address is host:port");
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Address{.host = std::string(host), .port = std::string(text.substr(colon + 1))};
}

TlsContext::TlsContext(ssl_ctx_st* context, std::string server_name)
    : context_(context), server_name_(std::move(server_name)) {}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Create(const TlsOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  ERR_clear_error();
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return absl::InternalError("OpenSSL cannot make a context");
  std::unique_ptr<TlsContext> tls(new TlsContext(context, options.server_name));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int trusted = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                              : SSL_CTX_load_verify_locations(
                                                    context, options.ca_file.c_str(), nullptr);
  if (trusted != 1) return absl::InvalidArgumentError("redis tls: the CA file cannot be read");
  if (!options.cert_file.empty() &&
      (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)) {
    return absl::InvalidArgumentError("redis tls: certificate or key cannot be read");
  }
  return tls;
}

absl::StatusOr<std::unique_ptr<Socket>> Socket::Connect(const Address& address, TlsContext* tls,
                                                        Micros deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
      error != 0) {
    return absl::UnavailableError(
        absl::StrCat("resolving ", address.host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  absl::Status status = absl::UnavailableError("no address");
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    const int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return SystemError("socket");
    std::unique_ptr<Socket> made(new Socket(fd));
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    status = absl::OkStatus();
    if (connect(fd, info->ai_addr, info->ai_addrlen) != 0) {
      status = errno == EINPROGRESS ? made->Wait(POLLOUT, deadline) : SystemError("connect");
      int error = 0;
      socklen_t size = sizeof(error);
      if (status.ok() && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0) {
        errno = error;
        status = SystemError("connect");
      }
    }
    if (status.ok() && tls != nullptr) status = made->StartTls(tls, address.host, deadline);
    if (status.ok()) return made;
  }
  return status;
}

Socket::~Socket() {
  SSL_free(ssl_);
  close(fd_);
}

absl::Status Socket::StartTls(TlsContext* tls, const std::string& host, Micros deadline) {
  ssl_ = SSL_new(tls->context_);
  const std::string& name = tls->server_name_.empty() ? host : tls->server_name_;
  // An address is checked against the certificate's addresses, a name against its names.
  const bool is_ip = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), name.c_str()) == 1;
  if (!is_ip && (SSL_set1_host(ssl_, name.c_str()) != 1 ||
                 SSL_set_tlsext_host_name(ssl_, name.c_str()) != 1)) {
    return TlsError("tls name");
  }
  SSL_set_fd(ssl_, fd_);
  ERR_clear_error();
  while (true) {
    const int result = SSL_connect(ssl_);
    if (result == 1) return absl::OkStatus();
    if (absl::Status status = WaitTls(result, deadline); !status.ok()) return status;
  }
}

absl::Status Socket::WaitTls(int result, Micros deadline) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT, deadline);
    case SSL_ERROR_ZERO_RETURN:
      return absl::UnavailableError("closed by the server");
    default:
      return TlsError("tls");
  }
}

absl::Status Socket::Wait(short events, Micros deadline) {
  while (true) {
    const Micros left = deadline - MonotonicMicros();
    if (left <= 0) return absl::DeadlineExceededError("Redis did not answer in time");
    pollfd poll_fd{.fd = fd_, .events = events, .revents = 0};
    const int ready =
        poll(&poll_fd, 1, static_cast<int>(std::min<Micros>(left / 1000 + 1, 60'000)));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SystemError("poll");
  }
}

absl::Status Socket::Write(std::string_view bytes, Micros deadline) {
  ERR_clear_error();
  while (!bytes.empty()) {
    absl::Status status;
    if (ssl_ != nullptr) {
      size_t written = 0;
      const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
      bytes.remove_prefix(result == 1 ? written : 0);
      if (result != 1) status = WaitTls(result, deadline);
    } else {
      const ssize_t written = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written >= 0) {
        bytes.remove_prefix(static_cast<size_t>(written));
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        status = Wait(POLLOUT, deadline);
      } else if (errno != EINTR) {
        status = SystemError("send");
      }
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Socket::Read(char* buffer, size_t size, Micros deadline) {
  ERR_clear_error();
  while (true) {
    absl::Status status;
    if (ssl_ != nullptr) {
      size_t got = 0;
      const int result = SSL_read_ex(ssl_, buffer, size, &got);
      if (result == 1) return got;
      status = WaitTls(result, deadline);
    } else {
      const ssize_t got = recv(fd_, buffer, size, 0);
      if (got > 0) return static_cast<size_t>(got);
      if (got == 0) return absl::UnavailableError("closed by the server");
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        status = Wait(POLLIN, deadline);
      } else if (errno != EINTR) {
        status = SystemError("recv");
      }
    }
    if (!status.ok()) return status;
  }
}

}  // namespace regulars::redis
