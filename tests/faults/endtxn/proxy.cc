#include "tests/faults/endtxn/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/assert.h"

namespace regulars::endtxn {
namespace {

constexpr int16_t kEndTxn = 26;
// From version 3 on the header of the answer has tagged fields; no librdkafka sends it.
constexpr int16_t kEndTxnVersionMax = 2;
constexpr size_t kLengthBytes = 4;
constexpr size_t kRequestHeaderBytes = 8;  // API key, version, correlation id
constexpr size_t kAnswerBytes = 10;        // correlation id, throttle time, error code
constexpr size_t kFrameBytesMax = size_t{100} << 20;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Big-endian and signed, as the protocol has it.
int64_t Number(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = (value << 8) | static_cast<uint8_t>(bytes[at + i]);
  const int unused = static_cast<int>(64 - 8 * size);
  return static_cast<int64_t>(value << unused) >> unused;
}

// The length of the first frame with its own four bytes; nullopt while it is not there as a whole.
std::optional<size_t> Frame(std::string_view bytes) {
  if (bytes.size() < kLengthBytes) return std::nullopt;
  const auto size = static_cast<size_t>(Number(bytes, 0, kLengthBytes)) + kLengthBytes;
  REGULARS_ASSERT(size <= kFrameBytesMax, "not the Kafka protocol");
  if (bytes.size() < size) return std::nullopt;
  return size;
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool Receive(int fd, std::string* bytes) {
  char buffer[64 * 1024];
  const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  bytes->append(buffer, static_cast<size_t>(got));
  return true;
}

void Close(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

}  // namespace

Proxy::Proxy(int port, int broker_port) : broker_port_(broker_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  const sockaddr_in address = Loopback(port);
  REGULARS_ASSERT(
      listener_ >= 0 && setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
          bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
          listen(listener_, 64) == 0 && pipe(wake_) == 0,
      "the proxy cannot listen");
  thread_ = std::thread([this] { Run(); });
}

Proxy::~Proxy() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  Wake();
  thread_.join();
  for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

void Proxy::Wake() { REGULARS_ASSERT(write(wake_[1], "x", 1) == 1, "pipe"); }

void Proxy::HoldNext(Cut cut) {
  const std::lock_guard<std::mutex> lock(mutex_);
  REGULARS_ASSERT(!holds_, "a request is held already");
  armed_ = cut;
  answer_.reset();
}

void Proxy::Disarm() {
  const std::lock_guard<std::mutex> lock(mutex_);
  armed_.reset();
}

bool Proxy::holds() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return holds_;
}

int Proxy::version() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

std::optional<int> Proxy::Deliver(absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  REGULARS_ASSERT(holds_, "nothing is held");
  deliver_ = true;
  Wake();
  changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                    [this] { return answer_.has_value(); });
  deliver_ = false;
  holds_ = false;
  return std::exchange(answer_, std::nullopt);
}

void Proxy::Accept() {
  Pair pair;
  pair.client = accept(listener_, nullptr, nullptr);
  if (pair.client < 0) return;
  pair.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(broker_port_);
  if (connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    Close(&pair.client);
    Close(&pair.server);
    return;
  }
  const int yes = 1;
  for (const int fd : {pair.client, pair.server}) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  }
  pairs_.push_back(std::move(pair));
}

bool Proxy::FromClient(Pair* pair) {
  if (!Receive(pair->client, &pair->requests)) return false;
  if (!pair->held.empty()) {
    pair->requests.clear();  // the connection is dead, the client does not know it yet
    return true;
  }
  return Requests(pair);
}

bool Proxy::Requests(Pair* pair) {
  while (const auto size = Frame(pair->requests)) {
    const std::string frame = pair->requests.substr(0, *size);
    pair->requests.erase(0, *size);
    REGULARS_ASSERT(*size >= kLengthBytes + kRequestHeaderBytes, "a request without a header");
    if (Number(frame, kLengthBytes, 2) == kEndTxn) {
      const std::lock_guard<std::mutex> lock(mutex_);
      version_ = static_cast<int>(Number(frame, kLengthBytes + 2, 2));
      if (armed_) {
        REGULARS_ASSERT(version_ <= kEndTxnVersionMax, "an EndTxn of a newer protocol");
        pair->held = frame;
        pair->correlation = static_cast<int32_t>(Number(frame, kLengthBytes + 4, 4));
        holds_ = true;
        return *std::exchange(armed_, std::nullopt) != Cut::kClose;
      }
    }
    if (!SendAll(pair->server, frame)) return false;
  }
  return true;
}

bool Proxy::FromServer(Pair* pair) {
  if (!Receive(pair->server, &pair->answers)) return false;
  while (const auto size = Frame(pair->answers)) {
    const std::string frame = pair->answers.substr(0, *size);
    pair->answers.erase(0, *size);
    if (pair->held.empty()) {
      if (!SendAll(pair->client, frame)) return false;
    } else if (pair->delivered && *size >= kLengthBytes + kAnswerBytes &&
               Number(frame, kLengthBytes, 4) == pair->correlation) {
      const std::lock_guard<std::mutex> lock(mutex_);
      answer_ = static_cast<int>(Number(frame, kLengthBytes + 8, 2));
      changed_.notify_all();
      return false;  // this connection has served
    }
  }
  return true;
}

void Proxy::Run() {
  while (true) {
    std::vector<pollfd> fds = {{.fd = listener_, .events = POLLIN, .revents = 0},
                               {.fd = wake_[0], .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs_) {
      // poll() passes over negative descriptors.
      fds.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
      fds.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
    }
    if (poll(fds.data(), fds.size(), -1) <= 0) continue;
    bool deliver = false;
    if (fds[1].revents != 0) {
      char byte = 0;
      (void)!read(wake_[0], &byte, 1);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stop_) break;
      deliver = deliver_;
    }
    std::vector<Pair> open;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      Pair& pair = pairs_[i];
      if (fds[2 + 2 * i].revents != 0 && !FromClient(&pair)) Close(&pair.client);
      bool alive = fds[3 + 2 * i].revents == 0 || FromServer(&pair);
      if (alive && deliver && !pair.held.empty() && !pair.delivered) {
        pair.delivered = true;
        alive = SendAll(pair.server, pair.held);
      }
      // The server's side of a held request stays open until that is answered.
      if (alive && (pair.client >= 0 || !pair.held.empty())) {
        open.push_back(std::move(pair));
        continue;
      }
      Close(&pair.client);
      Close(&pair.server);
    }
    pairs_ = std::move(open);
    if (fds[0].revents != 0) Accept();
  }
  for (Pair& pair : pairs_) {
    Close(&pair.client);
    Close(&pair.server);
  }
}

}  // namespace regulars::endtxn
