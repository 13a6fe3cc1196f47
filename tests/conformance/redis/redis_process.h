// A redis-server of the test's own: on a free loopback port, in its own temporary folder, killed at
// the end. For tests that flush, kill and reconfigure Redis. Thread-safety: one thread. Failures to
// start end the test program (there is nothing to test then).
#ifndef REGULARS_TESTS_CONFORMANCE_REDIS_REDIS_PROCESS_H_
#define REGULARS_TESTS_CONFORMANCE_REDIS_REDIS_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

struct redisContext;

namespace regulars::redis {

// A port nobody listens on right now.
int FreePort();

class RedisProcess {
 public:
  // `arguments` go to redis-server after those that this class sets (port, bind, dir, no
  // persistence).
  explicit RedisProcess(std::vector<std::string> arguments = {});
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  void Kill();    // kill -9
  void Freeze();  // SIGSTOP: connections stay open, nothing answers
  void Thaw();
  void Start();  // returns when it answers
  // One command over an administrator's connection; its answer as text, arrays flattened.
  std::vector<std::string> Run(const std::vector<std::string>& command);

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& folder() const { return folder_; }

 private:
  const std::vector<std::string> arguments_;
  const int port_;
  std::string folder_;
  pid_t pid_ = 0;
  redisContext* admin_ = nullptr;
};

}  // namespace regulars::redis

#endif  // REGULARS_TESTS_CONFORMANCE_REDIS_REDIS_PROCESS_H_
