// A TCP proxy that can lose an answer: the request reaches the server and is executed, then the
// connection breaks before its answer arrives.
// Thread-safety: the methods may be called from the test's thread while the proxy's thread runs.
#ifndef REGULARS_TESTS_CONFORMANCE_REDIS_LOSSY_PROXY_H_
#define REGULARS_TESTS_CONFORMANCE_REDIS_LOSSY_PROXY_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace regulars::redis {

class LossyProxy {
 public:
  explicit LossyProxy(int server_port);
  ~LossyProxy();
  LossyProxy(const LossyProxy&) = delete;
  LossyProxy& operator=(const LossyProxy&) = delete;

  void LoseNextAnswer() { lose_next_ = true; }
  // Away: open connections break and new ones are closed at once.
  void SetAway(bool away);
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };
  void Run();
  void Accept();
  // Moves what is there from one side to the other; false when the pair is over.
  bool Forward(int from, int to, bool answers);

  const int server_port_;
  int port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::vector<Pair> pairs_;  // of the proxy's thread
  std::atomic<bool> lose_next_ = false;
  std::atomic<bool> away_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace regulars::redis

#endif  // REGULARS_TESTS_CONFORMANCE_REDIS_LOSSY_PROXY_H_
