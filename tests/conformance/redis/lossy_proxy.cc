#include "tests/conformance/redis/lossy_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libs/base/assert.h"

namespace regulars::redis {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

LossyProxy::LossyProxy(int server_port) : server_port_(server_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  REGULARS_ASSERT(listener_ >= 0 &&
                      bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                      listen(listener_, 16) == 0 && pipe(wake_) == 0 &&
                      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                  "the proxy cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

LossyProxy::~LossyProxy() {
  stop_ = true;
  REGULARS_ASSERT(write(wake_[1], "x", 1) == 1, "pipe");
  thread_.join();
  for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

void LossyProxy::SetAway(bool away) {
  away_ = away;
  REGULARS_ASSERT(write(wake_[1], "x", 1) == 1, "pipe");
}

void LossyProxy::Accept() {
  const int client = accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  if (away_ || connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(client);
    close(server);
    return;
  }
  pairs_.push_back({client, server});
}

bool LossyProxy::Forward(int from, int to, bool answers) {
  char buffer[64 * 1024];
  const ssize_t got = recv(from, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  if (answers && lose_next_.exchange(false)) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t n = send(to, buffer + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

void LossyProxy::Run() {
  while (!stop_) {
    std::vector<pollfd> fds = {{.fd = listener_, .events = POLLIN, .revents = 0},
                               {.fd = wake_[0], .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs_) {
      fds.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
      fds.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
    }
    if (poll(fds.data(), fds.size(), -1) <= 0) continue;
    if (fds[1].revents != 0) {
      char byte = 0;
      (void)!read(wake_[0], &byte, 1);
    }
    std::vector<Pair> open;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const Pair pair = pairs_[i];
      bool alive = !away_ && !stop_;
      if (alive && fds[2 + 2 * i].revents != 0) alive = Forward(pair.client, pair.server, false);
      if (alive && fds[3 + 2 * i].revents != 0) alive = Forward(pair.server, pair.client, true);
      if (alive) {
        open.push_back(pair);
      } else {
        close(pair.client);
        close(pair.server);
      }
    }
    pairs_ = std::move(open);
    if (fds[0].revents != 0 && !stop_) Accept();
  }
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.server);
  }
}

}  // namespace regulars::redis
