// `regularsctl topics`: the topics as data (deploy/kafka/topics.yaml) against the broker. A topic
// that is missing, has another number of partitions or another setting is wrong.
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "tools/regularsctl/answer.h"
#include "tools/regularsctl/topics_file.h"

namespace regulars::ctl {
namespace {

using Settings = std::map<std::string, std::string>;

// What is wrong with a topic that is there.
std::vector<std::string> Differences(const WantedTopic& wanted, int32_t partitions,
                                     const Settings& settings) {
  std::vector<std::string> wrong;
  if (partitions != wanted.partitions) {
    wrong.push_back(Cat(partitions, " partitions, not ", wanted.partitions));
  }
  for (const auto& [name, value] : wanted.config) {
    const auto found = settings.find(name);
    const std::string is = found == settings.end() ? "unset" : found->second;
    if (is != value) wrong.push_back(Cat(name, " is ", is, ", not ", value));
  }
  return wrong;
}

}  // namespace

absl::StatusOr<Answer> RunTopics(Context* context) {
  const CommandLine& line = context->line();
  const std::string path = line.Last("topics-file").value_or("deploy/kafka/topics.yaml");
  const std::string profile = line.Last("profile").value_or("local");
  REGULARS_ASSIGN_OR_RETURN(const std::vector<WantedTopic> wanted,
                            ReadTopics(path, profile, context->settings().generation,
                                       static_cast<int32_t>(context->settings().shards)));
  REGULARS_RETURN_IF_ERROR(context->OpenLog());
  REGULARS_ASSIGN_OR_RETURN(auto there, context->reader()->Topics());
  std::vector<std::string> names;
  for (const auto& [name, partitions] : there) names.push_back(name);
  REGULARS_ASSIGN_OR_RETURN(auto settings, context->inspector()->Configs(names, kCallTimeout));

  Answer answer;
  int64_t missing = 0, different = 0;
  std::vector<std::vector<std::string>> rows = {{"TOPIC", "PARTITIONS", "STATE"}};
  nlohmann::json topics = nlohmann::json::array();
  const auto add = [&](const std::string& name, const std::string& partitions,
                       const std::string& state, const std::vector<std::string>& wrong) {
    rows.push_back({name, partitions, wrong.empty() ? state : absl::StrJoin(wrong, "; ")});
    topics.push_back({{"topic", name}, {"state", state}, {"differences", wrong}});
  };
  for (const WantedTopic& topic : wanted) {
    const auto found = there.find(topic.name);
    if (found == there.end()) {
      ++missing;
      add(topic.name, "-", "missing", {"MISSING"});
      continue;
    }
    const auto wrong = Differences(topic, found->second, settings[topic.name]);
    different += wrong.empty() ? 0 : 1;
    add(topic.name, Cat(found->second), wrong.empty() ? "ok" : "different", wrong);
    there.erase(found);
  }
  for (const auto& [name, partitions] : there) add(name, Cat(partitions), "not in the file", {});
  answer.exit_code = missing + different == 0 ? kExitOk : kExitWrong;
  answer.text = Cat(Table(rows), wanted.size(), " topics wanted: ", missing, " missing, ",
                    different, " different\n");
  answer.json = {{"ok", missing + different == 0},
                 {"missing", missing},
                 {"different", different},
                 {"topics", std::move(topics)}};
  return answer;
}

}  // namespace regulars::ctl
