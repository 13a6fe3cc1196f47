// regulars-sim-identity: runs seeds of the identity simulation, each in a child process, so that an
// assertion of the product is a finding of its seed.
//   regulars-sim-identity --seeds=N --seed=FIRST [--cases=N] [--jobs=N] [--break=GUARD]
//                         [--until-found] [--size=full|ci] [--report=FILE]
// Exit status 0 when no seed was violated (with --break: when one was), 1 otherwise.
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/text.h"
#include "tests/sim_identity/scenario.h"

namespace {

using regulars::Cat;
using regulars::sim_identity::Outcome;
using regulars::sim_identity::Setup;

// What comes back from a child.
struct Figures {
  int64_t violations = 0, died = 0, limits = 0, touches = 0, merges = 0, splits = 0, suppressed = 0,
          expelled = 0, recycled = 0, cases = 0, link_messages = 0, reanchors = 0, warm_touches = 0,
          warm_records = 0, not_replayed = 0;
};

struct Options {
  Setup setup;
  uint64_t first = 1;
  int64_t seeds = 1, cases = 10, jobs = 1;
  bool until_found = false;
  std::string size = "full", report;
};

Figures RunHere(const Setup& setup, int64_t cases) {
  const Outcome outcome = regulars::sim_identity::RunSeed(setup, cases);
  if (!outcome.violations.empty()) {
    std::fprintf(stderr, "seed %" PRIu64 ": %s\n", setup.seed, outcome.violations.front().c_str());
  }
  return {outcome.violations.empty() ? 0 : 1,
          0,
          outcome.limits ? 1 : 0,
          outcome.touches,
          outcome.merges,
          outcome.splits,
          outcome.suppressed,
          outcome.expelled,
          outcome.recycled,
          outcome.cases,
          outcome.link_messages,
          outcome.reanchors,
          outcome.warm_touches,
          outcome.warm_records,
          outcome.not_replayed};
}

struct Child {
  pid_t pid = 0;
  int pipe = -1;
};

Child Start(const Options& options, uint64_t seed) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    close(ends[0]);
    alarm(20);  // a seed that hangs is a finding, too
    Setup setup = options.setup;
    setup.seed = seed;
    const Figures figures = RunHere(setup, options.cases);
    if (write(ends[1], &figures, sizeof figures) != sizeof figures) std::abort();
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

Figures Finish(const Child& child, uint64_t seed) {
  Figures figures;
  const ssize_t got = read(child.pipe, &figures, sizeof figures);
  close(child.pipe);
  int status = 0;
  waitpid(child.pid, &status, 0);
  if (got != sizeof figures || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    figures = Figures();
    figures.violations = 1;
    figures.died = 1;
    std::fprintf(stderr, "seed %" PRIu64 ": the process died\n", seed);
  }
  return figures;
}

void Add(const Figures& one, Figures* all) {
  const auto* from = reinterpret_cast<const int64_t*>(&one);
  auto* to = reinterpret_cast<int64_t*>(all);
  for (size_t i = 0; i < sizeof(Figures) / sizeof(int64_t); ++i) to[i] += from[i];
}

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const std::string value(arg.find('=') == arg.npos ? "" : arg.substr(arg.find('=') + 1));
    if (arg.starts_with("--seeds=")) {
      options.seeds = std::atoll(value.c_str());
    } else if (arg.starts_with("--seed=")) {
      options.first = static_cast<uint64_t>(std::atoll(value.c_str()));
    } else if (arg.starts_with("--cases=")) {
      options.cases = std::atoll(value.c_str());
    } else if (arg.starts_with("--jobs=")) {
      options.jobs = std::atoll(value.c_str());
    } else if (arg.starts_with("--break=")) {
      options.setup.broken = value;
    } else if (arg.starts_with("--size=")) {
      options.size = value;
    } else if (arg.starts_with("--report=")) {
      options.report = value;
    } else if (arg == "--until-found") {
      options.until_found = true;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

double Ratio(int64_t a, int64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  Figures all;
  int64_t done = 0;
  bool stop = false;
  while (done < options.seeds && !stop) {
    // A few seeds side by side; their figures are added in their order.
    std::vector<std::pair<uint64_t, Child>> children;
    for (int64_t i = 0; i < options.jobs && done + i < options.seeds; ++i) {
      const uint64_t seed = options.first + static_cast<uint64_t>(done + i);
      children.emplace_back(seed, Start(options, seed));
    }
    for (const auto& [seed, child] : children) {
      const Figures one = Finish(child, seed);
      // In a self-test the auditor must notice: that the product stopped itself does not count.
      const bool noticed = one.violations > 0 && (options.setup.broken.empty() || one.died == 0);
      if (!stop) {
        Add(one, &all);
        ++done;
        stop = noticed && options.until_found;
      }
    }
  }
  const int64_t found = all.violations - (options.setup.broken.empty() ? 0 : all.died);
  const bool ok = options.setup.broken.empty() ? found == 0 : found > 0;
  const std::string figures =
      Cat("\"seeds\": ", done, ",\n  \"violations\": ", found,
          ",\n  \"seeds_with_limits\": ", all.limits, ",\n  \"touches\": ", all.touches,
          ",\n  \"merges\": ", all.merges, ",\n  \"splits\": ", all.splits,
          ",\n  \"merge_then_split_cases\": ", all.cases,
          ",\n  \"links_suppressed\": ", all.suppressed, ",\n  \"expelled\": ", all.expelled,
          ",\n  \"recycled\": ", all.recycled, ",\n  \"members_not_replayed\": ", all.not_replayed,
          ",\n  \"messages_per_merge\": ", Ratio(all.link_messages, all.merges),
          ",\n  \"reanchors_per_merge\": ", Ratio(all.reanchors, all.merges),
          ",\n  \"messages_per_warm_touch\": ", Ratio(all.warm_records, all.warm_touches));
  std::printf("%s\n", figures.c_str());
  if (!options.report.empty()) {
    std::filesystem::create_directories(std::filesystem::path(options.report).parent_path());
    std::ofstream(options.report) << "{\n  \"ok\": " << (ok ? "true" : "false")
                                  << ",\n  \"size\": \"" << options.size
                                  << "\",\n  \"first_seed\": " << options.first
                                  << ",\n  \"break\": \"" << options.setup.broken << "\",\n  "
                                  << figures << "\n}\n";
  }
  return ok ? 0 : 1;
}
