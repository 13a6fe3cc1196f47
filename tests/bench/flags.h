// `--name=value` arguments of one verb, and the one line of JSON it answers with. Misuse and
// failures end the process with status 2 and a sentence on stderr: the driver shows it.
#ifndef REGULARS_TESTS_BENCH_FLAGS_H_
#define REGULARS_TESTS_BENCH_FLAGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regulars::bench {

[[noreturn]] void Fail(std::string_view sentence);

class Flags {
 public:
  Flags(int argc, const char* const* argv);

  // Ends the process if it is missing.
  const std::string& Text(const std::string& name) const;
  std::string TextOr(const std::string& name, std::string_view fallback) const;
  int64_t Number(const std::string& name) const;
  int64_t NumberOr(const std::string& name, int64_t fallback) const;
  double RealOr(const std::string& name, double fallback) const;

 private:
  std::map<std::string, std::string> values_;
};

// {"inputs": 12, "seconds": 1.5}; texts must not need escaping.
class Answer {
 public:
  void Add(std::string_view name, int64_t value);
  void AddReal(std::string_view name, double value);
  void AddText(std::string_view name, std::string_view value);
  // One line on stdout.
  void Print() const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace regulars::bench

#endif  // REGULARS_TESTS_BENCH_FLAGS_H_
