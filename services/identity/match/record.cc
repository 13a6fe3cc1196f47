#include "services/identity/match/record.h"

#include "libs/base/hash.h"
#include "services/identity/match/metrics.h"

namespace regulars::identity::match {

static_assert((kFieldCount + 1) * kLettersMax <= UINT16_MAX, "ends fit into 16 bits");
static_assert(Index(Field::kGivenName) == 0 && Index(Field::kSurname) == 1, "soundex_ is by index");

uint64_t ValueHash(Letters letters) { return Xxh3(ToUtf8(letters)); }

Record Record::Of(const RecordText& text) {
  Record out;
  for (size_t i = 0; i <= kFieldCount; ++i) {
    const Folded folded = Fold(i < kFieldCount ? text.values[i] : text.reading);
    out.letters_ += folded.letters;
    out.ends_[i + 1] = static_cast<uint16_t>(out.letters_.size());
    if (i == kFieldCount) break;
    const auto field = static_cast<Field>(i);
    if (HoldsWords(KindOf(field))) out.gaps_[i] = folded.gaps;
    out.letter_sets_[i] = LetterSet(folded.letters);
    if (folded.too_long) out.too_long_ |= Bit(field);
    if (!folded.letters.empty()) out.hashes_[i] = ValueHash(folded.letters);
    if (HasHan(folded.letters)) out.han_ |= Bit(field);
    if (KindOf(field) == Kind::kName) out.soundex_[i] = Soundex(folded.letters);
  }
  return out;
}

uint64_t FullNameHash(const Record& record) {
  std::u32string name(record[Field::kSurname]);
  name.push_back(U' ');
  name += record[Field::kGivenName];
  return ValueHash(name);
}

}  // namespace regulars::identity::match
