// Assertions on the program's own invariants: active in every build (law 13). A broken invariant
// must not reach the log, so the process prints where and why and aborts; the restart folds the log
// again. Never used for input from outside: that gets an outcome or an absl::Status.
//
// Example: REGULARS_ASSERT(balance >= 0, "posted balance went negative");
#ifndef REGULARS_LIBS_BASE_ASSERT_H_
#define REGULARS_LIBS_BASE_ASSERT_H_

#include <string_view>

namespace regulars {

// Prints one JSON line to stderr and aborts. `why` must not hold personal data.
[[noreturn]] void AssertionFailed(const char* file, int line, const char* condition,
                                  std::string_view why);

}  // namespace regulars

#define REGULARS_ASSERT(condition, why)                                   \
  do {                                                                    \
    if (!(condition)) [[unlikely]] {                                      \
      ::regulars::AssertionFailed(__FILE__, __LINE__, #condition, (why)); \
    }                                                                     \
  } while (false)

#endif  // REGULARS_LIBS_BASE_ASSERT_H_
