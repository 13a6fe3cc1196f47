#include "tests/conformance/redis/redis_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/wall_clock.h"

namespace regulars::redis {
namespace {

void Flatten(const redisReply& reply, std::vector<std::string>* out) {
  switch (reply.type) {
    case REDIS_REPLY_ARRAY:
      for (size_t i = 0; i < reply.elements; ++i) Flatten(*reply.element[i], out);
      return;
    case REDIS_REPLY_INTEGER:
      out->push_back(std::to_string(reply.integer));
      return;
    case REDIS_REPLY_NIL:
      out->emplace_back();
      return;
    default:
      out->emplace_back(reply.str, reply.len);
  }
}

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REGULARS_ASSERT(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0,
                  "no free port");
  close(fd);
  return ntohs(address.sin_port);
}

RedisProcess::RedisProcess(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)), port_(FreePort()) {
  char folder[] = "/tmp/regulars-redis-XXXXXX";
  REGULARS_ASSERT(mkdtemp(folder) != nullptr, "no temporary folder");
  folder_ = folder;
  Start();
}

RedisProcess::~RedisProcess() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisProcess::Kill() {
  if (admin_ != nullptr) redisFree(std::exchange(admin_, nullptr));
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RedisProcess::Freeze() { kill(pid_, SIGSTOP); }

void RedisProcess::Thaw() { kill(pid_, SIGCONT); }

void RedisProcess::Start() {
  std::vector<std::string> words = {"redis-server",
                                    "--port",
                                    std::to_string(port_),
                                    "--bind",
                                    "127.0.0.1",
                                    "--protected-mode",
                                    "no",
                                    "--dir",
                                    folder_,
                                    "--save",
                                    "",
                                    "--appendonly",
                                    "no"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = folder_ + "/log";
  pid_ = fork();
  REGULARS_ASSERT(pid_ >= 0, "fork failed");
  if (pid_ == 0) {
    const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  const Micros deadline = MonotonicMicros() + 20 * kMicrosPerSecond;
  while (true) {
    REGULARS_ASSERT(MonotonicMicros() < deadline, "redis-server does not answer");
    REGULARS_ASSERT(waitpid(pid_, nullptr, WNOHANG) == 0, "redis-server ended; is it installed?");
    admin_ = redisConnectWithTimeout("127.0.0.1", port_, timeval{.tv_sec = 5, .tv_usec = 0});
    if (admin_ != nullptr && admin_->err == 0 && Run({"PING"}).at(0) == "PONG") return;
    redisFree(std::exchange(admin_, nullptr));
    poll(nullptr, 0, 5);
  }
}

std::vector<std::string> RedisProcess::Run(const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  const auto reply = static_cast<redisReply*>(
      redisCommandArgv(admin_, static_cast<int>(words.size()), words.data(), sizes.data()));
  if (reply == nullptr) return {"no answer"};
  std::vector<std::string> out;
  Flatten(*reply, &out);
  freeReplyObject(reply);
  return out;
}

}  // namespace regulars::redis
