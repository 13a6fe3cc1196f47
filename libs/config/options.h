// Options of a program, each declared once: name, unit, default, bounds and one sentence. From that
// come parsing, --help and docs/config.md.
//
// Where a value comes from, the later wins: default, YAML file (--config), environment variable
// REGULARS_<NAME>, --set name=value. Lists and maps that are not flat (pools) are sections of the
// file. A shared file may hold one map per program (`ingest: {...}`): options there win over those
// at the top level and are seen by that program only. Errors: an unknown option or a bad value ends
// the start with the list of ALL problems. Unknown environment variables are no problem: Kubernetes
// adds some of that form for every service. Lifecycle: declare everything, then Parse once. The
// bound variables must outlive Parse. Thread-safety: none; used by main before threads exist.
//
//   config::Options options("points", "Keeps the points ledger of every member.");
//   options.Add(config::IntOption{.name = "shard_inputs_max", .group = "runtime", .unit = "inputs",
//                                 .fallback = 4000, .min = 1, .max = 10'000,
//                                 .sentence = "Inputs of one transaction."}, &config.inputs_max);
#ifndef REGULARS_LIBS_CONFIG_OPTIONS_H_
#define REGULARS_LIBS_CONFIG_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/config/section.h"

namespace regulars::config {

struct TextOption {
  std::string name;   // [a-z][a-z0-9_]*
  std::string group;  // heading in the documentation
  std::string fallback;
  std::string sentence;
  std::vector<std::string> choices = {};  // empty = any text
  bool required = false;                  // an empty value is a problem
};

struct IntOption {
  std::string name;
  std::string group;
  std::string unit;
  int64_t fallback = 0;
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  std::string sentence;
};

struct BoolOption {
  std::string name;
  std::string group;
  bool fallback = false;
  std::string sentence;
};

// Texts separated by commas; in YAML also a list.
struct ListOption {
  std::string name;
  std::string group;
  std::vector<std::string> fallback;
  std::string sentence;
  std::size_t items_max = 64;
};

// A structured part of the YAML file. `example` is shown in the documentation.
struct SectionOption {
  std::string name;
  std::string group;
  std::string sentence;
  std::string example;
};

// Looks up an environment variable; nullptr when unset.
using Environment = std::function<const char*(const char* name)>;

class Options {
 public:
  Options(std::string program, std::string purpose);

  void Add(const TextOption& option, std::string* out);
  void Add(const IntOption& option, int64_t* out);
  void Add(const BoolOption& option, bool* out);
  void Add(const ListOption& option, std::vector<std::string>* out);
  // `parse` gets the whole file's root and reads its own field from it (Child or Children).
  void Add(const SectionOption& option, std::function<void(Section& root)> parse);
  // Top-level maps of other programs that share the file.
  void IgnoreSections(const std::vector<std::string>& programs);
  // A check over several options, run after all are set; adds to the problems.
  void Check(std::function<void(Problems*)> check);

  struct Result {
    // Set when the program must end now: 0 after --help and the like, 2 with problems.
    std::optional<int> exit_code;
    std::string output;  // to stdout when exit_code is 0
    Problems problems;   // to stderr, one per line
  };
  [[nodiscard]] Result Parse(int argc, const char* const* argv, const Environment& environment);

  [[nodiscard]] std::string Help() const;
  // Markdown: a heading per group, a table of its options.
  [[nodiscard]] std::string Docs() const;

 private:
  struct Entry {
    std::string name;
    std::string group;
    std::string type;  // "text", "number", "true or false", "list", "section"
    std::string unit;
    std::string fallback;
    std::string bounds;
    std::string sentence;
    std::string example;
    // Takes a text, returns the problem or "". Null for sections.
    std::function<std::string(const std::string& text)> set;
    std::function<void(Section& root)> parse;
  };

  void AddEntry(Entry entry);
  void Assign(const Entry& entry, const std::string& text, std::string_view source,
              Problems* problems) const;
  void ReadFile(const std::string& path, Problems* problems);
  void ReadFlat(Section* section, std::string_view source, Problems* problems) const;
  [[nodiscard]] const Entry* Find(std::string_view name) const;

  std::string program_;
  std::string purpose_;
  std::vector<Entry> entries_;
  std::vector<std::string> ignored_sections_;
  std::vector<std::function<void(Problems*)>> checks_;
};

}  // namespace regulars::config

#endif  // REGULARS_LIBS_CONFIG_OPTIONS_H_
