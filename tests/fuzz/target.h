// A fuzz target: one function that takes any bytes, and the inputs to start from. Built twice: with
// clang's libFuzzer (`make fuzz`, libfuzzer.cc) and as a plain program that replays seeds, saved
// inputs and simple mutations in `make test` (replay.cc).
// What is wrong stops the process: a sanitizer, an assertion of the product, or FUZZ_CHECK.
#ifndef REGULARS_TESTS_FUZZ_TARGET_H_
#define REGULARS_TESTS_FUZZ_TARGET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/assert.h"

// A promise of the code under test.
#define FUZZ_CHECK(condition) REGULARS_ASSERT(condition, "a promise is broken")

namespace regulars::fuzz {

// Whatever the input holds, this returns. Not thread-safe.
void One(std::string_view input);
// As a person would write them: what the code is made for, and its edges.
std::vector<std::string> Seeds();

// Reads an input piece by piece; behind its end there are zeros and empty texts.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  uint8_t Byte() { return static_cast<uint8_t>(Number(1)); }
  int64_t Int64() { return static_cast<int64_t>(Number(8)); }
  // Two bytes of length, then at most so many bytes.
  std::string_view Text() { return Take(static_cast<size_t>(Number(2))); }
  std::string_view Rest() { return Take(rest_.size()); }
  // `text` without zero bytes, which names and keys never hold.
  static std::string WithoutZeros(std::string_view text) {
    std::string out(text);
    std::erase(out, '\0');
    return out;
  }

 private:
  std::string_view Take(size_t size) {
    const std::string_view head = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(head.size());
    return head;
  }
  uint64_t Number(size_t size) {
    uint64_t value = 0;
    for (const char c : Take(size)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }

  std::string_view rest_;
};

// Builds what Bytes reads.
class Input {
 public:
  Input& Byte(int value) { return Number(static_cast<uint64_t>(value), 1); }
  Input& Int64(int64_t value) { return Number(static_cast<uint64_t>(value), 8); }
  Input& Text(std::string_view text) {
    Number(text.size(), 2);
    return Rest(text);
  }
  Input& Rest(std::string_view text) {
    bytes_.append(text);
    return *this;
  }
  operator std::string() const { return bytes_; }

 private:
  Input& Number(uint64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }

  std::string bytes_;
};

}  // namespace regulars::fuzz

#endif  // REGULARS_TESTS_FUZZ_TARGET_H_
