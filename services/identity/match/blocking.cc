#include "services/identity/match/blocking.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/hash.h"

namespace regulars::identity::match {
namespace {

constexpr size_t kPhoneTail = 4;

class Keys {
 public:
  // Every part must have a value, or there is no key.
  void Add(BlockingKind kind, std::initializer_list<Letters> parts) {
    std::u32string letters;
    for (const Letters part : parts) {
      if (part.empty()) return;
      letters += part;
      letters.push_back(U' ');  // no folded value holds one
    }
    keys_.push_back({kind, Xxh3(std::string(NameOf(kind)) + ' ' + ToUtf8(letters))});
  }

  std::vector<BlockingKey> Take() && {
    std::sort(keys_.begin(), keys_.end());
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
    REGULARS_ASSERT(keys_.size() <= kBlockingKeysMax, "a record with more keys than promised");
    return std::move(keys_);
  }

 private:
  std::vector<BlockingKey> keys_;
};

}  // namespace

std::string_view NameOf(BlockingKind kind) {
  switch (kind) {
    case BlockingKind::kDocument:
      return "document";
    case BlockingKind::kPhoneSurname:
      return "phone_surname";
    case BlockingKind::kBirthName:
      return "birth_name";
    case BlockingKind::kBirthPostcode:
      return "birth_postcode";
    case BlockingKind::kNamePlace:
      return "name_place";
    case BlockingKind::kAddress:
      return "address";
  }
  return "";
}

std::vector<BlockingKey> BlockingKeys(const Record& record) {
  Keys keys;
  const Letters given = record[Field::kGivenName], surname = record[Field::kSurname];
  const Letters birth = record[Field::kBirthDate], phone = record[Field::kPhone];
  keys.Add(BlockingKind::kDocument, {record[Field::kDocument]});
  if (phone.size() >= kPhoneTail) {
    keys.Add(BlockingKind::kPhoneSurname, {phone.substr(phone.size() - kPhoneTail), surname});
  }
  keys.Add(BlockingKind::kBirthName, {birth, given.substr(0, 1)});
  keys.Add(BlockingKind::kBirthName, {birth, surname.substr(0, 1)});
  keys.Add(BlockingKind::kBirthPostcode, {birth, record[Field::kPostcode].substr(0, 1)});
  if (!record.reading().empty()) {
    keys.Add(BlockingKind::kNamePlace, {record.reading(), record[Field::kLocality]});
  } else {
    keys.Add(BlockingKind::kNamePlace,
             {std::min(given, surname), std::max(given, surname), record[Field::kRegion]});
  }
  for (const Field line : {Field::kAddress1, Field::kAddress2}) {
    keys.Add(BlockingKind::kAddress, {record[line], record[Field::kStreetNumber]});
  }
  return std::move(keys).Take();
}

}  // namespace regulars::identity::match
