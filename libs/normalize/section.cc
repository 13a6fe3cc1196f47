#include "libs/normalize/section.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/text.h"
#include "libs/model/identifier.h"
#include "libs/normalize/email.h"
#include "libs/normalize/phone.h"
#include "libs/normalize/spelling.h"

namespace regulars::normalize {
namespace {

// "<type>=<rest>"; the type is empty if there is no "=".
std::pair<std::string, std::string> Split(const std::string& entry) {
  const size_t at = entry.find('=');
  if (at == std::string::npos) return {"", entry};
  return {entry.substr(0, at), entry.substr(at + 1)};
}

void ReadShapes(config::Section* own, Options* options) {
  static constexpr char kField[] = "shapes";
  const std::vector<std::string> entries = own->Texts(kField);
  if (entries.size() > kShapesMax) {
    return own->Problem(kField, Cat("at most ", kShapesMax, " types"));
  }
  for (const std::string& entry : entries) {
    const auto [type, text] = Split(entry);
    const std::optional<Shape> shape = ParseShape(text);
    if (!model::IsIdentifierType(type) || !shape.has_value()) {
      own->Problem(kField,
                   Cat("each is <type>=<text, word, token, key or digits>:<bytes>[..<bytes>]"
                       "[:scoped], at most ",
                       limits::kIdentifierValueMax, " bytes"));
    } else if (HasOwnGrammar(type)) {
      own->Problem(kField, Cat(type, " has a grammar of its own"));
    } else {
      options->shapes[type] = *shape;
    }
  }
}

// The spelling under which a value is blocked; nullopt if no value of the type looks so.
std::optional<std::string> BlockedSpelling(const std::string& type, const std::string& text,
                                           const Options& options) {
  if (type == "*") {
    Spelling spelling = Spell(text, limits::kIdentifierValueMax);
    if (spelling.fault != SpellingFault::kNone) return std::nullopt;
    return std::move(spelling.text);
  }
  if (type == "email" && text.substr(0, 1) == "@") {
    const std::optional<std::string> domain = NormalizeDomain(std::string_view(text).substr(1));
    if (!domain.has_value()) return std::nullopt;
    return Cat("@", *domain);
  }
  // A blocked value is blocked in every scope.
  Normalized normal = Normalize(type, "*", text, options);
  if (normal.value.empty()) return std::nullopt;
  return std::move(normal.value);
}

// After the region and the shapes: they decide the spelling.
void ReadBlocked(config::Section* own, Options* options) {
  static constexpr char kField[] = "blocked";
  const std::vector<std::string> entries = own->Texts(kField);
  if (entries.size() > kBlockedMax) {
    return own->Problem(kField, Cat("at most ", kBlockedMax, " values"));
  }
  Options read = *options;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto [type, text] = Split(entries[i]);
    // Values may be personal: a problem names the place in the list.
    if (type != "*" && !model::IsIdentifierType(type)) {
      own->Problem(kField, Cat("entry ", i + 1, ": must be <type>=<value> or *=<value>"));
      continue;
    }
    const std::optional<std::string> value = BlockedSpelling(type, text, *options);
    if (!value.has_value()) {
      own->Problem(kField,
                   Cat("entry ", i + 1, ": no ", type == "*" ? "value" : type, " looks so"));
      continue;
    }
    read.blocked[type].insert(*value);
  }
  *options = std::move(read);
}

}  // namespace

Options ReadOptions(config::Section* pool) {
  Options options;
  std::optional<config::Section> own = pool->Child("identifiers");
  if (!own.has_value()) return options;
  const std::string region = own->Text("default_region", options.default_region);
  if (IsPhoneRegion(region)) {
    options.default_region = region;
  } else {
    own->Problem("default_region", "must be a region of ISO 3166-1 with a numbering plan: CN, HK");
  }
  ReadShapes(&*own, &options);
  ReadBlocked(&*own, &options);
  own->Finish();
  return options;
}

}  // namespace regulars::normalize
