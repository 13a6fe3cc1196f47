#include "libs/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace regulars {
namespace {

// Quotes and control characters must not break the line for a log collector.
void PutEscaped(std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') std::fputc('\\', stderr);
    std::fputc(static_cast<unsigned char>(c) < 0x20 ? ' ' : c, stderr);
  }
}

}  // namespace

void AssertionFailed(const char* file, int line, const char* condition, std::string_view why) {
  std::fputs(R"({"level":"fatal","msg":"assertion failed: )", stderr);
  PutEscaped(why);
  std::fputs(R"(","condition":")", stderr);
  PutEscaped(condition);
  std::fputs(R"(","at":")", stderr);
  PutEscaped(file);
  std::fprintf(stderr, ":%d\"}\n", line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace regulars
