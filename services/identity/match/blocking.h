// Which records are compared at all: those that share a blocking key.
//
// A record has 0 to kBlockingKeysMax keys, each named by its kind and hashed with it. The kinds
// overlap on purpose, so one wrong value does not hide a pair:
//   document         the document number
//   phone_surname    last four digits of the phone, surname
//   birth_name       birth date and first letter of a name; given name and surname each, so that
//   exchanged
//                    names meet
//   birth_postcode   birth date and first digit of the postcode
//   name_place       both names in either order and region; with a reading: the reading and
//   locality address          a line of the address and street number; both lines each
// A key is no secret and no identifier: whoever stores keys treats them as what they are made of.
// Thread-safety: pure functions.
#ifndef REGULARS_SERVICES_IDENTITY_MATCH_BLOCKING_H_
#define REGULARS_SERVICES_IDENTITY_MATCH_BLOCKING_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "services/identity/match/record.h"

namespace regulars::identity::match {

inline constexpr size_t kBlockingKeysMax = 8;

enum class BlockingKind : uint8_t {
  kDocument,
  kPhoneSurname,
  kBirthName,
  kBirthPostcode,
  kNamePlace,
  kAddress,
};
[[nodiscard]] std::string_view NameOf(BlockingKind kind);

struct BlockingKey {
  BlockingKind kind = BlockingKind::kDocument;
  uint64_t hash = 0;

  friend auto operator<=>(const BlockingKey&, const BlockingKey&) = default;
};

// Distinct, sorted.
[[nodiscard]] std::vector<BlockingKey> BlockingKeys(const Record& record);

}  // namespace regulars::identity::match

#endif  // REGULARS_SERVICES_IDENTITY_MATCH_BLOCKING_H_
