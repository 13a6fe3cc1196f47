// A person's names, dates, numbers and address as they are compared: folded once, compared often.
//
// Example: Record record = Record::Of({.values = {...}, .reading = "wang xiaoming"});
// Any bytes are accepted. Empty values are missing; so are those of more than kLettersMax letters,
// which too_long() names. The caller leaves out what ingest blocks (placeholders, virtual numbers).
// A Record holds personal data in clear: it lives in memory for a comparison and is not logged.
// Thread-safety: a value type.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_RECORD_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_RECORD_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "services/identity/match/fields.h"
#include "services/identity/match/text.h"

namespace regulars::identity::match {

struct RecordText {
  PerField<std::string> values;  // UTF-8
  // How the whole name is read, when the caller knows: pinyin with or without spaces.
  std::string reading;

  std::string& operator[](Field field) { return values[Index(field)]; }
  const std::string& operator[](Field field) const { return values[Index(field)]; }
};

class Record {
 public:
  static Record Of(const RecordText& text);

  Letters operator[](Field field) const { return Slice(Index(field)); }
  Letters reading() const { return Slice(kFieldCount); }
  bool Missing(Field field) const { return (*this)[field].empty(); }
  // Of the names only, else 0.
  uint32_t soundex(Field name) const { return soundex_[Index(name)]; }
  // Identifies the value among those of its field, in tables and blocking keys.
  uint64_t hash(Field field) const { return hashes_[Index(field)]; }
  // Where words part (Folded::gaps); 0 in numbers and dates, whose gaps mean nothing.
  uint64_t gaps(Field field) const { return gaps_[Index(field)]; }
  // The letters that occur (LetterSet).
  uint64_t letter_set(Field field) const { return letter_sets_[Index(field)]; }
  bool han(Field field) const { return Has(han_, field); }
  FieldSet too_long() const { return too_long_; }

  // By content; an order that does not depend on where records came from.
  friend auto operator<=>(const Record&, const Record&) = default;
  friend bool operator==(const Record&, const Record&) = default;

 private:
  Letters Slice(size_t i) const {
    return Letters(letters_).substr(ends_[i], static_cast<size_t>(ends_[i + 1] - ends_[i]));
  }

  std::u32string letters_;  // of all fields and the reading, one behind the other
  std::array<uint16_t, kFieldCount + 2> ends_ = {};
  PerField<uint64_t> gaps_ = {};
  PerField<uint64_t> hashes_ = {};
  PerField<uint64_t> letter_sets_ = {};
  std::array<uint32_t, 2> soundex_ = {};  // kGivenName, kSurname
  FieldSet han_ = 0;
  FieldSet too_long_ = 0;
};

// The hash of a value of a field, as in Record::hash; the letters are folded ones.
[[nodiscard]] uint64_t ValueHash(Letters letters);

// Identifies a whole name in the frequency table of full names. Not symmetric.
[[nodiscard]] uint64_t FullNameHash(const Record& record);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_RECORD_H_
