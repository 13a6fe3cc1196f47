// Parameters as JSON and back; what it means is in parameters.h.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/identity/match/parameters.h"

namespace regulars::identity::match {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "regulars.match.v1";
constexpr size_t kHashDigits = 16;

absl::Status Wrong(std::string_view where, std::string_view what) {
  return absl::InvalidArgumentError(Cat(where, ": ", what));
}

// The members of `object`, each of which must be one of `known`; all of them must be there.
absl::Status CheckMembers(std::string_view where, const Json& object,
                          const std::vector<std::string>& known) {
  if (!object.is_object()) return Wrong(where, "is not an object");
  for (const auto& member : object.items()) {
    if (std::find(known.begin(), known.end(), member.key()) == known.end()) {
      return Wrong(where, Cat("unknown member \"", member.key().substr(0, 64), "\""));
    }
  }
  for (const std::string& name : known) {
    if (!object.contains(name)) return Wrong(where, Cat("\"", name, "\" is missing"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int32_t> Mbit(std::string_view where, const Json& value) {
  if (!value.is_number_integer()) return Wrong(where, "is not an integer");
  // As unsigned above INT64_MAX it would wrap.
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT32_MAX) {
    return Wrong(where, "is too large");
  }
  const auto number = value.get<int64_t>();
  if (number < INT32_MIN || number > INT32_MAX) return Wrong(where, "is too large");
  return static_cast<int32_t>(number);
}

std::optional<uint64_t> Hash(std::string_view text) {
  if (text.size() != kHashDigits) return std::nullopt;
  uint64_t hash = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) return std::nullopt;
    hash = hash << 4 | static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return hash;
}

std::string HashText(uint64_t hash) {
  std::string out(kHashDigits, '0');
  for (size_t i = kHashDigits; i-- > 0; hash >>= 4) out[i] = "0123456789abcdef"[hash & 15];
  return out;
}

absl::StatusOr<absl::flat_hash_map<uint64_t, int32_t>> Listed(std::string_view where,
                                                              const Json& object) {
  if (!object.is_object()) return Wrong(where, "is not an object");
  absl::flat_hash_map<uint64_t, int32_t> out;
  for (const auto& member : object.items()) {
    const std::optional<uint64_t> hash = Hash(member.key());
    if (!hash.has_value()) return Wrong(where, "a key is not 16 hexadecimal digits");
    REGULARS_ASSIGN_OR_RETURN(out[*hash], Mbit(where, member.value()));
  }
  return out;
}

absl::StatusOr<FieldSet> Rule(const Json& names) {
  if (!names.is_array()) return Wrong("rules", "a rule is not an array of field names");
  FieldSet rule = 0;
  for (const Json& name : names) {
    if (!name.is_string()) return Wrong("rules", "a field's name is not a string");
    const std::optional<Field> field = FieldNamed(name.get_ref<const std::string&>());
    if (!field.has_value()) return Wrong("rules", "no such field");
    rule |= Bit(*field);
  }
  return rule;
}

absl::Status ReadWeights(const Json& fields, Parameters* out) {
  if (!fields.is_object()) return Wrong("weights_mbit", "is not an object");
  for (const auto& member : fields.items()) {
    const std::optional<Field> field = FieldNamed(member.key());
    if (!field.has_value()) return Wrong("weights_mbit", "no such field");
    const std::string where = Cat("weights_mbit.", NameOf(*field));
    std::vector<std::string> levels;
    for (size_t i = Index(Level::kDifferent); i < kLevelCount; ++i) {
      if (Possible(KindOf(*field), static_cast<Level>(i))) levels.emplace_back(kLevelNames[i]);
    }
    REGULARS_RETURN_IF_ERROR(CheckMembers(where, member.value(), levels));
    for (size_t i = Index(Level::kDifferent); i < kLevelCount; ++i) {
      if (!Possible(KindOf(*field), static_cast<Level>(i))) continue;
      const std::string name(kLevelNames[i]);
      REGULARS_ASSIGN_OR_RETURN(out->weights_mbit[Index(*field)][i],
                                Mbit(Cat(where, ".", name), member.value()[name]));
    }
    out->weighted |= Bit(*field);
  }
  return absl::OkStatus();
}

absl::Status ReadFrequencies(const Json& fields, Parameters* out) {
  if (!fields.is_object()) return Wrong("frequencies", "is not an object");
  for (const auto& member : fields.items()) {
    const std::optional<Field> field = FieldNamed(member.key());
    if (!field.has_value()) return Wrong("frequencies", "no such field");
    const std::string where = Cat("frequencies.", NameOf(*field));
    REGULARS_RETURN_IF_ERROR(CheckMembers(where, member.value(), {"unlisted_mbit", "listed_mbit"}));
    FrequencyTable& table = out->frequencies[Index(*field)];
    REGULARS_ASSIGN_OR_RETURN(table.unlisted_mbit,
                              Mbit(Cat(where, ".unlisted_mbit"), member.value()["unlisted_mbit"]));
    REGULARS_ASSIGN_OR_RETURN(table.listed,
                              Listed(Cat(where, ".listed_mbit"), member.value()["listed_mbit"]));
  }
  return absl::OkStatus();
}

Json ListedJson(const absl::flat_hash_map<uint64_t, int32_t>& listed) {
  Json out = Json::object();  // sorted by key
  for (const auto& [hash, mbit] : listed) out[HashText(hash)] = mbit;
  return out;
}

}  // namespace

absl::StatusOr<Parameters> ParseParameters(std::string_view json) {
  if (json.size() > kParametersBytesMax) {
    return Wrong("parameters", Cat("more than ", kParametersBytesMax, " bytes"));
  }
  const Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return Wrong("parameters", "not JSON");
  REGULARS_RETURN_IF_ERROR(
      CheckMembers("parameters", root,
                   {"format", "prior_mbit", "high_mbit", "low_mbit", "individual_min_mbit", "rules",
                    "weights_mbit", "frequencies", "full_names_mbit"}));
  if (root["format"] != std::string(kFormat)) return Wrong("format", Cat("is not ", kFormat));
  Parameters out;
  const std::pair<const char*, int32_t*> numbers[] = {
      {"prior_mbit", &out.prior_mbit},
      {"high_mbit", &out.high_mbit},
      {"low_mbit", &out.low_mbit},
      {"individual_min_mbit", &out.individual_min_mbit}};
  for (const auto& [name, number] : numbers) {
    REGULARS_ASSIGN_OR_RETURN(*number, Mbit(name, root[name]));
  }
  if (!root["rules"].is_array()) return Wrong("rules", "is not an array");
  for (const Json& names : root["rules"]) {
    REGULARS_ASSIGN_OR_RETURN(const FieldSet rule, Rule(names));
    out.rules.push_back(rule);
  }
  REGULARS_RETURN_IF_ERROR(ReadWeights(root["weights_mbit"], &out));
  REGULARS_RETURN_IF_ERROR(ReadFrequencies(root["frequencies"], &out));
  REGULARS_ASSIGN_OR_RETURN(out.full_names_mbit,
                            Listed("full_names_mbit", root["full_names_mbit"]));
  REGULARS_RETURN_IF_ERROR(Validate(out));
  return out;
}

std::string FormatParameters(const Parameters& parameters) {
  Json root = {{"format", std::string(kFormat)},
               {"prior_mbit", parameters.prior_mbit},
               {"high_mbit", parameters.high_mbit},
               {"low_mbit", parameters.low_mbit},
               {"individual_min_mbit", parameters.individual_min_mbit},
               {"rules", Json::array()},
               {"weights_mbit", Json::object()},
               {"frequencies", Json::object()},
               {"full_names_mbit", ListedJson(parameters.full_names_mbit)}};
  for (const FieldSet rule : parameters.rules) {
    Json names = Json::array();
    for (size_t i = 0; i < kFieldCount; ++i) {
      if (Has(rule, static_cast<Field>(i))) names.push_back(std::string(kFields[i].name));
    }
    root["rules"].push_back(std::move(names));
  }
  for (size_t i = 0; i < kFieldCount; ++i) {
    const std::string name(kFields[i].name);
    const FrequencyTable& table = parameters.frequencies[i];
    if (table.unlisted_mbit != 0 || !table.listed.empty()) {
      root["frequencies"][name] = {{"unlisted_mbit", table.unlisted_mbit},
                                   {"listed_mbit", ListedJson(table.listed)}};
    }
    if (!Has(parameters.weighted, static_cast<Field>(i))) continue;
    for (size_t level = Index(Level::kDifferent); level < kLevelCount; ++level) {
      if (!Possible(kFields[i].kind, static_cast<Level>(level))) continue;
      root["weights_mbit"][name][std::string(kLevelNames[level])] =
          parameters.weights_mbit[i][level];
    }
  }
  return root.dump(1) + "\n";
}

}  // namespace regulars::identity::match
