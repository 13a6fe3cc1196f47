#include "libs/config/section.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "libs/base/limits.h"
#include "libs/base/text.h"

namespace regulars::config {

struct Section::Impl {
  YAML::Node node;
  std::string path;  // "pools[2]", "" at the root
  Problems* problems;
  std::set<std::string> read;

  [[nodiscard]] std::string PathOf(std::string_view field) const {
    return path.empty() ? std::string(field) : Cat(path, ".", field);
  }
  void Add(std::string_view field, std::string_view text) const {
    problems->push_back(Cat(PathOf(field), ": ", text));
  }
  // The node of a field, undefined or null when absent.
  YAML::Node Find(const std::string& field) {
    read.insert(field);
    // operator[] of a const Node does not insert.
    const YAML::Node& map = node;
    return map[field];
  }
  // The text of a scalar; adds the problem when the field is required or no scalar.
  std::optional<std::string> Scalar(const std::string& field, bool required) {
    const YAML::Node found = Find(field);
    if (!found.IsDefined() || found.IsNull()) {
      if (required) Add(field, "is required");
      return std::nullopt;
    }
    if (!found.IsScalar()) {
      Add(field, "must be a single value");
      return std::nullopt;
    }
    return found.Scalar();
  }
  [[nodiscard]] Section Sub(YAML::Node child, std::string child_path) const {
    auto impl = std::make_unique<Impl>();
    impl->node = std::move(child);
    impl->path = std::move(child_path);
    impl->problems = problems;
    return Section(std::move(impl));
  }
};

Section::Section(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Section::~Section() = default;
Section::Section(Section&&) noexcept = default;
Section& Section::operator=(Section&&) noexcept = default;

std::string Section::Text(const std::string& field, const std::optional<std::string>& fallback) {
  return impl_->Scalar(field, !fallback.has_value()).value_or(fallback.value_or(""));
}

std::string Section::Choice(const std::string& field, const std::vector<std::string>& choices,
                            const std::optional<std::string>& fallback) {
  const std::optional<std::string> text = impl_->Scalar(field, !fallback.has_value());
  if (!text.has_value()) return fallback.value_or("");
  if (std::find(choices.begin(), choices.end(), *text) == choices.end()) {
    impl_->Add(field, Cat("must be one of ", absl::StrJoin(choices, ", ")));
    return fallback.value_or("");
  }
  return *text;
}

int64_t Section::Int(const std::string& field, int64_t min, int64_t max,
                     std::optional<int64_t> fallback) {
  const std::optional<std::string> text = impl_->Scalar(field, !fallback.has_value());
  int64_t value = fallback.value_or(min);
  if (!text.has_value()) return value;
  if (!absl::SimpleAtoi(*text, &value) || value < min || value > max) {
    impl_->Add(field, Cat("must be a whole number from ", min, " to ", max));
    return fallback.value_or(min);
  }
  return value;
}

bool Section::Bool(const std::string& field, std::optional<bool> fallback) {
  const std::optional<std::string> text = impl_->Scalar(field, !fallback.has_value());
  if (!text.has_value()) return fallback.value_or(false);
  if (*text != "true" && *text != "false") {
    impl_->Add(field, "must be true or false");
    return fallback.value_or(false);
  }
  return *text == "true";
}

std::vector<std::string> Section::Texts(const std::string& field) {
  std::vector<std::string> out;
  const YAML::Node found = impl_->Find(field);
  if (!found.IsDefined() || found.IsNull()) return out;
  if (!found.IsSequence()) {
    impl_->Add(field, "must be a list");
    return out;
  }
  for (const YAML::Node& item : found) {
    if (item.IsScalar()) {
      out.push_back(item.Scalar());
    } else {
      impl_->Add(field, "must be a list of single values");
    }
  }
  return out;
}

std::optional<std::string> Section::Flat(const std::string& field) {
  const YAML::Node found = impl_->Find(field);
  if (!found.IsDefined() || found.IsNull()) return std::nullopt;
  if (found.IsSequence()) return absl::StrJoin(Texts(field), ",");
  return impl_->Scalar(field, false);
}

std::optional<Section> Section::Child(const std::string& field) {
  const YAML::Node found = impl_->Find(field);
  if (!found.IsDefined() || found.IsNull()) return std::nullopt;
  if (!found.IsMap()) {
    impl_->Add(field, "must be a map");
    return std::nullopt;
  }
  return impl_->Sub(found, impl_->PathOf(field));
}

std::vector<Section> Section::Children(const std::string& field) {
  std::vector<Section> out;
  const YAML::Node found = impl_->Find(field);
  if (!found.IsDefined() || found.IsNull()) return out;
  if (!found.IsSequence()) {
    impl_->Add(field, "must be a list of maps");
    return out;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string path = Cat(impl_->PathOf(field), "[", i, "]");
    if (found[i].IsMap()) {
      out.push_back(impl_->Sub(found[i], path));
    } else {
      impl_->problems->push_back(Cat(path, ": must be a map"));
    }
  }
  return out;
}

void Section::Skip(const std::string& field) { impl_->read.insert(field); }

void Section::Problem(std::string_view field, std::string_view text) { impl_->Add(field, text); }

void Section::Finish() {
  std::set<std::string> seen;
  for (const auto& item : impl_->node) {
    if (!item.first.IsScalar()) {
      impl_->problems->push_back(Cat(impl_->path, ": a field name must be a single value"));
      continue;
    }
    const std::string field = item.first.Scalar();
    if (!seen.insert(field).second) impl_->Add(field, "is given twice");
    if (!impl_->read.contains(field)) impl_->Add(field, "unknown");
  }
}

std::optional<Section> ParseYaml(std::string_view text, Problems* problems) {
  if (text.size() > limits::kConfigFileBytesMax) {
    problems->push_back(Cat("the file is larger than ", limits::kConfigFileBytesMax, " bytes"));
    return std::nullopt;
  }
  // yaml-cpp reports mistakes by exceptions, some of them the standard library's; none leaves this
  // function.
  try {
    YAML::Node root = YAML::Load(std::string(text));
    if (root.IsNull()) root = YAML::Node(YAML::NodeType::Map);
    if (!root.IsMap()) {
      problems->push_back("the file must be a map of options");
      return std::nullopt;
    }
    auto impl = std::make_unique<Section::Impl>();
    impl->node = std::move(root);
    impl->problems = problems;
    return Section(std::move(impl));
  } catch (const std::exception& error) {
    problems->push_back(Cat("not YAML: ", std::string(error.what())));
    return std::nullopt;
  }
}

}  // namespace regulars::config
