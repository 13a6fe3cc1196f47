#include "services/identity/match/parameters.h"

#include <bit>
#include <utility>

#include "libs/base/text.h"

namespace regulars::identity::match {
namespace {

constexpr int kRuleFieldsMin = 3;

absl::Status Wrong(std::string_view where, std::string_view what) {
  return absl::InvalidArgumentError(Cat(where, ": ", what));
}

absl::Status CheckRange(std::string_view where, int32_t mbit) {
  if (mbit < -kWeightMbitMax || mbit > kWeightMbitMax) {
    return Wrong(where, Cat(mbit, " is not in [-", kWeightMbitMax, ", ", kWeightMbitMax, "]"));
  }
  return absl::OkStatus();
}

absl::Status CheckWeights(Field field, const std::array<int32_t, kLevelCount>& weights) {
  const std::string place = Cat("weights_mbit.", NameOf(field), ".");
  size_t before = Index(Level::kDifferent);
  if (weights[Index(Level::kMissing)] != 0) return Wrong(Cat(place, "missing"), "is not 0");
  for (size_t i = before; i < kLevelCount; ++i) {
    const auto level = static_cast<Level>(i);
    const std::string where = Cat(place, NameOf(level));
    if (absl::Status status = CheckRange(where, weights[i]); !status.ok()) return status;
    if (!Possible(KindOf(field), level)) {
      if (weights[i] != 0) return Wrong(where, "this field has no such level");
      continue;
    }
    if (weights[i] < weights[before]) {
      return Wrong(where, Cat("less than ", kLevelNames[before]));
    }
    before = i;
  }
  if (weights[Index(Level::kEqual)] < 0) return Wrong(Cat(place, "equal"), "weighs against");
  if (weights[Index(Level::kDifferent)] > 0) return Wrong(Cat(place, "different"), "weighs for");
  return absl::OkStatus();
}

absl::Status CheckListed(std::string_view where,
                         const absl::flat_hash_map<uint64_t, int32_t>& listed) {
  if (listed.size() > kListedValuesMax) {
    return Wrong(where, Cat("more than ", kListedValuesMax, " values"));
  }
  for (const auto& [hash, mbit] : listed) {
    if (absl::Status status = CheckRange(where, mbit); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckRules(const std::vector<FieldSet>& rules) {
  if (rules.size() > kRulesMax) return Wrong("rules", Cat("more than ", kRulesMax));
  for (const FieldSet rule : rules) {
    if (!Has(rule, Field::kDocument) && std::popcount(rule) < kRuleFieldsMin) {
      return Wrong("rules", "a rule names a document or three fields at least");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<FieldSet> DefaultRules() {
  constexpr FieldSet kBirth = Bit(Field::kBirthDate);
  return {Bit(Field::kDocument), Bit(Field::kGivenName) | Bit(Field::kSurname) | kBirth,
          Bit(Field::kSurname) | kBirth | Bit(Field::kPostcode),
          Bit(Field::kGivenName) | kBirth | Bit(Field::kStreetNumber)};
}

absl::Status Validate(const Parameters& parameters) {
  const std::pair<std::string_view, int32_t> numbers[] = {
      {"prior_mbit", parameters.prior_mbit},
      {"high_mbit", parameters.high_mbit},
      {"low_mbit", parameters.low_mbit},
      {"individual_min_mbit", parameters.individual_min_mbit}};
  for (const auto& [name, mbit] : numbers) {
    if (absl::Status status = CheckRange(name, mbit); !status.ok()) return status;
  }
  if (parameters.low_mbit > parameters.high_mbit) return Wrong("low_mbit", "more than high_mbit");
  if (absl::Status status = CheckRules(parameters.rules); !status.ok()) return status;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    absl::Status status = CheckWeights(field, parameters.weights_mbit[i]);
    if (!status.ok()) return status;
    if (!Has(parameters.weighted, field) &&
        parameters.weights_mbit[i] != std::array<int32_t, kLevelCount>{}) {
      return Wrong(Cat("weights_mbit.", NameOf(field)), "has weights but is not weighted");
    }
    const std::string where = Cat("frequencies.", NameOf(field));
    status = CheckRange(where, parameters.frequencies[i].unlisted_mbit);
    if (status.ok()) status = CheckListed(where, parameters.frequencies[i].listed);
    if (!status.ok()) return status;
  }
  return CheckListed("full_names_mbit", parameters.full_names_mbit);
}

}  // namespace regulars::identity::match
