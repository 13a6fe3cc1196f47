// One map of a YAML file, read field by field with its type and bounds. Used for lists of maps
// (pools) that flat options cannot express.
//
// Nothing is thrown and nothing stops at the first mistake: each problem is added to one list as
// "pools[2].currency: must be three capital letters", and the read gives the fallback.
// Lifecycle: call Finish() last: a field that nobody asked for is a problem, too.
// Thread-safety: none; used while starting.
#ifndef REGULARS_LIBS_CONFIG_SECTION_H_
#define REGULARS_LIBS_CONFIG_SECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regulars::config {

using Problems = std::vector<std::string>;

class Section {
 public:
  struct Impl;
  explicit Section(std::unique_ptr<Impl> impl);
  ~Section();
  Section(Section&&) noexcept;
  Section& operator=(Section&&) noexcept;

  // Without a fallback the field is required.
  std::string Text(const std::string& field, const std::optional<std::string>& fallback = {});
  std::string Choice(const std::string& field, const std::vector<std::string>& choices,
                     const std::optional<std::string>& fallback = {});
  int64_t Int(const std::string& field, int64_t min, int64_t max,
              std::optional<int64_t> fallback = {});
  bool Bool(const std::string& field, std::optional<bool> fallback = {});
  std::vector<std::string> Texts(const std::string& field);  // absent = empty

  // A single value, or a list of them joined by commas; nullopt when absent. For flat options.
  std::optional<std::string> Flat(const std::string& field);

  // A map inside this one, nullopt when absent; a list of maps, empty when absent.
  std::optional<Section> Child(const std::string& field);
  std::vector<Section> Children(const std::string& field);

  // A field that this program does not read but another one does.
  void Skip(const std::string& field);

  // Adds a problem of this section, for checks that need more than one field.
  void Problem(std::string_view field, std::string_view text);

  void Finish();

 private:
  std::unique_ptr<Impl> impl_;
};

// Parses a YAML document whose root is a map. nullopt and a problem when it is none. `problems`
// must outlive the section.
std::optional<Section> ParseYaml(std::string_view text, Problems* problems);

}  // namespace regulars::config

#endif  // REGULARS_LIBS_CONFIG_SECTION_H_
