// The target as a plain program: its seeds, the inputs of the given files and folders, and of each
// some mutations that are the same in every run.
//   <target> [--mutations=N] [FILE|FOLDER]...
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Changes, drops, doubles or cuts in one to four places.
std::string Mutate(std::string text, std::mt19937_64* random) {
  const auto below = [random](size_t end) { return end == 0 ? 0 : (*random)() % end; };
  for (size_t round = below(4) + 1; round > 0; --round) {
    const size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        if (!text.empty()) text[at] = static_cast<char>(below(256));
        break;
      case 1:
        if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 3:
        text.erase(at, below(8) + 1);
        break;
      case 4:
        text.insert(at, text.substr(below(text.size()), below(16)));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> inputs = regulars::fuzz::Seeds();
  inputs.emplace_back();
  long mutations = 2000;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view kMutations = "--mutations=";
    if (argument.starts_with(kMutations)) {
      mutations = std::atol(argument.substr(kMutations.size()).data());
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument)) {
        inputs.push_back(Read(entry.path()));
      }
    } else if (std::filesystem::exists(argument)) {
      inputs.push_back(Read(argument));
    }
  }
  std::mt19937_64 random(1);
  long executions = 0;
  for (const std::string& input : inputs) {
    regulars::fuzz::One(input);
    for (long i = 0; i < mutations; ++i) regulars::fuzz::One(Mutate(input, &random));
    executions += mutations + 1;
  }
  std::printf("%zu inputs, %ld executions\n", inputs.size(), executions);
  return 0;
}
