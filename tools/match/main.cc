// regulars-match: estimates match parameters from record files, judges pairs, and explains one.
// The format of the files is in records_file.h and services/identity/match/README.md.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "nlohmann/json.hpp"
#include "services/identity/match/estimate.h"
#include "services/identity/match/matcher.h"
#include "tools/match/judge.h"
#include "tools/match/records_file.h"

namespace regulars::match {
namespace {

using identity::match::Band;
using identity::match::Matcher;

struct Options {
  std::vector<std::string> records;
  std::string between, parameters, out;
  std::vector<std::string> ids;
  identity::match::EstimateOptions estimate;
};

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  return out ? absl::OkStatus() : absl::InternalError(Cat("cannot write ", path));
}

absl::StatusOr<Matcher> ReadMatcher(const std::string& path) {
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  REGULARS_ASSIGN_OR_RETURN(identity::match::Parameters parameters,
                            identity::match::ParseParameters(text));
  return Matcher(std::move(parameters));
}

absl::Status EstimateCommand(const Options& options) {
  std::vector<std::vector<identity::match::Record>> populations;
  for (const std::string& path : options.records) {
    REGULARS_ASSIGN_OR_RETURN(RecordList list, ReadRecords(path));
    populations.push_back(std::move(list.records));
  }
  REGULARS_ASSIGN_OR_RETURN(
      const identity::match::Estimate estimate,
      identity::match::EstimateParameters(std::move(populations), options.estimate));
  REGULARS_RETURN_IF_ERROR(WriteFile(options.out, FormatParameters(estimate.parameters)));
  const nlohmann::json said = {{"iterations", estimate.iterations},
                               {"candidate_pairs", estimate.candidate_pairs},
                               {"blocks_skipped", estimate.blocks_skipped},
                               {"match_share", estimate.match_share}};
  std::cout << said.dump() << "\n";
  return absl::OkStatus();
}

// The records of one file, or of two with the second's behind the first's.
absl::StatusOr<std::pair<RecordList, size_t>> ReadBoth(const Options& options) {
  REGULARS_ASSIGN_OR_RETURN(RecordList list, ReadRecords(options.records.front()));
  if (options.between.empty()) return std::make_pair(std::move(list), size_t{0});
  const size_t split = list.ids.size();
  REGULARS_ASSIGN_OR_RETURN(RecordList second, ReadRecords(options.between));
  std::move(second.ids.begin(), second.ids.end(), std::back_inserter(list.ids));
  std::move(second.records.begin(), second.records.end(), std::back_inserter(list.records));
  return std::make_pair(std::move(list), split);
}

absl::Status JudgeCommand(const Options& options) {
  REGULARS_ASSIGN_OR_RETURN(const Matcher matcher, ReadMatcher(options.parameters));
  REGULARS_ASSIGN_OR_RETURN(const auto both, ReadBoth(options));
  const auto& [list, split] = both;
  const Judged judged = JudgeAll(matcher, list.records, split);
  std::string lines = "a\tb\tband\treason\ttotal_mbit\n";
  size_t links = 0, reviews = 0;
  for (const JudgedPair& pair : judged.pairs) {
    if (pair.band == Band::kNothing) continue;
    ++(pair.band == Band::kLink ? links : reviews);
    Append(&lines, list.ids[pair.a], "\t", list.ids[pair.b], "\t", NameOf(pair.band), "\t",
           NameOf(pair.reason), "\t", pair.total_mbit, "\n");
  }
  REGULARS_RETURN_IF_ERROR(WriteFile(options.out, lines));
  const Timing timing = TimeJudge(matcher, list.records, judged.pairs);
  const nlohmann::json said = {{"records", list.ids.size()},
                               {"pairs", judged.pairs.size()},
                               {"links", links},
                               {"reviews", reviews},
                               {"blocks_skipped", judged.blocks_skipped},
                               {"us_per_pair", timing.us_per_candidate},
                               {"us_per_random_pair", timing.us_per_random_pair}};
  std::cout << said.dump() << "\n";
  return absl::OkStatus();
}

absl::Status ExplainCommand(const Options& options) {
  REGULARS_ASSIGN_OR_RETURN(const Matcher matcher, ReadMatcher(options.parameters));
  REGULARS_ASSIGN_OR_RETURN(const auto both, ReadBoth(options));
  const RecordList& list = both.first;
  std::vector<const identity::match::Record*> pair;
  for (const std::string& id : options.ids) {
    const auto found = std::find(list.ids.begin(), list.ids.end(), id);
    if (found == list.ids.end()) return absl::NotFoundError(Cat("no record ", id));
    pair.push_back(&list.records[static_cast<size_t>(found - list.ids.begin())]);
  }
  std::cout << Explain(matcher.Judge(*pair[0], *pair[1]), matcher.parameters());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("Candidate matching offline: parameters from records, verdicts on pairs.");
  app.require_subcommand(1);
  Options options;
  CLI::App* const estimate = app.add_subcommand("estimate", "parameters from records, unlabelled");
  CLI::App* const judge = app.add_subcommand("judge", "every candidate pair to a file");
  CLI::App* const explain = app.add_subcommand("explain", "two records, field by field");
  for (CLI::App* const command : {estimate, judge, explain}) {
    command->add_option("--records", options.records, "file of records")->required();
  }
  estimate->add_option("--seed", options.estimate.seed, "of the random pairs");
  estimate->add_option("--random-pairs", options.estimate.random_pairs, "how many");
  for (CLI::App* const command : {judge, explain}) {
    command->add_option("--parameters", options.parameters, "file of estimate")->required();
    command->add_option("--between", options.between, "second file: only pairs between the two");
  }
  for (CLI::App* const command : {estimate, judge}) {
    command->add_option("--out", options.out, "file to write")->required();
  }
  explain->add_option("ids", options.ids, "two ids")->required()->expected(2);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = estimate->parsed() ? EstimateCommand(options)
                              : judge->parsed()  ? JudgeCommand(options)
                                                 : ExplainCommand(options);
  if (status.ok()) return 0;
  std::cerr << "regulars-match: " << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace regulars::match

int main(int argc, char** argv) { return regulars::match::Main(argc, argv); }
