// The target under libFuzzer. With --write-seeds=FOLDER it writes its seeds there and ends.
// Source: llvm.org/docs/LibFuzzer.html.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view kWriteSeeds = "--write-seeds=";
  if (*argc < 2) return 0;
  const std::string_view argument = (*argv)[1];
  if (!argument.starts_with(kWriteSeeds)) return 0;
  const std::filesystem::path folder = argument.substr(kWriteSeeds.size());
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : regulars::fuzz::Seeds()) {
    std::ofstream out(folder / ("seed-" + std::to_string(number++)), std::ios::binary);
    out.write(seed.data(), static_cast<std::streamsize>(seed.size()));
  }
  std::exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  regulars::fuzz::One({reinterpret_cast<const char*>(data), size});
  return 0;
}
