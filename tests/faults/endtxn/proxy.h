// A proxy in front of one Kafka broker that can hold an EndTxn request: the client's connection
// breaks (or stays silent), the client repeats the request on a new connection, and the held one
// reaches the broker when the test says so.
//
// It reads only the length of each frame and the request header (API key, version, correlation id;
// source: Kafka protocol guide, "Request Header"). Addresses need no rewriting: the broker
// advertises the proxy's address on the listener behind it.
// Thread-safety: the methods are called from one thread while the proxy's own thread runs.
#ifndef REGULARS_TESTS_FAULTS_ENDTXN_PROXY_H_
#define REGULARS_TESTS_FAULTS_ENDTXN_PROXY_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace regulars::endtxn {

// How the client learns that its request is lost: the connection is closed at once, or nothing
// comes until its own time-out.
enum class Cut : uint8_t { kClose, kSilence };

class Proxy {
 public:
  // Listens on 127.0.0.1:port; 0 is not allowed, the broker has to know the address before.
  Proxy(int port, int broker_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // The next EndTxn of any client is held. The one held before must have been delivered.
  void HoldNext(Cut cut);
  // No request is waited for any more.
  void Disarm();
  // True if one is held now.
  bool holds();
  // Sends the held request to the broker and waits for its answer: Kafka's error code (0 = the
  // broker did what it says). nullopt: no answer in time.
  std::optional<int> Deliver(absl::Duration timeout);
  // Version of the newest EndTxn seen; -1 before the first.
  int version();

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    std::string requests;  // from the client, not yet a whole frame
    std::string answers;   // from the server, not yet a whole frame
    std::string held;      // the request
    bool delivered = false;
    int32_t correlation = 0;
  };
  void Run();
  void Accept();
  // Each moves the whole frames that are there; false when that side is over.
  bool FromClient(Pair* pair);
  bool FromServer(Pair* pair);
  bool Requests(Pair* pair);
  void Wake();

  const int broker_port_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Pair> pairs_;  // of the proxy's thread

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Cut> armed_;
  bool holds_ = false;
  int version_ = -1;
  bool deliver_ = false;
  std::optional<int> answer_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace regulars::endtxn

#endif  // REGULARS_TESTS_FAULTS_ENDTXN_PROXY_H_
