// `regularsctl verify`: wires the checks to a real log, view and stores, and says what they found.
#include <fstream>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/verify.h"

namespace regulars::ctl {
namespace {

// A line of the page: figures that describe, then figures that must be 0.
struct Line {
  const char* name;
  std::vector<const char*> figures;
  std::vector<const char*> zeros;
};

const std::vector<Line>& Lines() {
  static const std::vector<Line> lines = {
      {"at rest", {}, {"hanging_partitions", "lag_records"}},
      {"chains",
       {"services", "shards", "transactions", "records_read"},
       {"chain_breaks", "torn_transactions", "keys_garbled"}},
      {"outputs", {"output_records", "outputs_unchecked"}, {"output_mismatches"}},
      {"positions", {"group_offsets", "group_offsets_absent"}, {"group_mismatches"}},
      {"states", {"keys_folded", "entities_checked"}, {"invariant_violations"}},
      {"ledger", {"sums_checked"}, {"sum_mismatches", "ledger_imbalance"}},
      {"view",
       {"view_keys", "view_absent"},
       {"view_mismatches", "views_not_whole", "views_behind"}},
      {"stores",
       {"stores", "stores_at_end", "stores_behind", "stores_foreign", "store_keys"},
       {"store_mismatches"}},
  };
  return lines;
}

std::string PageOf(const Findings& findings) {
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : Lines()) {
    const bool looked = findings.figures().contains(line.zeros.front());
    bool ok = true;
    std::vector<std::string> said;
    for (const char* name : line.figures) {
      said.push_back(Cat(name, " ", Grouped(findings.figure(name))));
    }
    for (const char* name : line.zeros) {
      ok = ok && findings.figure(name) == 0;
      said.push_back(Cat(name, " ", Grouped(findings.figure(name))));
    }
    rows.push_back({line.name,
                    !looked ? "-"
                    : ok    ? "ok"
                            : "WRONG",
                    looked ? absl::StrJoin(said, ", ") : "not checked"});
  }
  std::string page = Table(rows);
  for (const std::string& sentence : findings.sentences()) Append(&page, "  ", sentence, "\n");
  page += findings.ok() ? "verify: clean\n" : "verify: something is WRONG\n";
  return page;
}

nlohmann::json JsonOf(const Findings& findings, const absl::Status& status, double seconds) {
  nlohmann::json json;
  json["ok"] = status.ok() && findings.ok();
  json["error"] = status.ok() ? "" : std::string(status.message());
  for (const auto& [name, value] : findings.figures()) json[name] = value;
  json["findings"] = findings.sentences();
  json["took_s"] = seconds;
  return json;
}

absl::Status WriteReport(const Context& context, const nlohmann::json& json) {
  const auto path = context.line().Last("report");
  if (!path) return absl::OkStatus();
  std::ofstream file(*path, std::ios::trunc);
  file << json.dump(2) << "\n";
  file.close();
  if (!file) return absl::InvalidArgumentError(Cat("cannot write ", *path));
  return absl::OkStatus();
}

absl::Status Look(Context* context, Findings* findings) {
  VerifyOptions options;
  REGULARS_ASSIGN_OR_RETURN(options.services, context->Services());
  REGULARS_ASSIGN_OR_RETURN(options.wait, context->line().Duration("wait", options.wait));
  options.generation = context->settings().generation;
  options.data = context->line().All("data");
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  REGULARS_ASSIGN_OR_RETURN(const auto view, context->OpenView());
  if (view != nullptr) {
    const auto meta = view->Meta({options.services.front(), 0, 1});
    if (!meta.ok()) {
      return absl::UnavailableError(Cat("no Redis answers at ",
                                        absl::StrJoin(context->settings().redis_addresses, ","),
                                        ": ", std::string(meta.status().message())));
    }
  }
  const VerifyPorts ports{.log = context->log(),
                          .inspector = context->inspector(),
                          .view = view.get(),
                          .now = [] { return absl::Now(); },
                          .pause = [](absl::Duration d) { absl::SleepFor(d); }};
  return Verify(ports, options, findings);
}

}  // namespace

absl::StatusOr<Answer> RunVerify(Context* context) {
  const absl::Time begin = absl::Now();
  Findings findings;
  const absl::Status status = Look(context, &findings);
  Answer answer;
  answer.json = JsonOf(findings, status, absl::ToDoubleSeconds(absl::Now() - begin));
  REGULARS_RETURN_IF_ERROR(WriteReport(*context, answer.json));
  REGULARS_RETURN_IF_ERROR(status);
  answer.text = PageOf(findings);
  answer.exit_code = findings.ok() ? kExitOk : kExitWrong;
  return answer;
}

}  // namespace regulars::ctl
