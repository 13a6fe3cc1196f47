// Whether two records may be one person, and why. It only proposes: what becomes of a proposal is a
// person's or a policy's decision (law 7).
//
// Order of precedence: a rule (exact, before anything is weighed), then the total against the
// bands. Two guards hold a high total back for review, because fields of one household are not
// independent:
//   household         given name, birth date and document together bring less than
//   individual_min_mbit other given name  the given names clearly differ and no document or phone
//   agrees (twins)
// A total is at most kTotalMbitMax of either sign, so no sum overflows.
// Thread-safety: Matcher is const after construction; Judge may run on many threads.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_MATCHER_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_MATCHER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/identity/match/compare.h"
#include "services/identity/match/fields.h"
#include "services/identity/match/parameters.h"
#include "services/identity/match/record.h"

namespace regulars::identity::match {

enum class Band : uint8_t { kNothing, kReview, kLink };

// In order of precedence.
enum class Reason : uint8_t {
  kRule,            // kLink
  kBelow,           // kNothing: total < low
  kBetween,         // kReview: low <= total < high
  kHousehold,       // kReview
  kOtherGivenName,  // kReview
  kHigh,            // kLink
};

[[nodiscard]] std::string_view NameOf(Band band);
[[nodiscard]] std::string_view NameOf(Reason reason);

// One factor of the total per field, plus both names' frequency and the prior.
struct Verdict {
  Band band = Band::kNothing;
  Reason reason = Reason::kBelow;
  size_t rule = 0;  // kRule: which one, from 0
  Comparison comparison;
  PerField<int32_t> weight_mbit = {};     // of the level
  PerField<int32_t> frequency_mbit = {};  // of the value, kEqual only
  int32_t full_name_mbit = 0;             // in place of both names' frequency
  int32_t prior_mbit = 0;
  int32_t individual_mbit = 0;
  int32_t total_mbit = 0;
};

inline constexpr int32_t kTotalMbitMax =
    kWeightMbitMax * (2 * static_cast<int32_t>(kFieldCount) + 2);

class Matcher {
 public:
  // `parameters` must be valid (asserted).
  explicit Matcher(Parameters parameters);

  // Symmetric in a and b.
  [[nodiscard]] Verdict Judge(const Record& a, const Record& b) const;
  const Parameters& parameters() const { return parameters_; }

 private:
  // A common value is never worth less than the level below equality.
  int32_t LeastFrequency(Field field) const;
  void Weigh(const Record& a, Verdict* verdict) const;
  void Decide(Verdict* verdict) const;

  Parameters parameters_;
};

// Line by line: band and reason, then field, level, weight and frequency, then the sum. No values.
[[nodiscard]] std::string Explain(const Verdict& verdict, const Parameters& parameters);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_MATCHER_H_
