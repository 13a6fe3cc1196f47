// Parameters and people for tests: round weights, so a table can be checked by hand.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_MATCH_SAMPLES_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_MATCH_SAMPLES_H_

#include <string>

#include "services/identity/match/parameters.h"
#include "services/identity/match/record.h"

namespace regulars::identity::match {

inline Parameters SampleParameters() {
  Parameters out;
  out.prior_mbit = -12'000;
  out.high_mbit = 10'000;
  out.low_mbit = -2'000;
  out.individual_min_mbit = 6'000;
  out.rules = {Bit(Field::kDocument),
               Bit(Field::kGivenName) | Bit(Field::kSurname) | Bit(Field::kBirthDate)};
  const auto weigh = [&out](Field field, std::array<int32_t, kLevelCount> weights) {
    out.weights_mbit[Index(field)] = weights;
    out.weighted |= Bit(field);
  };
  //                  missing, different, sounds, similar, swapped, typo, equal
  weigh(Field::kGivenName, {0, -3'000, 1'000, 2'000, 5'000, 6'000, 7'000});
  weigh(Field::kSurname, {0, -3'000, 1'000, 3'000, 5'000, 6'000, 8'000});
  weigh(Field::kBirthDate, {0, -4'000, 0, 1'000, 4'000, 5'000, 14'000});
  weigh(Field::kDocument, {0, -4'000, 0, 5'000, 0, 11'000, 18'000});
  weigh(Field::kPhone, {0, -1'000, 0, 3'000, 0, 6'000, 10'000});
  weigh(Field::kStreetNumber, {0, -3'000, 0, 0, 0, -1'000, 6'000});
  weigh(Field::kAddress1, {0, -5'000, 0, 3'000, 8'000, 9'000, 10'000});
  weigh(Field::kAddress2, {0, -5'000, 0, 3'000, 8'000, 9'000, 10'000});
  weigh(Field::kLocality, {0, -4'000, 0, 3'000, 0, 8'000, 9'000});
  weigh(Field::kPostcode, {0, -4'000, 0, 0, 0, 4'000, 9'000});
  weigh(Field::kRegion, {0, -4'000, 0, 0, 0, 0, 2'000});
  return out;
}

struct Person {
  std::string given, surname, birth, document, phone, number, street, locality, postcode;
  std::string reading = {};
};

inline Record RecordOf(const Person& person) {
  RecordText text;
  text[Field::kGivenName] = person.given;
  text[Field::kSurname] = person.surname;
  text[Field::kBirthDate] = person.birth;
  text[Field::kDocument] = person.document;
  text[Field::kPhone] = person.phone;
  text[Field::kStreetNumber] = person.number;
  text[Field::kAddress1] = person.street;
  text[Field::kLocality] = person.locality;
  text[Field::kPostcode] = person.postcode;
  text.reading = person.reading;
  return Record::Of(text);
}

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_MATCH_SAMPLES_H_
