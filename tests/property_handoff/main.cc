// regulars-property-handoff: state that follows merges and splits ends the same, whatever comes
// first.
//   regulars-property-handoff [--size=full|ci] [--histories=N] [--seed=FIRST] [--most=N]
//                             [--report=FILE]
// Every interleaving of small histories (search.h), then N random large ones (histories.h). Exit
// status 0 when nothing was violated.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "tests/property_handoff/follower_run.h"
#include "tests/property_handoff/histories.h"
#include "tests/property_handoff/segment_histories.h"
#include "tests/property_handoff/send_histories.h"

namespace handoff = regulars::property_handoff;

int main(int argc, char** argv) {
  std::string size = "full";
  std::string report;
  int most = -1;
  int64_t histories = -1;
  uint64_t first = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const auto value = [&](std::string_view name) { return std::string(arg.substr(name.size())); };
    if (arg.starts_with("--size=")) {
      size = value("--size=");
    } else if (arg.starts_with("--histories=")) {
      histories = std::atoll(value("--histories=").c_str());
    } else if (arg.starts_with("--most=")) {
      most = std::atoi(value("--most=").c_str());
    } else if (arg.starts_with("--seed=")) {
      first = static_cast<uint64_t>(std::atoll(value("--seed=").c_str()));
    } else if (arg.starts_with("--report=")) {
      report = value("--report=");
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (most < 0) most = size == "ci" ? 1 : 3;
  if (histories < 0) histories = size == "ci" ? 100 : 20'000;

  double interleavings = 0;
  int64_t small = 0, states = 0, ends = 0, cut = 0, violations = 0;
  for (const handoff::SmallHistory& history : handoff::SmallHistories(most)) {
    const handoff::Found found = handoff::EveryInterleaving(history.world, history.options);
    ++small;
    interleavings += found.interleavings;
    states += found.states;
    ends += found.ends;
    cut += found.cut ? 1 : 0;
    violations += static_cast<int64_t>(found.violations.size());
    if (!found.violations.empty()) {
      std::fprintf(stderr, "%s: %s\n", history.name.c_str(), found.violations.front().c_str());
    }
  }
  int64_t random_violations = 0;
  for (int64_t i = 0; i < histories; ++i) {
    const uint64_t seed = first + static_cast<uint64_t>(i);
    const std::string wrong = handoff::RunRandomHistory(seed);
    if (wrong.empty()) continue;
    if (++random_violations <= 5) {
      std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed), wrong.c_str());
    }
  }
  violations += random_violations;
  const int64_t points = small + histories;
  handoff::Tally followers;
  handoff::RunFollower("segmentation", handoff::SegmentHistories(std::min(most, 2)),
                       handoff::RunSegmentHistory, histories, first, &followers);
  const int64_t segmentation = followers.small + followers.random;
  handoff::RunFollower("messaging", handoff::SendHistories(std::min(most, 2)),
                       handoff::RunSendHistory, histories, first, &followers);
  small += followers.small;
  interleavings += followers.interleavings;
  states += followers.states;
  ends += followers.ends;
  cut += followers.cut;
  violations += followers.violations;
  const bool ok = violations == 0 && cut == 0;
  char exact[64];
  std::snprintf(exact, sizeof(exact), "%.0f", interleavings);
  const std::vector<std::pair<std::string, std::string>> figures = {
      {"histories", regulars::Cat(small + histories + followers.random)},
      {"histories_points", regulars::Cat(points)},
      {"histories_segmentation", regulars::Cat(segmentation)},
      {"histories_messaging", regulars::Cat(followers.small + followers.random - segmentation)},
      {"small_histories", regulars::Cat(small)},
      {"random_histories", regulars::Cat(histories + followers.random)},
      {"interleavings", exact},
      {"states", regulars::Cat(states)},
      {"ends", regulars::Cat(ends)},
      {"histories_cut", regulars::Cat(cut)},
      {"violations", regulars::Cat(violations)},
      {"ok", ok ? "true" : "false"},
      {"size", regulars::Cat("\"", size, "\"")}};
  std::string json;
  for (const auto& [name, value] : figures) {
    std::printf("%s %s\n", name.c_str(), value.c_str());
    regulars::Append(&json, json.empty() ? "{" : ", ", "\"", name, "\": ", value);
  }
  if (!report.empty()) {
    std::filesystem::create_directories(std::filesystem::path(report).parent_path());
    std::ofstream(report) << json << "}\n";
  }
  return ok ? 0 : 1;
}
