// regulars-sim: runs seeds of the simulation, each in a child process, so that an assertion of the
// product that stops the process is a finding of that seed like any other.
//   regulars-sim --seeds=N --seed=FIRST [--break=GUARD] [--until-found] [--size=full|ci]
//                [--report=FILE] [--trace]
// Exit status 0 when no seed was violated (with --break: when one was), 1 otherwise.
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "tests/sim/scenario.h"

namespace {

using regulars::Cat;
using regulars::sim::Outcome;
using regulars::sim::Setup;

struct SeedResult {
  bool died = false;
  long long violations = 0, faults = 0, touches = 0, commands = 0, reads = 0, fenced = 0,
            poisoned = 0, parked = 0;
  unsigned long long hash = 0;
};

// The seed's figures come back through a pipe; what is wrong goes to standard error.
SeedResult RunInChild(const Setup& setup) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    close(ends[0]);
    alarm(120);  // a seed that hangs is a finding, too
    const Outcome outcome = regulars::sim::RunSeed(setup);
    if (!outcome.violations.empty()) {
      std::string text = outcome.violations.front();
      for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '~';
      }
      std::fprintf(stderr, "seed %" PRIu64 ": %s\n", setup.seed, text.c_str());
    }
    dprintf(ends[1], "%zd %lld %lld %lld %lld %lld %lld %lld %llu\n", outcome.violations.size(),
            static_cast<long long>(outcome.faults_injected),
            static_cast<long long>(outcome.touches), static_cast<long long>(outcome.commands),
            static_cast<long long>(outcome.view_reads),
            static_cast<long long>(outcome.fenced_writes),
            static_cast<long long>(outcome.poisoned_inputs),
            static_cast<long long>(outcome.keys_parked),
            static_cast<unsigned long long>(outcome.trace_hash));
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  SeedResult result;
  FILE* in = fdopen(ends[0], "r");
  const int read =
      std::fscanf(in, "%lld %lld %lld %lld %lld %lld %lld %lld %llu", &result.violations,
                  &result.faults, &result.touches, &result.commands, &result.reads, &result.fenced,
                  &result.poisoned, &result.parked, &result.hash);
  std::fclose(in);
  int status = 0;
  waitpid(child, &status, 0);
  if (read != 9 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    result = SeedResult();
    result.died = true;
    result.violations = 1;
    std::fprintf(stderr, "seed %" PRIu64 ": the process died\n", setup.seed);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Setup setup;
  uint64_t first = 1;
  int64_t seeds = 1;
  bool until_found = false;
  std::string size = "full", report;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto value = [&](std::string_view name) { return std::string(arg.substr(name.size())); };
    if (arg.starts_with("--seeds=")) {
      seeds = std::atoll(value("--seeds=").c_str());
    } else if (arg.starts_with("--seed=")) {
      first = static_cast<uint64_t>(std::atoll(value("--seed=").c_str()));
    } else if (arg.starts_with("--break=")) {
      setup.broken = value("--break=");
    } else if (arg.starts_with("--size=")) {
      size = value("--size=");
    } else if (arg.starts_with("--report=")) {
      report = value("--report=");
    } else if (arg == "--until-found") {
      until_found = true;
    } else if (arg == "--trace") {
      setup.trace = true;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (seeds < 1) {
    std::fprintf(stderr, "--seeds must be at least 1\n");
    return 2;
  }
  int64_t done = 0, violated = 0, died = 0, faults = 0, touches = 0, commands = 0, reads = 0,
          fenced = 0, poisoned = 0, parked = 0;
  uint64_t hash = 0, first_found = 0;
  for (; done < seeds; ++done) {
    setup.seed = first + static_cast<uint64_t>(done);
    const SeedResult result = RunInChild(setup);
    faults += result.faults;
    touches += result.touches;
    commands += result.commands;
    reads += result.reads;
    fenced += result.fenced;
    poisoned += result.poisoned;
    parked += result.parked;
    hash = regulars::Xxh3(Cat(hash, "/", result.hash));
    if (result.died) ++died;
    // In a self-test the auditor must notice: that the process stopped itself does not count.
    if (result.violations == 0 || (result.died && !setup.broken.empty())) continue;
    ++violated;
    if (first_found == 0) first_found = setup.seed;
    if (until_found) {
      ++done;
      break;
    }
  }
  // The same seed must give the same run.
  bool repeats = true;
  if (violated == 0) {
    const SeedResult once = RunInChild(setup);
    const SeedResult again = RunInChild(setup);
    repeats = once.hash == again.hash;
  }
  const bool ok = repeats && (setup.broken.empty() ? violated == 0 : violated > 0);
  const std::string json = Cat(
      "{\n  \"ok\": ", ok ? "true" : "false", ",\n  \"size\": \"", size, "\",\n  \"seeds\": ", done,
      ",\n  \"first_seed\": ", first, ",\n  \"violations\": ", violated,
      ",\n  \"faults_injected\": ", faults, ",\n  \"touches\": ", touches,
      ",\n  \"commands\": ", commands, ",\n  \"view_reads\": ", reads,
      ",\n  \"view_writes_fenced\": ", fenced, ",\n  \"poisoned_inputs\": ", poisoned,
      ",\n  \"keys_parked\": ", parked, ",\n  \"processes_died\": ", died, ",\n  \"break\": \"",
      setup.broken, "\",\n  \"found_by_seed\": ", first_found,
      ",\n  \"same_seed_same_trace\": ", repeats ? "true" : "false", ",\n  \"trace_hash\": \"",
      hash, "\"\n}\n");
  std::printf("seeds %lld\nviolations %lld\nfaults_injected %lld\ntouches %lld\ncommands %lld\n",
              static_cast<long long>(done), static_cast<long long>(violated),
              static_cast<long long>(faults), static_cast<long long>(touches),
              static_cast<long long>(commands));
  std::printf("view_reads %lld\nview_writes_fenced %lld\nprocesses_died %lld\n",
              static_cast<long long>(reads), static_cast<long long>(fenced),
              static_cast<long long>(died));
  std::printf("poisoned_inputs %lld\nkeys_parked %lld\n", static_cast<long long>(poisoned),
              static_cast<long long>(parked));
  std::printf("trace_hash %" PRIu64 "\nsame_seed_same_trace %s\n", hash,
              violated > 0 ? "not checked"
              : repeats    ? "yes"
                           : "no");
  if (!report.empty()) {
    std::filesystem::create_directories(std::filesystem::path(report).parent_path());
    std::ofstream(report) << json;
  }
  return ok ? 0 : 1;
}
