#include "services/identity/match/matcher.h"

#include <algorithm>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/text.h"

namespace regulars::identity::match {
namespace {

// -7300 as "-7.300".
std::string Bits(int32_t mbit) {
  const int32_t size = mbit < 0 ? -mbit : mbit;
  std::string fraction = Cat(size % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return Cat(mbit < 0 ? "-" : "+", size / 1000, ".", fraction);
}

std::string RuleText(FieldSet rule) {
  std::string out;
  for (size_t i = 0; i < kFieldCount; ++i) {
    if (Has(rule, static_cast<Field>(i))) Append(&out, out.empty() ? "" : " + ", kFields[i].name);
  }
  return out;
}

}  // namespace

std::string_view NameOf(Band band) {
  switch (band) {
    case Band::kNothing:
      return "nothing";
    case Band::kReview:
      return "review";
    case Band::kLink:
      return "link";
  }
  return "";
}

std::string_view NameOf(Reason reason) {
  switch (reason) {
    case Reason::kRule:
      return "rule";
    case Reason::kBelow:
      return "below";
    case Reason::kBetween:
      return "between";
    case Reason::kHousehold:
      return "household";
    case Reason::kOtherGivenName:
      return "other_given_name";
    case Reason::kHigh:
      return "high";
  }
  return "";
}

Matcher::Matcher(Parameters parameters) : parameters_(std::move(parameters)) {
  REGULARS_ASSERT(Validate(parameters_).ok(), "parameters were not validated");
}

Verdict Matcher::Judge(const Record& a, const Record& b) const {
  Verdict verdict;
  verdict.comparison = Compare(a, b);
  Weigh(a, &verdict);
  Decide(&verdict);
  return verdict;
}

int32_t Matcher::LeastFrequency(Field field) const {
  const std::array<int32_t, kLevelCount>& weights = parameters_.weights_mbit[Index(field)];
  size_t below = Index(Level::kEqual) - 1;
  while (!Possible(KindOf(field), static_cast<Level>(below))) --below;
  return weights[below] - weights[Index(Level::kEqual)];
}

void Matcher::Weigh(const Record& a, Verdict* verdict) const {
  const Comparison& comparison = verdict->comparison;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const Level level = comparison.levels[i];
    const std::array<int32_t, kLevelCount>& weights = parameters_.weights_mbit[i];
    verdict->weight_mbit[i] = weights[Index(level)];
    if (level != Level::kEqual) continue;
    const auto field = static_cast<Field>(i);
    verdict->frequency_mbit[i] =
        std::max(LeastFrequency(field), parameters_.frequencies[i].Of(a.hash(field)));
  }
  constexpr size_t kGiven = Index(Field::kGivenName), kSurname = Index(Field::kSurname);
  if (comparison.levels[kGiven] == Level::kEqual && comparison.levels[kSurname] == Level::kEqual) {
    const auto found = parameters_.full_names_mbit.find(FullNameHash(a));
    if (found != parameters_.full_names_mbit.end()) {
      int32_t* const given = &verdict->frequency_mbit[kGiven];
      int32_t* const surname = &verdict->frequency_mbit[kSurname];
      const int32_t without_given = LeastFrequency(Field::kGivenName) + *surname;
      const int32_t without_surname = LeastFrequency(Field::kSurname) + *given;
      verdict->full_name_mbit = std::max({found->second, without_given, without_surname});
      *given = *surname = 0;
    }
  }
  verdict->prior_mbit = parameters_.prior_mbit;
  verdict->total_mbit = parameters_.prior_mbit + verdict->full_name_mbit;
  for (size_t i = 0; i < kFieldCount; ++i) {
    const int32_t sum = verdict->weight_mbit[i] + verdict->frequency_mbit[i];
    verdict->total_mbit += sum;
    if (Has(kIndividualFields, static_cast<Field>(i))) verdict->individual_mbit += sum;
  }
}

void Matcher::Decide(Verdict* verdict) const {
  const auto decide = [verdict](Band band, Reason reason) {
    verdict->band = band;
    verdict->reason = reason;
  };
  const Comparison& comparison = verdict->comparison;
  for (size_t i = 0; i < parameters_.rules.size(); ++i) {
    if ((comparison.exact & parameters_.rules[i]) != parameters_.rules[i]) continue;
    verdict->rule = i;
    return decide(Band::kLink, Reason::kRule);
  }
  if (verdict->total_mbit < parameters_.low_mbit) return decide(Band::kNothing, Reason::kBelow);
  if (verdict->total_mbit < parameters_.high_mbit) return decide(Band::kReview, Reason::kBetween);
  if (verdict->individual_mbit < parameters_.individual_min_mbit) {
    return decide(Band::kReview, Reason::kHousehold);
  }
  const bool number_agrees =
      std::max(comparison[Field::kDocument], comparison[Field::kPhone]) >= Level::kTypo;
  if (comparison[Field::kGivenName] == Level::kDifferent && !number_agrees) {
    return decide(Band::kReview, Reason::kOtherGivenName);
  }
  decide(Band::kLink, Reason::kHigh);
}

std::string Explain(const Verdict& verdict, const Parameters& parameters) {
  std::string out = Cat(NameOf(verdict.band), ": ", NameOf(verdict.reason));
  if (verdict.reason == Reason::kRule) {
    Append(&out, " ", RuleText(parameters.rules.at(verdict.rule)));
  }
  Append(&out, ", total ", Bits(verdict.total_mbit), " bit (review from ",
         Bits(parameters.low_mbit), ", link from ", Bits(parameters.high_mbit), "), individual ",
         Bits(verdict.individual_mbit), " (at least ", Bits(parameters.individual_min_mbit),
         ")\n  prior ", Bits(verdict.prior_mbit), "\n");
  for (size_t i = 0; i < kFieldCount; ++i) {
    Append(&out, "  ", kFields[i].name, " ", NameOf(verdict.comparison.levels[i]), " ",
           Bits(verdict.weight_mbit[i]));
    if (verdict.frequency_mbit[i] != 0) {
      Append(&out, " frequency ", Bits(verdict.frequency_mbit[i]));
    }
    out += "\n";
  }
  if (verdict.full_name_mbit != 0) {
    Append(&out, "  full name frequency ", Bits(verdict.full_name_mbit), "\n");
  }
  return out;
}

}  // namespace regulars::identity::match
