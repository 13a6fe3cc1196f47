// What a pair's agreement is worth, and where the bands begin: estimated offline, read once.
//
// Weights are log2(m/u) in thousandths of a bit (mbit), m and u being how often a level is found
// among pairs of one person and among pairs of two (Fellegi, Sunter: A Theory for Record Linkage,
// 1969). The prior is log2 of the odds that any two records of the population are one person. A
// value's frequency replaces the field's average: agreeing on a rare surname says more than on a
// common one (Winkler 1990). Decisions are sums and comparisons of integers.
//
// The file is JSON (services/identity/match/README.md). Parse refuses what is not sound with
// InvalidArgument and the place, e.g. "weights_mbit.surname.typo: less than similar".
// Thread-safety: a value type; const use from many threads.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_PARAMETERS_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_PARAMETERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/identity/match/fields.h"

namespace regulars::identity::match {

inline constexpr size_t kParametersBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kListedValuesMax = 200'000;  // per frequency table
inline constexpr size_t kRulesMax = 16;
inline constexpr int32_t kWeightMbitMax = 60'000;  // of any single number, either sign

// In mbit, by value hash (Record::hash). Values that are not listed are rare and get
// `unlisted_mbit`.
struct FrequencyTable {
  int32_t unlisted_mbit = 0;
  absl::flat_hash_map<uint64_t, int32_t> listed;

  int32_t Of(uint64_t hash) const {
    const auto found = listed.find(hash);
    return found == listed.end() ? unlisted_mbit : found->second;
  }
};

struct Parameters {
  int32_t prior_mbit = 0;
  int32_t high_mbit = 0;  // from here: link
  int32_t low_mbit = 0;   // from here: review
  // What given name, birth date and document must bring together. An address and a surname are
  // shared by a household and never make one person of two.
  int32_t individual_min_mbit = 0;
  // Sets of fields; a pair equal in all fields of one is proposed before anything is weighed.
  std::vector<FieldSet> rules;
  // kMissing weighs 0. A field the parameters were not estimated for weighs 0 at all levels.
  PerField<std::array<int32_t, kLevelCount>> weights_mbit = {};
  FieldSet weighted = 0;
  // Added to the weight of kEqual. Empty tables with unlisted_mbit 0 change nothing.
  PerField<FrequencyTable> frequencies;
  // For pairs equal in surname and given name, by FullNameHash: in place of both fields'
  // adjustments where the name is listed.
  absl::flat_hash_map<uint64_t, int32_t> full_names_mbit;
};

// The fields of individual_min_mbit.
inline constexpr FieldSet kIndividualFields =
    Bit(Field::kGivenName) | Bit(Field::kBirthDate) | Bit(Field::kDocument);

// Document; both names and birth date; surname, birth date and postcode; given name, birth date and
// street number.
[[nodiscard]] std::vector<FieldSet> DefaultRules();

// Whether all numbers are in their limits, weights never fall with agreement, equal never weighs
// against and different never for a match, low <= high, and every rule names a document or three
// fields at least.
[[nodiscard]] absl::Status Validate(const Parameters& parameters);

[[nodiscard]] absl::StatusOr<Parameters> ParseParameters(std::string_view json);
// Parse(Format(p)) == p; the same parameters give the same bytes.
[[nodiscard]] std::string FormatParameters(const Parameters& parameters);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_PARAMETERS_H_
