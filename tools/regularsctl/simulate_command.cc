// `regularsctl identity simulate-rules`: which merges other linking rules would do or undo. Reads
// the changelog of identity and nothing else, and writes nowhere.
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/time.h"
#include "libs/base/wall_clock.h"
#include "libs/config/section.h"
#include "libs/model/identifier.h"
#include "services/identity/shell/simulation.h"
#include "tools/regularsctl/answer.h"

namespace regulars::ctl {
namespace {

using identity::LinkRules;
using identity::simulate::Difference;
using identity::simulate::Example;

constexpr char kUsage[] =
    "identity simulate-rules POOL --rules=FILE [--limit=20] [--memory-mb=1024] [--seconds=1800] "
    "[--report=FILE]";
constexpr int64_t kExamples = 20;
constexpr int64_t kExamplesMax = 10'000;
constexpr int64_t kMemoryMb = 1'024;
constexpr int64_t kMemoryMbMax = 1'000'000;
constexpr int64_t kSeconds = 1'800;
constexpr int64_t kSecondsMax = 86'400;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(Cat("cannot read ", path));
  return text.str();
}

// The rules of now: those of the pool in the services' configuration.
absl::StatusOr<LinkRules> RulesOfNow(const CommandLine& line, const std::string& pool) {
  const char* const from_environment = std::getenv("REGULARS_CONFIG");
  const std::string path =
      line.Last("config").value_or(from_environment == nullptr ? "" : from_environment);
  if (path.empty()) return absl::InvalidArgumentError("the rules of now are in --config");
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  config::Problems problems;
  auto root = config::ParseYaml(text, &problems);
  if (!root.has_value()) return absl::InvalidArgumentError(Cat(path, " is no configuration"));
  for (config::Section& item : root->Children("pools")) {
    if (item.Text("name", "") != pool) continue;
    auto section = item.Child("identity");
    LinkRules rules;
    if (section.has_value()) rules = identity::ReadRules(&*section);
    if (!problems.empty()) {
      return absl::InvalidArgumentError(Cat(path, ": ", absl::StrJoin(problems, "; ")));
    }
    return rules;
  }
  return absl::NotFoundError(Cat("POOL_UNKNOWN: ", path, " has no pool ", pool));
}

absl::StatusOr<int64_t> NumberOf(const CommandLine& line, const char* flag, int64_t fallback,
                                 int64_t max) {
  int64_t number = fallback;
  const auto text = line.Last(flag);
  if (text && (!absl::SimpleAtoi(*text, &number) || number < 0 || number > max)) {
    return absl::InvalidArgumentError(Cat("--", flag, " must be 0 to ", max));
  }
  return number;
}

nlohmann::json JsonOfEnd(const types::v1::Identifier& id, const std::string& member) {
  return {{"type", id.type()},
          {"scope", id.scope()},
          {"identifier_key", model::IdentifierKey(id.hmac())},
          {"member", member}};
}

nlohmann::json JsonOf(const Difference& difference) {
  nlohmann::json json = {{"links", difference.links},
                         {"members_now", difference.members_now},
                         {"members_then", difference.members_then},
                         {"merges_now", difference.merges_now},
                         {"merges_then", difference.merges_then},
                         {"members_come_together", difference.come_together},
                         {"members_fall_apart", difference.fall_apart},
                         {"links_undecided", difference.links_undecided},
                         {"members_not_reproduced", difference.members_not_reproduced},
                         {"newly_stopped", difference.newly_stopped},
                         {"no_longer_stopped", difference.no_longer_stopped},
                         {"examples", nlohmann::json::array()}};
  for (const Example& example : difference.examples) {
    json["examples"].push_back(
        {{"would_join", example.would_join},
         {"rule", example.rule},
         {"limit", example.limit},
         {"touch_id", example.evidence.touch_id()},
         {"occur_time", FormatRfc3339(example.evidence.occurred_us())},
         {"decide_time", FormatRfc3339(example.decided_us)},
         {"first", JsonOfEnd(example.evidence.first(), example.first_member)},
         {"second", JsonOfEnd(example.evidence.second(), example.second_member)}});
  }
  return json;
}

std::string PageOf(const std::string& pool, const Difference& d, const std::string& now,
                   const std::string& then) {
  const auto rules = [](const std::map<std::string, int64_t>& counts) {
    std::vector<std::string> said;
    for (const auto& [rule, count] : counts) said.push_back(Cat(rule, " ", Grouped(count)));
    return said.empty() ? std::string("none") : absl::StrJoin(said, ", ");
  };
  std::string page = Table({
      {Cat("POOL ", pool), Cat("NOW (", now, ")"), Cat("THEN (", then, ")")},
      {"members", Grouped(d.members_now), Grouped(d.members_then)},
      {"merges", Grouped(d.merges_now), Grouped(d.merges_then)},
  });
  Append(&page, Grouped(d.links), " links decided again\n", Grouped(d.come_together),
         " members would come together, ", Grouped(d.fall_apart), " would fall apart\n",
         "links newly stopped by: ", rules(d.newly_stopped), "\n",
         "links no longer stopped by: ", rules(d.no_longer_stopped), "\n");
  if (d.links_undecided > 0) {
    Append(&page, Grouped(d.links_undecided),
           " links are being decided, or the log does not tell\n");
  }
  if (d.members_not_reproduced > 0) {
    Append(&page, Grouped(d.members_not_reproduced),
           " members are not what the rules of now make of the log: so far it is not whole\n");
  }
  if (d.examples.empty()) return page;
  std::vector<std::vector<std::string>> rows = {
      {"DECIDED", "WOULD", "RULE", "FIRST", "OF", "SECOND", "OF", "TOUCH"}};
  for (const Example& example : d.examples) {
    rows.push_back({FormatRfc3339(example.decided_us), example.would_join ? "join" : "stop",
                    Cat(example.rule, "=", example.limit), example.evidence.first().type(),
                    example.first_member, example.evidence.second().type(), example.second_member,
                    example.evidence.touch_id()});
  }
  return page + Table(rows);
}

}  // namespace

absl::StatusOr<Answer> RunIdentity(Context* context) {
  const CommandLine& line = context->line();
  const auto path = line.Last("rules");
  if (line.words().size() != 3 || line.words()[1] != "simulate-rules" || !path) {
    return absl::InvalidArgumentError(kUsage);
  }
  const std::string& pool = line.words()[2];
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadFile(*path));
  REGULARS_ASSIGN_OR_RETURN(const LinkRules then, identity::ParseRules(text));
  REGULARS_ASSIGN_OR_RETURN(const LinkRules now, RulesOfNow(line, pool));
  REGULARS_ASSIGN_OR_RETURN(const int64_t examples,
                            NumberOf(line, "limit", kExamples, kExamplesMax));
  REGULARS_ASSIGN_OR_RETURN(const int64_t memory_mb,
                            NumberOf(line, "memory-mb", kMemoryMb, kMemoryMbMax));
  REGULARS_ASSIGN_OR_RETURN(const int64_t seconds,
                            NumberOf(line, "seconds", kSeconds, kSecondsMax));
  REGULARS_RETURN_IF_ERROR(identity::CheckSimulated(now, then));
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  identity::Simulation what;
  what.pool = pool;
  what.now = now;
  what.then = then;
  what.changelog = context->reader()->Topic("identity", events::kChangelogKind);
  REGULARS_ASSIGN_OR_RETURN(what.shards, context->reader()->ShardsOf("identity"));
  what.examples_max = static_cast<size_t>(examples);
  what.memory_bytes_max = static_cast<size_t>(memory_mb) << 20;
  identity::SimulationPorts ports;
  ports.log = context->log();
  ports.progress = [](int64_t read, int64_t total) {
    std::fprintf(stderr, "read %s of %s\n", Grouped(read).c_str(), Grouped(total).c_str());
  };
  ports.go_on = [end_us = MonotonicMicros() + seconds * kMicrosPerSecond] {
    if (MonotonicMicros() < end_us) return absl::OkStatus();
    return DomainError(absl::StatusCode::kDeadlineExceeded, "SIMULATION_TOO_LONG",
                       "it takes longer than --seconds");
  };
  REGULARS_ASSIGN_OR_RETURN(const Difference difference, identity::Simulate(what, ports));
  Answer answer;
  answer.json = JsonOf(difference);
  answer.json["pool"] = pool;
  answer.json["rules_now"] = RulesTag(now);
  answer.json["rules_then"] = RulesTag(then);
  answer.json["ok"] = true;
  answer.text = PageOf(pool, difference, RulesTag(now), RulesTag(then));
  if (RulesTag(now) != RulesTag(then) && now.version == then.version) {
    answer.text += "the rules differ and their version does not: give them another one\n";
  }
  if (const auto report = line.Last("report"); report.has_value()) {
    std::ofstream(*report, std::ios::trunc) << answer.json.dump(2) << "\n";
  }
  return answer;
}

}  // namespace regulars::ctl
