#include "tools/regularsctl/topics_file.h"

#include <yaml-cpp/yaml.h>

#include "libs/base/text.h"

namespace regulars::ctl {
namespace {

void Overlay(const YAML::Node& from, std::map<std::string, std::string>* config) {
  if (!from.IsDefined() || !from.IsMap()) return;
  for (const auto& entry : from) {
    (*config)[entry.first.as<std::string>()] = entry.second.as<std::string>();
  }
}

std::vector<WantedTopic> Read(const YAML::Node& root, const std::string& profile_name,
                              int32_t generation, int32_t shards) {
  const YAML::Node profile = root["profiles"][profile_name];
  if (!profile.IsDefined() || !profile.IsMap())
    throw YAML::Exception(YAML::Mark(), Cat("no profile ", profile_name));
  std::vector<WantedTopic> topics;
  for (const auto& entry : root["topics"]) {
    const auto kind_name = entry.second.as<std::string>();
    const YAML::Node kind = root["kinds"][kind_name];
    WantedTopic topic;
    topic.name = Cat(entry.first.as<std::string>(), ".g", generation);
    const auto partitions = kind["partitions"].as<std::string>();
    topic.partitions = partitions == "shards" ? shards : kind["partitions"].as<int32_t>();
    Overlay(root["defaults"], &topic.config);
    Overlay(kind["config"], &topic.config);
    Overlay(profile["config"], &topic.config);
    const YAML::Node own = profile["kinds"];
    if (own.IsDefined() && own.IsMap()) Overlay(own[kind_name], &topic.config);
    topics.push_back(std::move(topic));
  }
  return topics;
}

}  // namespace

absl::StatusOr<std::vector<WantedTopic>> ReadTopics(const std::string& path,
                                                    const std::string& profile, int32_t generation,
                                                    int32_t shards) {
  // yaml-cpp reports mistakes by exceptions; none leaves this function.
  try {
    return Read(YAML::LoadFile(path), profile, generation, shards);
  } catch (const YAML::BadFile&) {
    return absl::NotFoundError(Cat("cannot read ", path, "; name it with --topics-file"));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(Cat(path, ": ", std::string(error.msg)));
  }
}

}  // namespace regulars::ctl
