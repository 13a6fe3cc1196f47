// tests/e2e/provider/provider.py as a child process of a test, ended with the object. Port 0 when
// it did not start. Not thread-safe.
#ifndef REGULARS_SERVICES_MESSAGING_SENDER_TESTING_PROVIDER_PROCESS_H_
#define REGULARS_SERVICES_MESSAGING_SENDER_TESTING_PROVIDER_PROCESS_H_

#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace regulars::messaging {

class Provider {
 public:
  explicit Provider(const std::string& arguments)
      : record_(absl::StrCat(testing::TempDir(), "/provider_", ::getpid(), "_", ++made_)) {
    ::unlink(record_.c_str());
    pipe_ = ::popen(absl::StrCat("exec " REGULARS_PYTHON " " REGULARS_PROVIDER " --record ",
                                 record_, " ", arguments)
                        .c_str(),
                    "r");
    char line[256] = "";
    if (pipe_ == nullptr || ::fgets(line, sizeof(line), pipe_) == nullptr) return;
    const auto ready = nlohmann::json::parse(line);
    port_ = ready["port"];
    pid_ = ready["pid"];
  }
  ~Provider() {
    if (pid_ > 0) ::kill(pid_, SIGTERM);
    if (pipe_ != nullptr) ::pclose(pipe_);
    ::unlink(record_.c_str());
  }
  std::string url() const { return absl::StrCat("http://127.0.0.1:", port_, "/deliver"); }

  struct Seen {
    std::map<std::string, std::set<std::string>> keys_of_member;
    std::map<std::string, int> results;
  };
  Seen seen() const {
    Seen seen;
    std::ifstream file(record_);
    for (std::string line; std::getline(file, line);) {
      const auto request = nlohmann::json::parse(line);
      seen.keys_of_member[request["body"]["member"]].insert(request["key"].get<std::string>());
      ++seen.results[request["result"].get<std::string>()];
    }
    return seen;
  }

 private:
  static inline int made_ = 0;
  const std::string record_;
  FILE* pipe_ = nullptr;
  int port_ = 0;
  int pid_ = 0;
};

}  // namespace regulars::messaging

#endif  // REGULARS_SERVICES_MESSAGING_SENDER_TESTING_PROVIDER_PROCESS_H_
