#include "tests/bench/flags.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "libs/base/text.h"

namespace regulars::bench {

void Fail(std::string_view sentence) {
  std::fprintf(stderr, "regulars-bench: %.*s\n", static_cast<int>(sentence.size()),
               sentence.data());
  std::_Exit(2);
}

Flags::Flags(int argc, const char* const* argv) {
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    const size_t sign = argument.find('=');
    if (!argument.starts_with("--") || sign == std::string_view::npos) {
      Fail(Cat("not --name=value: ", argument));
    }
    values_[std::string(argument.substr(2, sign - 2))] = std::string(argument.substr(sign + 1));
  }
}

const std::string& Flags::Text(const std::string& name) const {
  const auto it = values_.find(name);
  if (it == values_.end()) Fail(Cat("--", name, " is missing"));
  return it->second;
}

std::string Flags::TextOr(const std::string& name, std::string_view fallback) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::string(fallback) : it->second;
}

int64_t Flags::Number(const std::string& name) const {
  int64_t value = 0;
  if (!absl::SimpleAtoi(Text(name), &value)) Fail(Cat("--", name, " is not a number"));
  return value;
}

int64_t Flags::NumberOr(const std::string& name, int64_t fallback) const {
  return values_.contains(name) ? Number(name) : fallback;
}

double Flags::RealOr(const std::string& name, double fallback) const {
  if (!values_.contains(name)) return fallback;
  double value = 0;
  if (!absl::SimpleAtod(Text(name), &value)) Fail(Cat("--", name, " is not a number"));
  return value;
}

void Answer::Add(std::string_view name, int64_t value) {
  fields_.emplace_back(std::string(name), Cat(value));
}

void Answer::AddReal(std::string_view name, double value) {
  fields_.emplace_back(std::string(name), Cat(value));
}

void Answer::AddText(std::string_view name, std::string_view value) {
  fields_.emplace_back(std::string(name), Cat("\"", value, "\""));
}

void Answer::Print() const {
  std::string line = "{";
  for (const auto& [name, value] : fields_) {
    if (line.size() > 1) line += ", ";
    line += Cat("\"", name, "\": ", value);
  }
  line += "}";
  std::puts(line.c_str());
  std::fflush(stdout);
}

}  // namespace regulars::bench
