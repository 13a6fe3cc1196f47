#include "libs/config/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::config {
namespace {

bool IsOptionName(const std::string& name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

std::string EnvironmentName(const std::string& name) {
  return Cat("REGULARS_", absl::AsciiStrToUpper(name));
}

std::vector<std::string> SplitList(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, ',');
}

// A cell of a Markdown table.
std::string Cell(const std::string& text) { return text.empty() ? "-" : Cat("`", text, "`"); }

}  // namespace

Options::Options(std::string program, std::string purpose)
    : program_(std::move(program)), purpose_(std::move(purpose)) {}

void Options::AddEntry(Entry entry) {
  REGULARS_ASSERT(IsOptionName(entry.name), "option name is malformed");
  REGULARS_ASSERT(Find(entry.name) == nullptr, "option is declared twice");
  REGULARS_ASSERT(!entry.sentence.empty(), "option has no sentence");
  entries_.push_back(std::move(entry));
}

void Options::Add(const TextOption& option, std::string* out) {
  *out = option.fallback;
  AddEntry({.name = option.name,
            .group = option.group,
            .type = "text",
            .unit = "",
            .fallback = option.fallback,
            .bounds = absl::StrJoin(option.choices, ", "),
            .sentence = option.sentence,
            .example = "",
            .set = [out, choices = option.choices](const std::string& text) -> std::string {
              if (!choices.empty() &&
                  std::find(choices.begin(), choices.end(), text) == choices.end()) {
                return Cat("must be one of ", absl::StrJoin(choices, ", "));
              }
              *out = text;
              return "";
            },
            .parse = nullptr});
  if (option.required) {
    Check([out, name = option.name](Problems* problems) {
      if (out->empty()) problems->push_back(Cat(name, ": is required"));
    });
  }
}

void Options::Add(const IntOption& option, int64_t* out) {
  REGULARS_ASSERT(option.fallback >= option.min && option.fallback <= option.max,
                  "default of an option is outside its bounds");
  *out = option.fallback;
  const bool open = option.max == std::numeric_limits<int64_t>::max();
  const std::string bounds = open ? Cat(">= ", option.min) : Cat(option.min, " to ", option.max);
  AddEntry({.name = option.name,
            .group = option.group,
            .type = "number",
            .unit = option.unit,
            .fallback = Cat(option.fallback),
            .bounds = bounds,
            .sentence = option.sentence,
            .example = "",
            .set = [out, bounds, min = option.min,
                    max = option.max](const std::string& text) -> std::string {
              int64_t value = 0;
              if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
                return Cat("must be a whole number, ", bounds);
              }
              *out = value;
              return "";
            },
            .parse = nullptr});
}

void Options::Add(const BoolOption& option, bool* out) {
  *out = option.fallback;
  AddEntry({.name = option.name,
            .group = option.group,
            .type = "true or false",
            .unit = "",
            .fallback = option.fallback ? "true" : "false",
            .bounds = "",
            .sentence = option.sentence,
            .example = "",
            .set = [out](const std::string& text) -> std::string {
              if (text != "true" && text != "false") return "must be true or false";
              *out = text == "true";
              return "";
            },
            .parse = nullptr});
}

void Options::Add(const ListOption& option, std::vector<std::string>* out) {
  *out = option.fallback;
  AddEntry({.name = option.name,
            .group = option.group,
            .type = "list",
            .unit = "",
            .fallback = absl::StrJoin(option.fallback, ","),
            .bounds = Cat("at most ", option.items_max),
            .sentence = option.sentence,
            .example = "",
            .set = [out, max = option.items_max](const std::string& text) -> std::string {
              std::vector<std::string> items = SplitList(text);
              if (items.size() > max) return Cat("must have at most ", max, " items");
              if (std::find(items.begin(), items.end(), "") != items.end()) {
                return "must not have empty items";
              }
              *out = std::move(items);
              return "";
            },
            .parse = nullptr});
}

void Options::Add(const SectionOption& option, std::function<void(Section& root)> parse) {
  AddEntry({.name = option.name,
            .group = option.group,
            .type = "section",
            .unit = "",
            .fallback = "",
            .bounds = "",
            .sentence = option.sentence,
            .example = option.example,
            .set = nullptr,
            .parse = std::move(parse)});
}

void Options::IgnoreSections(const std::vector<std::string>& programs) {
  ignored_sections_ = programs;
}

void Options::Check(std::function<void(Problems*)> check) { checks_.push_back(std::move(check)); }

const Options::Entry* Options::Find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

void Options::Assign(const Entry& entry, const std::string& text, std::string_view source,
                     Problems* problems) const {
  const std::string problem = entry.set(text);
  if (!problem.empty()) problems->push_back(Cat(entry.name, " (", source, "): ", problem));
}

void Options::ReadFlat(Section* section, std::string_view source, Problems* problems) const {
  for (const Entry& entry : entries_) {
    if (entry.set == nullptr) continue;
    const std::optional<std::string> text = section->Flat(entry.name);
    if (text.has_value()) Assign(entry, *text, source, problems);
  }
}

void Options::ReadFile(const std::string& path, Problems* problems) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (file.good() && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    problems->push_back(Cat("config: cannot read ", path));
    return;
  }
  std::optional<Section> root = ParseYaml(text.str(), problems);
  if (!root.has_value()) return;
  ReadFlat(&*root, path, problems);
  if (std::optional<Section> own = root->Child(program_); own.has_value()) {
    ReadFlat(&*own, Cat(path, " ", program_), problems);
    own->Finish();
  }
  for (const std::string& other : ignored_sections_) root->Skip(other);
  for (const Entry& entry : entries_) {
    if (entry.parse != nullptr) entry.parse(*root);
  }
  root->Finish();
}

Options::Result Options::Parse(int argc, const char* const* argv, const Environment& environment) {
  Result result;
  std::string path;
  std::vector<std::string> sets;
  bool help = false;
  bool docs = false;
  CLI::App app(purpose_, program_);
  app.set_help_flag();
  app.add_flag("-h,--help", help);
  app.add_flag("--print-config-docs", docs);
  app.add_option("--config", path);
  app.add_option("--set", sets)->take_all()->expected(1)->allow_extra_args(false);
  // CLI11 reports mistakes by exceptions; none leaves this function.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    result.problems.push_back(Cat("command line: ", std::string(error.what())));
    result.exit_code = 2;
    return result;
  }
  if (help || docs) {
    result.output = docs ? Docs() : Help();
    result.exit_code = 0;
    return result;
  }
  const char* env_path = environment("REGULARS_CONFIG");
  if (path.empty() && env_path != nullptr) path = env_path;
  if (!path.empty()) ReadFile(path, &result.problems);
  for (const Entry& entry : entries_) {
    const std::string variable = EnvironmentName(entry.name);
    const char* text = environment(variable.c_str());
    if (text != nullptr && entry.set != nullptr) Assign(entry, text, variable, &result.problems);
  }
  for (const std::string& set : sets) {
    const std::size_t equals = set.find('=');
    const std::string name = set.substr(0, equals);
    const Entry* entry = Find(name);
    if (equals == std::string::npos || entry == nullptr || entry->set == nullptr) {
      result.problems.push_back(Cat(name, " (--set): unknown, or not name=value"));
    } else {
      Assign(*entry, set.substr(equals + 1), "--set", &result.problems);
    }
  }
  for (const auto& check : checks_) check(&result.problems);
  if (!result.problems.empty()) result.exit_code = 2;
  return result;
}

std::string Options::Help() const {
  std::string out = Cat(program_, ": ", purpose_, "\n\n",
                        "  --config FILE         YAML file (or REGULARS_CONFIG)\n",
                        "  --set NAME=VALUE      one option, wins over file and environment\n",
                        "  --print-config-docs   the options as Markdown\n\n",
                        "Options (environment variable REGULARS_<NAME>):\n");
  for (const Entry& entry : entries_) {
    Append(&out, "  ", entry.name, "  ", entry.sentence);
    if (!entry.unit.empty()) Append(&out, " Unit: ", entry.unit, ".");
    if (!entry.bounds.empty()) Append(&out, " Bounds: ", entry.bounds, ".");
    if (!entry.fallback.empty()) Append(&out, " Default: ", entry.fallback, ".");
    out.push_back('\n');
  }
  return out;
}

std::string Options::Docs() const {
  std::string out = Cat("# ", program_, "\n\n", purpose_, "\n");
  std::vector<std::string> groups;
  for (const Entry& entry : entries_) {
    if (std::find(groups.begin(), groups.end(), entry.group) == groups.end()) {
      groups.push_back(entry.group);
    }
  }
  for (const std::string& group : groups) {
    Append(&out, "\n## ", group, "\n\n",
           "| option | environment | type | unit | default | bounds | meaning |\n",
           "|---|---|---|---|---|---|---|\n");
    std::string examples;
    for (const Entry& entry : entries_) {
      if (entry.group != group) continue;
      const std::string variable = entry.set == nullptr ? "" : EnvironmentName(entry.name);
      Append(&out, "| `", entry.name, "` | ", Cell(variable), " | ", entry.type, " | ",
             entry.unit.empty() ? "-" : entry.unit, " | ", Cell(entry.fallback), " | ",
             entry.bounds.empty() ? "-" : entry.bounds, " | ", entry.sentence, " |\n");
      if (!entry.example.empty()) Append(&examples, "\n```yaml\n", entry.example, "```\n");
    }
    out.append(examples);
  }
  return out;
}

}  // namespace regulars::config
